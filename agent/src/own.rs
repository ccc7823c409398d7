//! What the agent says about itself, under `PREFIX.HOST.agent.`: a collector like the others, whose source is us.

use std::sync::Arc;
use std::time::Duration;

use collectors::{Class, Collector, Fail, Out, Slot, Spec, Unit};

use crate::Buffer;
use crate::ledger::{Ledger, Runs};

/// Publishes the ledgers and the buffer.
pub(crate) struct Own {
    /// Each with what it said at the last run.
    ledgers: Vec<(Arc<Ledger>, Runs)>,
    buffer: Arc<Buffer>,
    /// Sent, lost, connects at the last run.
    last: [u64; 3],
}

impl Own {
    pub(crate) fn new(ledgers: &[Arc<Ledger>], buffer: Arc<Buffer>) -> Own {
        let ledgers = ledgers.iter().map(|ledger| (Arc::clone(ledger), ledger.runs())).collect();
        Own { ledgers, buffer, last: [0; 3] }
    }
}

impl Collector for Own {
    fn spec(&self) -> Spec {
        Spec { name: "agent", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        for (ledger, last) in &mut self.ledgers {
            let now = ledger.runs();
            let path = |what| ["agent", "collectors", now.name, what];
            out.gauge(&path("run_ms"), now.last.as_micros() as f64 / 1000.0).decimals(3).unit(Unit::Milliseconds);
            out.gauge(&path("points"), now.points as f64);
            out.gauge(&path("errors"), (now.errors - last.errors) as f64);
            out.gauge(&path("overruns"), (now.overruns - last.overruns) as f64);
            *last = now;
        }
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
