//! The tables of `plumbago.toml` that concern an agent; those of the other parts are passed over, so that one file does for
//! all.

use std::fs;
use std::path::{Path, PathBuf};

use agent::{AgentConfig, Destinations, DiamondConfig, Plugins, Routes, Setup};
use anyhow::{Context, anyhow, bail};
use collectors::Settings;
use serde::Deserialize;
use serde::de::IgnoredAny;

/// The whole file.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct Config {
    pub(crate) store: Store,
    agent: AgentConfig,
    plugin: Plugins,
    diamond: DiamondConfig,
    destination: Destinations,
    route: Routes,
    pub(crate) collectors: Settings,
    #[serde(rename = "memory")]
    _memory: Option<IgnoredAny>,
    #[serde(rename = "carbon")]
    _carbon: Option<IgnoredAny>,
    #[serde(rename = "journal")]
    _journal: Option<IgnoredAny>,
    #[serde(rename = "http")]
    _http: Option<IgnoredAny>,
    #[serde(rename = "render")]
    _render: Option<IgnoredAny>,
}

/// What of `[store]` concerns an agent.
#[derive(Clone, Debug, Deserialize)]
#[serde(default)]
pub(crate) struct Store {
    /// Everything that is kept lies below this folder.
    pub(crate) data: PathBuf,
}

impl Default for Store {
    fn default() -> Store {
        Store { data: "plumbago-data".into() }
    }
}

impl Config {
    /// Reads `file`, or gives the defaults when there is none, and refuses one with a problem.
    ///
    /// # Errors
    /// The file cannot be read or is no configuration; or all that is wrong with it.
    pub(crate) fn load_sound(file: Option<&Path>) -> anyhow::Result<Config> {
        let config = match file {
            None => Config::default(),
            Some(file) => {
                let text = fs::read_to_string(file);
                let text = text.with_context(|| format!("cannot read the configuration {}", file.display()))?;
                toml::from_str(&text).map_err(|fault| anyhow!("in {}: {fault}", file.display()))?
            }
        };
        let problems = config.setup().problems();
        if !problems.is_empty() {
            bail!("the configuration cannot be used:\n  {}", problems.join("\n  "));
        }
        Ok(config)
    }

    /// All that the agent is told; what it keeps lies below the data folder.
    pub(crate) fn setup(&self) -> Setup {
        let mut agent = AgentConfig { folder: Some(self.store.data.join("agent")), ..self.agent.clone() };
        agent.plugins = self.plugin.clone();
        agent.plugins.diamond = self.diamond.clone();
        let (destinations, routes) = (self.destination.clone(), self.route.clone());
        Setup { agent, destinations, routes, collectors: self.collectors.clone() }
    }
}
