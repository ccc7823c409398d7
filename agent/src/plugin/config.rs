//! `[plugin.NAME]`: programs and files of the user's that say what is measured.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;

use super::diamond::DiamondConfig;
use super::end::Living;
use super::user::User;
use crate::Size;
use crate::config::seconds;

/// The `[plugin]` section: a table for each plugin.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(transparent)]
pub struct Plugins {
    pub(crate) tables: BTreeMap<String, PluginConfig>,
    /// `[diamond]`: a section of its own in the file.
    #[serde(skip)]
    pub diamond: DiamondConfig,
    /// Shared by all copies: what was started by these settings.
    #[serde(skip)]
    pub(crate) living: Living,
}

/// `[plugin.NAME]`: a program that prints `path value [timestamp]` lines, or a file that holds them.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct PluginConfig {
    /// Whether it runs. Default true.
    pub enabled: bool,
    /// The program and its arguments; no shell looks at them. Needed by every mode but "file".
    pub command: Vec<String>,
    /// How it is spoken to. Default "tick".
    pub mode: Mode,
    /// With mode "file": the file, or the folder whose files are read.
    pub path: Option<PathBuf>,
    /// How often it is asked, in whole seconds. Default: the agent's interval.
    #[serde(with = "humantime_serde")]
    pub interval: Option<Duration>,
    /// How long an answer may take, at most the interval. Default: four fifths of the interval.
    #[serde(with = "humantime_serde")]
    pub deadline: Option<Duration>,
    /// Whom it runs as, by name or number, in that user's first group alone; needs an agent that is root. Default: whom
    /// the agent runs as.
    pub user: Option<String>,
    /// Its niceness, -20 to 19. Default: the agent's.
    pub nice: Option<i32>,
    /// Bytes of address space each of its processes may have (Linux). Default: no limit.
    pub memory: Option<Size>,
    /// Lines of one run; more of them end it. Default 10 000.
    pub lines: usize,
    /// Bytes of one line; a longer one counts as an error. Default 4096.
    pub line_bytes: usize,
    /// Bytes of memory for what it declares (`#type`, `#unit`) and keeps (`#keep`). Default: its share of 2 MiB, which all
    /// plugins without this option have in common.
    pub kept_bytes: Option<Size>,
    /// With mode "file": a file that was not written for this many intervals is left out. Default 30.
    pub stale: u32,
    /// Anything; the program finds it as JSON in PLUMBAGO_CONFIG.
    pub options: toml::Table,
}

/// How a plugin is spoken to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Stays, gets a line `tick TIME INTERVAL` each slot, and ends its answer with an empty line.
    #[default]
    Tick,
    /// Stays, and prints by its own clock.
    Stream,
    /// Is started for each slot.
    Once,
    /// Is no program, but what one has left in a file.
    File,
}

impl Default for PluginConfig {
    fn default() -> PluginConfig {
        PluginConfig {
            enabled: true,
            command: Vec::new(),
            mode: Mode::Tick,
            path: None,
            interval: None,
            deadline: None,
            user: None,
            nice: None,
            memory: None,
            lines: 10_000,
            line_bytes: 4096,
            kept_bytes: None,
            stale: 30,
            options: toml::Table::new(),
        }
    }
}

impl Plugins {
    /// Whether there is a plugin called `name`.
    pub(crate) fn has(&self, name: &str) -> bool {
        name == "diamond" || self.tables.contains_key(name)
    }

    /// Everything that is wrong, each with its key; empty when all is well. Starts nothing.
    pub fn problems(&self) -> Vec<String> {
        let tell = |(name, plugin): (&String, &PluginConfig)| {
            let faults = plugin.faults(name);
            faults.into_iter().map(|fault| format!("[plugin.{name}] {fault}")).collect::<Vec<_>>()
        };
        self.tables.iter().flat_map(tell).chain(self.diamond.problems()).collect()
    }
}

impl PluginConfig {
    pub(super) fn faults(&self, name: &str) -> Vec<String> {
        let mut faults = Vec::new();
        let mut expect = |fine: bool, fault: &str| {
            if !fine {
                faults.push(fault.to_owned());
            }
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        expect(
            !name.is_empty() && name.chars().all(plain),
            "has a name with other signs than letters, digits, - and _",
        );
        let (file, program) = (self.mode == Mode::File, self.command.first().is_some_and(|word| !word.is_empty()));
        expect(file || program, "command: is missing; it is a list such as [\"/usr/local/bin/measure\", \"--all\"]");
        expect(!file || self.command.is_empty(), "command: mode \"file\" starts nothing");
        expect(file == self.path.is_some(), "path: is needed by mode \"file\", and by no other");
        expect(
            self.interval.is_none_or(|it| seconds(it).is_some()),
            "interval: has to be whole seconds, at least \"1s\"",
        );
        expect(self.deadline.is_none_or(|it| !it.is_zero()), "deadline: has to be longer than nothing");
        expect(self.nice.is_none_or(|it| (-20..20).contains(&it)), "nice: has to be between -20 and 19");
        expect(self.memory.is_none_or(|it| it.0 >= 1 << 20), "memory: has to be at least 1MiB");
        expect(self.memory.is_none() || cfg!(target_os = "linux"), "memory: can be limited on Linux only");
        expect((1..=1_000_000).contains(&self.lines), "lines: has to be between 1 and 1000000");
        expect((64..=1 << 20).contains(&self.line_bytes), "line-bytes: has to be between 64 and 1048576");
        expect(self.kept_bytes.is_none_or(|it| it.0 >= 4096), "kept-bytes: has to be at least 4096");
        expect(self.stale > 0, "stale: has to be at least 1");
        if let Some(Err(fault)) = self.user.as_deref().map(User::find) {
            faults.push(format!("user: {fault}"));
        }
        faults
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn fault(text: &str, expected: &str) {
        let plugins: Plugins = toml::from_str(text).unwrap();
        let told = plugins.problems().join("\n");
        assert!(told.contains(expected), "{told:?} lacks {expected:?}");
    }

    #[test]
    fn every_fault_names_its_plugin_and_key() {
        fault("[a]", "[plugin.a] command: is missing");
        fault("[a]\nmode = \"file\"", "[plugin.a] path: is needed");
        fault("[a]\nmode = \"file\"\npath = \"/x\"\ncommand = [\"y\"]", "starts nothing");
        fault("[a]\ncommand = [\"y\"]\nnice = 99", "nice: has to be between");
        fault("[a]\ncommand = [\"y\"]\ninterval = \"100ms\"", "interval: has to be whole seconds");
        fault("[a]\ncommand = [\"y\"]\nuser = \"no such user\"", "user: there is no user `no such user`");
        fault("[\"a.b\"]\ncommand = [\"y\"]", "has a name with other signs");
        fault("[a]\ncommand = [\"y\"]\nmemory = \"1kB\"\nlines = 0", "lines: has to be");
    }

    #[test]
    fn an_unknown_key_or_mode_is_refused() {
        assert!(toml::from_str::<Plugins>("[a]\ncomand = []").unwrap_err().to_string().contains("comand"));
        assert!(toml::from_str::<Plugins>("[a]\nmode = \"exec\"").unwrap_err().to_string().contains("exec"));
    }

    #[test]
    fn a_command_is_enough() {
        let plugins: Plugins = toml::from_str("[a]\ncommand = [\"/bin/true\"]").unwrap();
        assert_eq!(plugins.problems(), Vec::<String>::new());
    }
}
