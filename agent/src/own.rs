//! What the agent says about itself, under `PREFIX.HOST.agent.`: a collector like the others, whose source is us.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use collectors::{Class, Collector, Fail, Out, Slot, Spec, Unit};

use crate::Buffer;
use crate::job::Report;

/// What is counted about one collector.
#[derive(Debug)]
pub(crate) struct Ledger {
    name: &'static str,
    run_us: AtomicU64,
    points: AtomicU64,
    errors: AtomicU64,
    overruns: AtomicU64,
}

impl Ledger {
    pub(crate) fn new(name: &'static str) -> Ledger {
        let zero = AtomicU64::default;
        Ledger { name, run_us: zero(), points: zero(), errors: zero(), overruns: zero() }
    }

    /// Enters a run that has ended.
    pub(crate) fn enter(&self, report: Report) {
        self.run_us.store(report.took.as_micros().try_into().unwrap_or(u64::MAX), Relaxed);
        self.points.store(report.points as u64, Relaxed);
        self.errors.fetch_add(u64::from(report.failed), Relaxed);
    }

    /// Enters a run that took too long, or that could not begin because the last one has not ended.
    pub(crate) fn overrun(&self) {
        self.overruns.fetch_add(1, Relaxed);
    }

    /// Enters a run that could not begin at all.
    pub(crate) fn error(&self) {
        self.errors.fetch_add(1, Relaxed);
    }
}

/// Publishes the ledgers and the buffer.
pub(crate) struct Own {
    pub(crate) ledgers: Vec<Arc<Ledger>>,
    pub(crate) buffer: Arc<Buffer>,
    /// Sent, lost, connects at the last run.
    pub(crate) last: [u64; 3],
}

impl Collector for Own {
    fn spec(&self) -> Spec {
        Spec { name: "agent", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        for ledger in &self.ledgers {
            let path = |what| ["agent", "collectors", ledger.name, what];
            let run_ms = ledger.run_us.load(Relaxed) as f64 / 1000.0;
            out.gauge(&path("run_ms"), run_ms).decimals(3).unit(Unit::Milliseconds);
            out.gauge(&path("points"), ledger.points.load(Relaxed) as f64);
            out.gauge(&path("errors"), ledger.errors.swap(0, Relaxed) as f64);
            out.gauge(&path("overruns"), ledger.overruns.swap(0, Relaxed) as f64);
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
