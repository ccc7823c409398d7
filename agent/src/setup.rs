//! All that an agent is told, checked in one place.

use collectors::{COLLECTORS, Settings};

use crate::AgentConfig;
use crate::config::seconds;
use crate::delivery::SLOT;
use crate::destination::{self, Destinations};
use crate::route::{Route, RouteConfig, Routes};
use crate::running::{Plan, StartError};

/// The tables of a configuration that concern an agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    /// `[agent]`.
    pub agent: AgentConfig,
    /// `[destination.NAME]`.
    pub destinations: Destinations,
    /// `[route.NAME]`.
    pub routes: Routes,
    /// `[collectors.NAME]`.
    pub collectors: Settings,
}

impl Setup {
    /// Everything that is wrong, each with its table and key; empty when all is well.
    pub fn problems(&self) -> Vec<String> {
        match self.plan() {
            Err(StartError::Settings { faults }) => faults,
            _ => Vec::new(),
        }
    }

    /// What is to be measured, once all has been checked.
    ///
    /// # Errors
    /// Every fault at once.
    pub(crate) fn plan(&self) -> Result<Plan, StartError> {
        let mut others = destination::faults(&self.agent, &self.destinations);
        others.extend(self.build_routes(0).err().unwrap_or_default());
        match Plan::of(&self.agent, &self.collectors) {
            Err(StartError::Settings { mut faults }) => {
                faults.extend(others);
                Err(StartError::Settings { faults })
            }
            Ok(_) if !others.is_empty() => Err(StartError::Settings { faults: others }),
            plan => plan,
        }
    }

    /// The destinations to use.
    pub(crate) fn all_destinations(&self) -> Destinations {
        destination::all(&self.agent, &self.destinations)
    }

    /// The routes, begun at the second `now`.
    ///
    /// # Errors
    /// Everything that is wrong with them, each with table and key.
    pub(crate) fn build_routes(&self, now: u32) -> Result<Vec<(RouteConfig, Route)>, Vec<String>> {
        let slot = seconds(self.agent.interval).unwrap_or(SLOT);
        let destinations = self.all_destinations();
        let names: Vec<_> = destinations.keys().map(String::as_str).collect();
        let known = |source: &str| match source.strip_prefix("plugin.") {
            Some(plugin) => self.agent.plugins.has(plugin),
            None => source == "agent" || COLLECTORS.iter().any(|entry| entry.name == source),
        };
        let (mut routes, mut faults) = (Vec::new(), Vec::new());
        for (name, config) in &self.routes {
            match config.build(name, slot, &names, &known, now) {
                Ok(route) => routes.push((config.clone(), route)),
                Err(found) => faults.extend(found),
            }
        }
        if faults.is_empty() { Ok(routes) } else { Err(faults) }
    }
}
