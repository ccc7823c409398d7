//! `[diamond]`: Diamond's Python collectors, unmodified, as one plugin. What runs them is in `agent/diamond` and travels
//! inside the program: it is handed to Python over its input, so nothing is unpacked and no file is written.

use std::path::PathBuf;
use std::time::Duration;

use collectors::{Built, Compat};
use serde::Deserialize;

use super::{Home, Mode, PluginConfig, build};
use crate::Size;

/// The module `main` and what it imports.
#[cfg(feature = "diamond")]
const MODULES: &[(&str, &str)] = &[
    ("main", include_str!("../../diamond/main.py")),
    ("framework", include_str!("../../diamond/framework.py")),
    ("inifile", include_str!("../../diamond/inifile.py")),
    ("py2", include_str!("../../diamond/py2.py")),
    ("rewrite", include_str!("../../diamond/rewrite.py")),
    ("world", include_str!("../../diamond/world.py")),
];
/// A small agent has no Python in it.
#[cfg(not(feature = "diamond"))]
const MODULES: &[(&str, &str)] = &[];
/// Reads the modules from its input and runs them.
const BOOT: &str = include_str!("../../diamond/boot.py");

/// Collectors of Diamond's that are built in here, with the names that ours have.
pub const BUILT_IN: [(&str, &str); 29] = [
    ("CPUCollector", "cpu"),
    ("MemoryCollector", "memory"),
    ("LoadAverageCollector", "loadavg"),
    ("VMStatCollector", "vmstat"),
    ("ProcessStatCollector", "procstat"),
    ("SoftInterruptCollector", "softirq"),
    ("InterruptCollector", "interrupts"),
    ("UptimeCollector", "uptime"),
    ("EntropyStatCollector", "entropy"),
    ("DiskSpaceCollector", "diskspace"),
    ("DiskUsageCollector", "diskusage"),
    ("FilestatCollector", "filestat"),
    ("ConnTrackCollector", "conntrack"),
    ("NfsCollector", "nfs"),
    ("NfsdCollector", "nfsd"),
    ("MdStatCollector", "mdstat"),
    ("NetworkCollector", "network"),
    ("TCPCollector", "tcp"),
    ("UDPCollector", "udp"),
    ("IPCollector", "ip"),
    ("SockstatCollector", "sockstat"),
    ("NetstatCollector", "netstat"),
    ("FilesCollector", "files"),
    ("NginxCollector", "nginx"),
    ("MemcachedCollector", "memcached"),
    ("RedisCollector", "redis"),
    ("CephCollector", "ceph"),
    ("ProcessResourcesCollector", "processes"),
    ("HTTPJSONCollector", "httpjson"),
];

/// `[diamond]`: Diamond's own collectors, run by one Python 3.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct DiamondConfig {
    /// Whether they run. Default: if `config-path` or a collector is named here.
    pub enabled: Option<bool>,
    /// Folders with collectors, and folders in them. Default: what Diamond's configuration says.
    pub collectors_path: Vec<PathBuf>,
    /// Diamond's own configuration, `diamond.conf`: says which collectors run and how. Default: none.
    pub config_path: Option<PathBuf>,
    /// The interpreter, Python 3.8 or newer. Default "python3".
    pub python: String,
    /// Whether collectors that are built in here are left to those: they have the same names and cost a hundredth.
    /// Default true.
    pub built_in: bool,
    /// "diamond" makes rates and decimals as Diamond made them, 0 for a first reading included. Default: as Plumbago
    /// does.
    pub compat: Option<Compat>,
    /// How often collectors run that name no interval of their own, in whole seconds. Default: the agent's interval.
    #[serde(with = "humantime_serde")]
    pub interval: Option<Duration>,
    /// As in `[plugin.NAME]`.
    pub user: Option<String>,
    /// As in `[plugin.NAME]`.
    pub nice: Option<i32>,
    /// As in `[plugin.NAME]`.
    pub memory: Option<Size>,
    /// What collectors say from this level on goes into the agent's log: "debug", "info", "warning" or "error". Default
    /// "warning".
    pub log: Level,
    /// A table for each collector, above those of Diamond's configuration: `enabled = true` and its options.
    pub collectors: toml::Table,
}

/// From which level on collectors are heard.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
#[expect(missing_docs, reason = "each is the level it says")]
pub enum Level {
    Debug,
    Info,
    #[default]
    Warning,
    Error,
}

impl Default for DiamondConfig {
    fn default() -> DiamondConfig {
        DiamondConfig {
            enabled: None,
            collectors_path: Vec::new(),
            config_path: None,
            python: "python3".to_owned(),
            built_in: true,
            compat: None,
            interval: None,
            user: None,
            nice: None,
            memory: None,
            log: Level::Warning,
            collectors: toml::Table::new(),
        }
    }
}

impl DiamondConfig {
    /// Whether there is anything to run.
    pub(super) fn is_on(&self) -> bool {
        self.enabled.unwrap_or(self.config_path.is_some() || !self.collectors.is_empty())
    }

    /// What is wrong, each with its key.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = self.plugin().faults("diamond");
        for (name, table) in &self.collectors {
            if !table.is_table() {
                problems.push(format!("collectors.{name}: has to be a table of options"));
            }
        }
        if self.enabled == Some(true) && self.config_path.is_none() && self.collectors.is_empty() {
            problems.push("enabled: there is neither `config-path` nor a table `collectors.NAME`".to_owned());
        }
        if self.is_on() && self.config_path.is_none() && self.collectors_path.is_empty() {
            problems.push("collectors-path: is missing, and there is no `config-path` that could name it".to_owned());
        }
        if self.is_on() && MODULES.is_empty() {
            problems.push("this agent was built without what runs them; the full `plumbago agent` has it".to_owned());
        }
        problems.into_iter().map(|fault| format!("[diamond] {fault}")).collect()
    }

    /// The plugin that runs them.
    fn plugin(&self) -> PluginConfig {
        PluginConfig {
            command: vec![self.python.clone(), "-c".to_owned(), BOOT.to_owned()],
            mode: Mode::Tick,
            interval: self.interval,
            user: self.user.clone(),
            nice: self.nice,
            memory: self.memory,
            lines: 200_000,
            // There is one of it, and it speaks for many.
            kept_bytes: Some(Size::mib(8)),
            options: self.options(),
            ..PluginConfig::default()
        }
    }

    fn options(&self) -> toml::Table {
        let text = |path: &PathBuf| toml::Value::from(path.to_string_lossy().into_owned());
        let mut options = toml::Table::new();
        let mut set = |key: &str, value: toml::Value| options.insert(key.to_owned(), value);
        set("collectors-path", toml::Value::Array(self.collectors_path.iter().map(text).collect()));
        set("collectors", toml::Value::Table(self.collectors.clone()));
        set("log", format!("{:?}", self.log).into());
        if let Some(path) = &self.config_path {
            set("config-path", text(path));
        }
        if self.compat == Some(Compat::Diamond) {
            set("compat", "diamond".into());
        }
        if self.built_in {
            let named = |name: &&str| !self.collectors.contains_key(*name);
            // A table of its own says that it is wanted from here.
            let except = BUILT_IN.iter().map(|(name, _)| *name).filter(named);
            set("except", toml::Value::Array(except.map(toml::Value::from).collect()));
        }
        options
    }

    /// Makes the plugin. Starts nothing.
    pub(super) fn build(&self, home: Home<'_>) -> Result<Built, String> {
        let modules: serde_json::Map<String, serde_json::Value> =
            MODULES.iter().map(|(name, text)| ((*name).to_owned(), (*text).into())).collect();
        let modules = serde_json::Value::Object(modules).to_string();
        build("diamond", &self.plugin(), home, format!("{}\n{modules}", modules.len()).into_bytes())
    }
}
