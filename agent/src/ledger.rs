//! What is counted about collectors, for the agent's own metrics and for monitoring.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::job::Report;
use crate::{Buffer, Counts};

/// The counters of one collector, since the start.
#[derive(Debug)]
pub(crate) struct Ledger {
    name: &'static str,
    last_us: AtomicU64,
    total_us: AtomicU64,
    runs: AtomicU64,
    points: AtomicU64,
    errors: AtomicU64,
    overruns: AtomicU64,
}

/// A collector's counters at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Runs {
    /// Which collector.
    pub name: &'static str,
    /// How long its last run took.
    pub last: Duration,
    /// How long all runs took.
    pub time: Duration,
    /// How many there were.
    pub runs: u64,
    /// Points that the last one gave.
    pub points: u64,
    /// Runs that failed.
    pub errors: u64,
    /// Runs that took too long, or could not begin because the one before had not ended.
    pub overruns: u64,
}

impl Ledger {
    pub(crate) fn new(name: &'static str) -> Ledger {
        let zero = AtomicU64::default;
        let (last_us, total_us, runs) = (zero(), zero(), zero());
        Ledger { name, last_us, total_us, runs, points: zero(), errors: zero(), overruns: zero() }
    }

    /// Enters a run that has ended.
    pub(crate) fn enter(&self, report: Report) {
        let took = report.took.as_micros().try_into().unwrap_or(u64::MAX);
        self.last_us.store(took, Relaxed);
        self.total_us.fetch_add(took, Relaxed);
        self.runs.fetch_add(1, Relaxed);
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

    /// The counters now.
    pub(crate) fn runs(&self) -> Runs {
        Runs {
            name: self.name,
            last: Duration::from_micros(self.last_us.load(Relaxed)),
            time: Duration::from_micros(self.total_us.load(Relaxed)),
            runs: self.runs.load(Relaxed),
            points: self.points.load(Relaxed),
            errors: self.errors.load(Relaxed),
            overruns: self.overruns.load(Relaxed),
        }
    }
}

/// Looks at an agent that runs, from elsewhere and also after its end.
#[derive(Clone, Debug)]
pub struct Watch {
    pub(crate) ledgers: Vec<Arc<Ledger>>,
    pub(crate) buffer: Arc<Buffer>,
}

impl Watch {
    /// What went through so far.
    pub fn counts(&self) -> Counts {
        self.buffer.counts()
    }

    /// How each collector is doing.
    pub fn collectors(&self) -> impl Iterator<Item = Runs> {
        self.ledgers.iter().map(|ledger| ledger.runs())
    }
}
