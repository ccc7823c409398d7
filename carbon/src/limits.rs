//! What may change while the daemon runs: it is read anew on SIGHUP, and whoever uses it asks for it each time.

use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use carbon_line::Rules;
use whisper::Retention;

use crate::Config;
use crate::cache::Strategy;

/// Points gather for this many steps of their series, so that one write takes about as many.
const STEPS: u64 = 30;

/// No file is written more often than this by choice, nor left alone for longer.
const SHORTEST_WAIT: u64 = 10;
pub(crate) const LONGEST_WAIT: u32 = 3600;

/// One state of everything that may change.
#[derive(Clone, Debug, PartialEq)]
pub struct Limits {
    /// Longest a point waits before it is written; `None` follows the schema of its series.
    pub max_wait: Option<Duration>,
    /// In which order due series are written.
    pub strategy: Strategy,
    /// How old the oldest point of a series has to be with [`Strategy::TimeSorted`].
    pub min_lag: Duration,
    /// Series written a second by all writers together; 0 for no limit.
    pub updates_per_second: u32,
    /// What may enter.
    pub rules: Rules,
}

impl Limits {
    /// What `config` asks for.
    pub fn of(config: &Config) -> Limits {
        let seconds = |time: Duration| u32::try_from(time.as_secs()).unwrap_or(u32::MAX);
        Limits {
            max_wait: config.max_wait,
            strategy: config.write_strategy,
            min_lag: config.min_timestamp_lag,
            updates_per_second: config.updates_per_second,
            rules: Rules { min_resolution: seconds(config.min_resolution), future_limit: seconds(config.future_limit) },
        }
    }

    /// Seconds that points of a series with this finest archive gather: thirty steps, between ten seconds and an hour,
    /// but never more than a quarter of what the archive keeps, or they would come too late for it.
    pub fn wait(&self, finest: Retention) -> u16 {
        let by_schema = (STEPS * u64::from(finest.step.secs())).clamp(SHORTEST_WAIT, LONGEST_WAIT.into());
        let chosen = self.max_wait.map_or(by_schema, |wait| wait.as_secs());
        let wait = chosen.min(finest.duration_secs() / 4);
        u16::try_from(wait).unwrap_or(u16::MAX)
    }
}

/// The limits in force.
#[derive(Debug)]
pub(crate) struct LiveLimits(RwLock<Arc<Limits>>);

impl LiveLimits {
    pub(crate) fn new(limits: Limits) -> LiveLimits {
        LiveLimits(RwLock::new(Arc::new(limits)))
    }

    /// What is in force now. A poisoned lock guards a whole `Arc` all the same: it is replaced in one piece.
    pub(crate) fn get(&self) -> Arc<Limits> {
        Arc::clone(&self.0.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn set(&self, limits: Limits) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(limits);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(max_wait: Option<u64>, step: u32, points: u32, expected: u16) {
        let config = Config { max_wait: max_wait.map(Duration::from_secs), ..Config::default() };
        assert_eq!(Limits::of(&config).wait(Retention::new(step, points).unwrap()), expected);
    }

    #[test]
    fn points_gather_for_thirty_steps_within_reason() {
        check(None, 60, 10_080, 1800);
        check(None, 1, 86_400, 30);
        check(None, 3600, 8760, 3600);
    }

    #[test]
    fn a_short_archive_is_not_waited_past() {
        check(None, 60, 10, 150);
        check(Some(3600), 1, 300, 75);
    }

    #[test]
    fn a_chosen_wait_stands_above_the_schema() {
        check(Some(10), 60, 10_080, 10);
        check(Some(0), 60, 10_080, 0);
        check(Some(100_000), 60, u32::MAX, u16::MAX);
    }
}
