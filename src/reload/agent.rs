//! What a reload changes of an agent: its collectors, their settings and times. What waits to be delivered stays, and so
//! do the last readings.

use std::net::SocketAddr;
use std::sync::atomic::Ordering::Relaxed;

use agent::{Agent, Setup, Steering};
use tracing::{error, info, warn};

use super::Reloads;
use crate::config::Config;
use crate::signals::{Asked, Signals};

/// Reloads the agent of this process.
pub(crate) struct AgentReload {
    steering: Steering,
    /// Where carbon listens, when it runs beside the agent.
    carbon: Option<SocketAddr>,
}

impl AgentReload {
    /// Of `agent`, which sends to `carbon` when that is in this process, too.
    pub(crate) fn of(agent: &Agent, carbon: Option<SocketAddr>) -> AgentReload {
        AgentReload { steering: agent.steering(), carbon }
    }

    /// Puts the agent's part of `config` in force.
    ///
    /// # Errors
    /// What cannot be used; the agent goes on as before.
    pub(super) fn apply(&self, config: &Config) -> anyhow::Result<()> {
        let kept = self.steering.reload(setup(config, self.carbon))?;
        if !kept.is_empty() {
            warn!(options = kept.join(", "), "What changed here needs a restart.");
        }
        Ok(())
    }

    /// Reloads what `read` gives at each SIGHUP, until a signal asks to stop; for an agent alone.
    pub(crate) async fn until_stop(
        &self,
        signals: &mut Signals,
        counts: &Reloads,
        read: impl Fn() -> anyhow::Result<Config>,
    ) {
        while signals.next().await == Asked::Reload {
            let outcome = read().and_then(|config| self.apply(&config));
            counts.stale.store(outcome.is_err(), Relaxed);
            match outcome {
                Ok(()) => {
                    counts.done.fetch_add(1, Relaxed);
                    info!(cause = "SIGHUP", "The collectors' settings were read anew.");
                }
                Err(error) => {
                    counts.failed.fetch_add(1, Relaxed);
                    let error = format!("{error:#}");
                    error!(
                        cause = "SIGHUP",
                        error, "What was read anew cannot be used; the old settings stay in force."
                    );
                }
            }
        }
    }
}

/// All that an agent is told, which sends to `carbon`, too, when that is given.
pub(crate) fn setup(config: &Config, carbon: Option<SocketAddr>) -> Setup {
    let mut setup = config.setup();
    if let Some(carbon) = carbon {
        setup.agent.destination = Some(carbon.to_string());
    }
    setup
}
