//! What is counted about collectors, for the agent's own metrics and for monitoring.

use std::sync::atomic::{AtomicU8, AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use crate::job::{Report, State};
use crate::pipeline::Pipeline;
use crate::{Counts, Lost, RouteCounts};

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
    /// A [`State`] by its place in [`STATES`].
    state: AtomicU8,
}

const STATES: [State; 5] = [State::Waiting, State::Works, State::Absent, State::Fails, State::Hangs];

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
    /// What came of the last run.
    pub state: State,
}

impl Ledger {
    pub(crate) fn new(name: &'static str) -> Ledger {
        let zero = AtomicU64::default;
        let (last_us, total_us, runs) = (zero(), zero(), zero());
        Ledger {
            name,
            last_us,
            total_us,
            runs,
            points: zero(),
            errors: zero(),
            overruns: zero(),
            state: AtomicU8::new(0),
        }
    }

    /// Enters a run that has ended.
    pub(crate) fn enter(&self, report: Report) {
        let took = report.took.as_micros().try_into().unwrap_or(u64::MAX);
        self.last_us.store(took, Relaxed);
        self.total_us.fetch_add(took, Relaxed);
        self.runs.fetch_add(1, Relaxed);
        self.points.store(report.points as u64, Relaxed);
        self.errors.fetch_add(u64::from(report.state == State::Fails), Relaxed);
        self.set(report.state);
    }

    /// Enters a run that took too long.
    pub(crate) fn overrun(&self) {
        self.overruns.fetch_add(1, Relaxed);
    }

    /// Enters a run that could not begin because the last one has not ended.
    pub(crate) fn hangs(&self) {
        self.overrun();
        self.set(State::Hangs);
    }

    fn set(&self, state: State) {
        let at = STATES.iter().position(|known| *known == state).unwrap_or(0);
        self.state.store(at as u8, Relaxed);
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
            state: STATES.get(usize::from(self.state.load(Relaxed))).copied().unwrap_or_default(),
        }
    }
}

/// The ledgers of the collectors that run now; a reload replaces them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Ledgers(Arc<RwLock<Vec<Arc<Ledger>>>>);

impl Ledgers {
    /// Those of now.
    pub(crate) fn all(&self) -> Vec<Arc<Ledger>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Puts what each of them says now into `runs`.
    pub(crate) fn read(&self, runs: &mut Vec<Runs>) {
        runs.clear();
        runs.extend(self.0.read().unwrap_or_else(PoisonError::into_inner).iter().map(|ledger| ledger.runs()));
    }

    /// Puts `ledgers` in their place.
    pub(crate) fn replace(&self, ledgers: Vec<Arc<Ledger>>) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = ledgers;
    }

    /// That of `name`, which goes on counting over a reload, or a new one.
    pub(crate) fn of(&self, name: &'static str) -> Arc<Ledger> {
        let found = self.all().into_iter().find(|ledger| ledger.name == name);
        found.unwrap_or_else(|| Arc::new(Ledger::new(name)))
    }
}

/// Looks at an agent that runs, from elsewhere and also after its end.
#[derive(Clone, Debug)]
pub struct Watch {
    pub(crate) ledgers: Ledgers,
    pub(crate) pipeline: Arc<Pipeline>,
}

impl Watch {
    /// What went through so far, of all destinations together.
    pub fn counts(&self) -> Counts {
        self.pipeline.counts()
    }

    /// What went through to each destination, by its name, and what it lost.
    pub fn destinations(&self) -> Vec<(String, Counts, Lost)> {
        let outlets = self.pipeline.outlets();
        let told = outlets.iter().map(|outlet| {
            let (counts, lost) = outlet.account();
            (outlet.name().to_owned(), counts, lost)
        });
        told.collect()
    }

    /// What went through each route, by its name.
    pub fn routes(&self) -> Vec<(String, RouteCounts)> {
        self.pipeline.routes()
    }

    /// How each collector is doing.
    pub fn collectors(&self) -> impl Iterator<Item = Runs> + use<> {
        self.ledgers.all().into_iter().map(|ledger| ledger.runs())
    }
}
