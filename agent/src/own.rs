//! What the agent says about itself, under `PREFIX.HOST.agent.`: a collector like the others, whose source is us.

use std::sync::Arc;
use std::time::Duration;

use collectors::{Class, Collector, Fail, Out, Slot, Spec, Unit};

use crate::job::State;
use crate::ledger::{Ledgers, Runs};
use crate::{Buffer, Counts};

/// Publishes the ledgers and the buffer.
pub(crate) struct Own {
    ledgers: Ledgers,
    /// What each said at the last run.
    told: Vec<Runs>,
    buffer: Arc<Buffer>,
    /// Sent, lost, connects at the last run.
    last: [u64; 3],
}

impl Own {
    pub(crate) fn new(ledgers: Ledgers, buffer: Arc<Buffer>) -> Own {
        // After a reload there are counts already, which have been told.
        let told = ledgers.all().iter().map(|ledger| ledger.runs()).collect();
        let Counts { sent, lost, connects, .. } = buffer.counts();
        Own { ledgers, told, buffer, last: [sent, lost, connects] }
    }
}

impl Collector for Own {
    fn spec(&self) -> Spec {
        Spec { name: "agent", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let told: Vec<Runs> = self.ledgers.all().iter().map(|ledger| ledger.runs()).collect();
        // Plugins tell of themselves.
        for now in told.iter().filter(|now| !now.name.starts_with("plugin.")) {
            let path = |what| ["agent", "collectors", now.name, what];
            // One that has not run yet has nothing to say of itself.
            if now.state != State::Waiting {
                out.gauge(&path("success"), bit(now.state == State::Works));
                out.gauge(&path("absent"), bit(now.state == State::Absent));
                out.gauge(&path("run_ms"), now.last.as_micros() as f64 / 1000.0).decimals(3).unit(Unit::Milliseconds);
                out.gauge(&path("points"), now.points as f64);
            }
            let last = self.told.iter().find(|last| last.name == now.name);
            let since = |now: u64, last: Option<u64>| now.saturating_sub(last.unwrap_or(0)) as f64;
            out.gauge(&path("errors"), since(now.errors, last.map(|last| last.errors)));
            out.gauge(&path("overruns"), since(now.overruns, last.map(|last| last.overruns)));
        }
        self.told = told;
        let counts = self.buffer.counts();
        out.gauge(&["agent", "queue", "points"], counts.queued as f64);
        out.gauge(&["agent", "queue", "bytes"], counts.bytes as f64).unit(Unit::Bytes);
        let now = [counts.sent, counts.lost, counts.connects];
        for ((name, now), last) in ["sent", "lost", "connects"].into_iter().zip(now).zip(self.last) {
            out.gauge(&["agent", name], (now - last) as f64);
        }
        self.last = now;
        Ok(())
    }
}

fn bit(set: bool) -> f64 {
    if set { 1.0 } else { 0.0 }
}
