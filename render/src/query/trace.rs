//! What an evaluation did, stage by stage, for people who wonder why a value is missing.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::Value;
use crate::series::Series;

/// Series shown of a stage.
const MOST_SHOWN: usize = 100;

/// Stages kept of a request.
const MOST_STAGES: usize = 2_000;

/// Bytes of names that are shown of all stages.
const MOST_NAMES: usize = 4 << 20;

/// Notes of an evaluation under way; clones share them.
#[derive(Clone, Debug)]
pub(crate) struct Trace {
    stages: Arc<Mutex<Vec<Stage>>>,
    /// The time that is looked at.
    pub(crate) at: Option<i64>,
}

/// A path that was read or a function that was called.
#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// Which target it belongs to.
    pub(crate) target: usize,
    /// The function; `None` for a path that was read.
    pub(crate) function: Option<String>,
    /// As it stands in the target.
    pub(crate) text: String,
    /// The window it was evaluated over.
    pub(crate) from: i64,
    pub(crate) until: i64,
    /// What it was given, list by list, and what it gave.
    pub(crate) given: Vec<Tally>,
    pub(crate) gave: Tally,
    /// The first of the series it gave.
    pub(crate) series: Vec<Seen>,
}

/// A list of series in numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Tally {
    pub(crate) series: usize,
    pub(crate) points: usize,
    pub(crate) nulls: usize,
    /// Series whose value at the time that is looked at is known.
    pub(crate) known_at: usize,
}

/// A series in passing.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) name: String,
    pub(crate) start: i64,
    pub(crate) step: i64,
    pub(crate) points: usize,
    pub(crate) nulls: usize,
    pub(crate) at: Option<f64>,
}

impl Trace {
    pub(crate) fn at(at: Option<i64>) -> Trace {
        Trace { stages: Arc::default(), at }
    }

    /// A target is evaluated, perhaps once more: what is known of it is void.
    pub(crate) fn begin(&self, target: usize) {
        self.stages().retain(|stage| stage.target != target);
    }

    pub(crate) fn note(&self, mut stage: Stage) {
        let mut stages = self.stages();
        if stages.len() >= MOST_STAGES {
            return;
        }
        let names = |stage: &Stage| stage.series.iter().map(|seen| seen.name.len()).sum::<usize>();
        if stages.iter().map(names).sum::<usize>() + names(&stage) > MOST_NAMES {
            stage.series.clear();
        }
        stages.push(stage);
    }

    /// In the order in which they ended.
    pub(crate) fn take(&self) -> Vec<Stage> {
        std::mem::take(&mut self.stages())
    }

    pub(crate) fn tally_of(&self, value: &Value) -> Option<Tally> {
        match value {
            Value::List(series) => Some(self.tally(series)),
            Value::Lists(lists) => Some(lists.iter().map(|list| self.tally(list)).fold(Tally::default(), Tally::and)),
            _ => None,
        }
    }

    pub(crate) fn tally(&self, series: &[Series]) -> Tally {
        series.iter().map(|series| Tally::of(&self.seen(series))).fold(Tally::default(), Tally::and)
    }

    pub(crate) fn shown(&self, series: &[Series]) -> Vec<Seen> {
        series.iter().take(MOST_SHOWN).map(|series| self.seen(series)).collect()
    }

    pub(crate) fn seen(&self, series: &Series) -> Seen {
        Seen {
            name: series.name.clone(),
            start: series.start,
            step: series.step,
            points: series.values.len(),
            nulls: series.values.iter().filter(|value| value.is_nan()).count(),
            at: self.at.and_then(|at| value_at(series, at)),
        }
    }

    fn stages(&self) -> MutexGuard<'_, Vec<Stage>> {
        // A push cannot leave it half done.
        self.stages.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Tally {
    fn of(seen: &Seen) -> Tally {
        Tally { series: 1, points: seen.points, nulls: seen.nulls, known_at: usize::from(seen.at.is_some()) }
    }

    fn and(self, other: Tally) -> Tally {
        Tally {
            series: self.series + other.series,
            points: self.points + other.points,
            nulls: self.nulls + other.nulls,
            known_at: self.known_at + other.known_at,
        }
    }
}

/// The known value at a time.
pub(crate) fn value_at(series: &Series, at: i64) -> Option<f64> {
    let index = usize::try_from(at.saturating_sub(series.start).div_euclid(series.step.max(1))).ok()?;
    series.values.get(index).copied().filter(|value| !value.is_nan())
}
