//! Mode "once": the program is started for each slot, prints and ends.

use std::time::{Duration, Instant};

use collectors::Slot;

use super::backoff::Backoff;
use super::hearing::Hearing;
use super::launch::Launch;
use super::session::{Pumped, Session};
use super::{Fault, Page, Source};

/// See the module.
pub(super) struct Once {
    launch: Launch,
    deadline: Duration,
    line_bytes: usize,
    /// Only what cannot be started waits; what ends badly was asked to run each slot.
    backoff: Backoff,
    down: Option<String>,
}

impl Once {
    pub(super) fn new(launch: Launch, deadline: Duration, line_bytes: usize) -> Once {
        Once { launch, deadline, line_bytes, backoff: Backoff::default(), down: None }
    }
}

impl Source for Once {
    fn gather(&mut self, slot: Slot, page: &mut Page<'_>) -> Result<(), Fault> {
        let now = Instant::now();
        if !self.backoff.wait(now).is_zero() {
            return Err(Fault::Other(self.down.clone().unwrap_or_default()));
        }
        let mut session = Session::start(&self.launch, false, self.line_bytes).map_err(|error| {
            self.backoff.failed(now);
            let fault = Fault::start(self.launch.program(), &error);
            if let Fault::Other(words) = &fault {
                self.down = Some(words.clone());
            }
            fault
        })?;
        self.backoff.worked();
        let mut hearing = Hearing::new(page, slot, false);
        match session.pump(Some(now + self.deadline), None, &mut |heard| hearing.hear(heard)) {
            Pumped::Ended(status) if status.success() => Ok(()),
            Pumped::Ended(status) => Err(Fault::ended(status)),
            Pumped::Late | Pumped::Woken => Err(Fault::Late),
            Pumped::Enough | Pumped::Endless => {
                session.kill();
                Err(Fault::flood())
            }
        }
    }
}
