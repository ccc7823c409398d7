//! When to stop: SIGTERM or SIGINT, the first one only. A second one changes nothing, so that an impatient supervisor
//! does not cost a point.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

/// The signals that end the program, caught from the moment this is made.
pub(crate) struct StopSignals {
    terminate: Signal,
    interrupt: Signal,
}

impl StopSignals {
    /// Catches both signals; called before anything is started, so that none can end us half-way up.
    ///
    /// # Errors
    /// When the system has no room for another handler.
    pub(crate) fn catch() -> anyhow::Result<StopSignals> {
        Ok(StopSignals { terminate: signal(SignalKind::terminate())?, interrupt: signal(SignalKind::interrupt())? })
    }

    /// Waits for the first of them.
    pub(crate) async fn wait(&mut self) {
        let name = tokio::select! {
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        };
        info!(signal = name, "Stopping: what was accepted is written first.");
    }
}
