//! `plumbago.toml`: one table per component, each described beside its component; here they are only put together.

use std::fs;
use std::path::Path;

use agent::{AgentConfig, Destinations, DiamondConfig, Plugins, Routes, Setup};
use anyhow::{Context, anyhow, bail};
use collectors::{COLLECTORS, Settings};
use render::{HttpConfig, RenderConfig};
use serde::Deserialize;

use crate::memory::MemoryConfig;
use crate::store::{StoreConfig, StoreKind};

/// The whole file. A key that no component knows is an error that names the key and its line.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    /// `[store]`: where points rest.
    pub(crate) store: StoreConfig,
    /// `[memory]`: how much the whole process may use.
    pub(crate) memory: MemoryConfig,
    /// `[carbon]`: what is taken in, and how it waits.
    pub(crate) carbon: carbon::Config,
    /// `[journal]`: where accepted points are safe before they are in archives.
    pub(crate) journal: carbon::JournalConfig,
    /// `[http]`: where queries are answered.
    pub(crate) http: HttpConfig,
    /// `[render]`: what a query may cost.
    pub(crate) render: RenderConfig,
    /// `[agent]`: when this host is measured, and where the values go.
    pub(crate) agent: AgentConfig,
    /// `[plugin.NAME]`: programs that measure, handed on to the agent.
    plugin: Plugins,
    /// `[diamond]`: Diamond's Python collectors, handed on to the agent.
    diamond: DiamondConfig,
    /// `[destination.NAME]`: further places where values go.
    pub(crate) destination: Destinations,
    /// `[route.NAME]`: which values go where, and as what.
    pub(crate) route: Routes,
    /// `[collectors.NAME]`: what is measured.
    pub(crate) collectors: Settings,
}

/// What an idle connection takes up, with its task and its place in the runtime.
const CONNECTION_BYTES: usize = 2 << 10;

/// A configuration with every option at its default, commented out, which is also the manual. Collectors bring their own
/// parts.
pub(crate) fn default_text() -> String {
    let mut text = include_str!("plumbago.toml").to_owned();
    for line in COLLECTORS.iter().flat_map(|entry| ["\n", entry.sample.trim()]).flat_map(str::lines) {
        let is_option = !line.is_empty() && !line.starts_with(['#', '[']);
        text.extend([if is_option { "#" } else { "" }, line, "\n"]);
    }
    text
}

impl Config {
    /// Reads `file`, or gives the defaults when there is none.
    ///
    /// # Errors
    /// The file cannot be read, is not TOML, has a key nobody knows or a value that cannot be.
    pub(crate) fn load(file: Option<&Path>) -> anyhow::Result<Config> {
        let Some(file) = file else {
            let mut config = Config::default();
            config.share_memory();
            return Ok(config);
        };
        let text =
            fs::read_to_string(file).with_context(|| format!("cannot read the configuration {}", file.display()))?;
        // The message of the TOML reader shows line, column and the text at fault.
        let mut config: Config = toml::from_str(&text).map_err(|fault| anyhow!("in {}: {fault}", file.display()))?;
        config.share_memory();
        config.agent.plugins = std::mem::take(&mut config.plugin);
        config.agent.plugins.diamond = std::mem::take(&mut config.diamond);
        Ok(config)
    }

    /// Hands out the memory of the process.
    fn share_memory(&mut self) {
        let shares = self.memory.shares();
        self.carbon.max_bytes = shares.cache;
        self.render.memory = shares.queries;
        // One half of their share for all that is idle, the other for what has begun and not ended.
        let most = shares.connections / 2 / CONNECTION_BYTES;
        self.carbon.max_connections = self.carbon.max_connections.min(most);
        self.carbon.max_unfinished = self.carbon.max_unfinished.min(shares.connections / 2);
    }

    /// As [`Config::load`], and refuses a file with a problem in any of its tables.
    pub(crate) fn load_sound(file: Option<&Path>) -> anyhow::Result<Config> {
        let config = Config::load(file)?;
        let problems = config.problems();
        if !problems.is_empty() {
            bail!("the configuration cannot be used:\n  {}", problems.join("\n  "));
        }
        Ok(config)
    }

    /// Whether `file` itself sets `key` in `table`; tells a chosen value from a default one that is the same.
    pub(crate) fn names(file: Option<&Path>, table: &str, key: &str) -> bool {
        let text = file.and_then(|file| fs::read_to_string(file).ok()).unwrap_or_default();
        let tables: toml::Table = toml::from_str(&text).unwrap_or_default();
        tables.get(table).is_some_and(|table| table.get(key).is_some())
    }

    /// The journal to open, if there is to be one.
    pub(crate) fn journaling(&self) -> Option<carbon::Journaling> {
        let keeps = self.store.kind != StoreKind::None;
        self.journal.at(self.store.data.join("journal")).filter(|_| keeps)
    }

    /// All that the agent is told; what it keeps lies below the data folder.
    pub(crate) fn setup(&self) -> Setup {
        let agent = AgentConfig { folder: Some(self.store.data.join("agent")), ..self.agent.clone() };
        let (destinations, routes) = (self.destination.clone(), self.route.clone());
        Setup { agent, destinations, routes, collectors: self.collectors.clone() }
    }

    /// What is wrong with the values, each problem with its key; empty when nothing is.
    pub(crate) fn problems(&self) -> Vec<String> {
        let mut problems = self.carbon.validate();
        problems.extend(self.memory.problems());
        problems.extend(self.journal.validate());
        problems.extend(self.http.problems());
        problems.extend(self.render.problems());
        problems.extend(self.setup().problems());
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chosen_value_is_told_from_a_default_one() {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), "[agent]\ninterval = \"10s\"\n").unwrap();
        assert!(Config::names(Some(file.path()), "agent", "interval"));
        assert!(!Config::names(Some(file.path()), "agent", "host"));
        assert!(!Config::names(None, "agent", "interval"));
    }

    /// `#key = value` is an option at its default; a comment proper has a blank behind its `#`.
    fn uncommented() -> String {
        let text = default_text();
        let lines =
            text.lines().map(|line| line.strip_prefix('#').filter(|rest| !rest.starts_with(' ')).unwrap_or(line));
        lines.collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn the_printed_options_are_the_defaults() {
        let printed: Config = toml::from_str(&uncommented()).unwrap();
        let expected = Config { collectors: printed.collectors.clone(), ..Config::default() };
        assert_eq!(printed, expected);
        assert_eq!(printed.problems(), Vec::<String>::new());
    }
}
