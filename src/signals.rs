//! SIGTERM and SIGINT stop the program, the first one only: a second one changes nothing, so that an impatient supervisor
//! does not cost a point. SIGHUP has rules and limits read anew. No other signal that can be caught ends us.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::info;

/// The signals of a daemon, caught from the moment this is made.
pub(crate) struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

/// What a signal asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Asked {
    Stop,
    Reload,
}

impl Signals {
    /// Catches them; called before anything is started, so that none can end us half-way up.
    ///
    /// # Errors
    /// When the system has no room for another handler.
    pub(crate) fn catch() -> anyhow::Result<Signals> {
        // A handler stays when its stream is dropped, and these would end the program without one.
        for harmless in
            [SignalKind::user_defined1(), SignalKind::user_defined2(), SignalKind::alarm(), SignalKind::io()]
        {
            drop(signal(harmless)?);
        }
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next of them. Cut short it loses none.
    pub(crate) async fn next(&mut self) -> Asked {
        let name = tokio::select! {
            _ = self.hangup.recv() => return Asked::Reload,
            _ = self.terminate.recv() => "SIGTERM",
            _ = self.interrupt.recv() => "SIGINT",
        };
        info!(signal = name, "Stopping: what was accepted is written first.");
        Asked::Stop
    }
}
