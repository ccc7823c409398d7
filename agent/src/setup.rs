//! All that an agent is told, checked in one place.

use collectors::Settings;

use crate::AgentConfig;
use crate::destination::{self, Destinations};
use crate::running::{Plan, StartError};

/// The tables of a configuration that concern an agent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Setup {
    /// `[agent]`.
    pub agent: AgentConfig,
    /// `[destination.NAME]`.
    pub destinations: Destinations,
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
        let others = destination::faults(&self.agent, &self.destinations);
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
}
