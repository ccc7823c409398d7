//! Whether the daemon does its work: it must write when points are due, and its journal must be safe in time.
//!
//! [`Watchdog`] is a rule without a clock: it is told what was seen and when. [`Health`] keeps one for those who ask,
//! and [`watch`] feeds it once a second.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio_util::sync::CancellationToken;
use tracing::{error, info};

use crate::clock::next_second;

/// What is seen of the daemon at one moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Whether any point should be written now: its wait is over, or memory, journal or a flush press, and no limit on
    /// updates or creations holds it back.
    pub due: bool,
    /// Grows whenever the store confirms or finally refuses anything.
    pub written: u64,
    /// Whether the journal takes points.
    pub journal_ready: bool,
    /// Whether the disk of the archives is full: the store refused a write for lack of room, and none has succeeded
    /// since.
    pub store_full: bool,
    /// Whether the disk of the journal is full.
    pub journal_full: bool,
    /// Whether archives could not be brought to disk, so that the journal forgets nothing any more.
    pub sync_failed: bool,
}

/// How long a trouble may last before it counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// Points are due and nothing is written: 30 s.
    pub write: Duration,
    /// The journal is not ready: 5 s.
    pub journal: Duration,
}

impl Default for Patience {
    fn default() -> Patience {
        Patience { write: Duration::from_secs(30), journal: Duration::from_secs(5) }
    }
}

/// What is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// Points are due, and nothing has been written for so long.
    Wedged(Duration),
    /// The journal has not been ready for so long; listeners do not read meanwhile.
    JournalNotReady(Duration),
    /// New series wait until there is room again.
    StoreFull,
    /// Nothing is taken in until there is room again.
    JournalFull,
    /// The disk of the archives lost what it had taken; the journal keeps it for the next start, and grows.
    SyncFailed,
}

impl fmt::Display for Trouble {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Trouble::Wedged(time) => {
                write!(
                    f,
                    "points are due and nothing was written for {} s; perhaps the disk of the archives is stuck",
                    time.as_secs()
                )
            }
            Trouble::JournalNotReady(time) => {
                write!(
                    f,
                    "the journal was not safe in time for {} s, so nothing is taken in; perhaps its disk is stuck",
                    time.as_secs()
                )
            }
            Trouble::StoreFull => f.write_str("the disk of the archives is full; what cannot be written waits"),
            Trouble::SyncFailed => f.write_str(
                "archives could not be brought to disk; look at the disk, then restart to write them again from the journal",
            ),
            Trouble::JournalFull => {
                f.write_str("the disk of the journal is full; nothing is taken in until it has room")
            }
        }
    }
}

/// Judges what is seen.
#[derive(Clone, Debug, Default)]
pub struct Watchdog {
    patience: Patience,
    written: u64,
    /// Since when points are due and nothing was written.
    stuck: Option<Duration>,
    /// Since when the journal is not ready.
    unready: Option<Duration>,
    troubles: Vec<Trouble>,
}

impl Watchdog {
    /// A watchdog that has seen nothing yet and finds all well.
    pub fn new(patience: Patience) -> Watchdog {
        Watchdog { patience, ..Watchdog::default() }
    }

    /// Takes in what was `seen` at `now`, a time since any fixed moment that never goes back.
    pub fn observe(&mut self, now: Duration, seen: &Seen) {
        let moved = seen.written != self.written;
        self.written = seen.written;
        self.stuck = since(self.stuck.filter(|_| !moved), seen.due, now);
        self.unready = since(self.unready, !seen.journal_ready, now);
        let lasted = |start: Option<Duration>| start.map_or(Duration::ZERO, |start| now.saturating_sub(start));
        let over =
            |time: Duration, patience: Duration| Some(time).filter(|time| *time >= patience && *time > Duration::ZERO);
        let told = |holds: bool, trouble| holds.then_some(trouble);
        self.troubles = [
            over(lasted(self.stuck), self.patience.write).map(Trouble::Wedged),
            over(lasted(self.unready), self.patience.journal).map(Trouble::JournalNotReady),
            told(seen.store_full, Trouble::StoreFull),
            told(seen.journal_full, Trouble::JournalFull),
            told(seen.sync_failed, Trouble::SyncFailed),
        ]
        .into_iter()
        .flatten()
        .collect();
    }

    /// What is wrong, as of the last observation.
    pub fn troubles(&self) -> &[Trouble] {
        &self.troubles
    }
}

/// When something that holds `now` began.
fn since(before: Option<Duration>, holds: bool, now: Duration) -> Option<Duration> {
    holds.then(|| before.unwrap_or(now))
}

/// The last judgement, for those who ask; cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct Health(Arc<Mutex<Watchdog>>);

impl Health {
    /// All is well until somebody observes otherwise.
    pub fn new(patience: Patience) -> Health {
        Health(Arc::new(Mutex::new(Watchdog::new(patience))))
    }

    /// What is wrong now; empty when the daemon does its work.
    pub fn troubles(&self) -> Vec<Trouble> {
        self.lock().troubles.clone()
    }

    /// As [`Watchdog::observe`], and tells the log when well turns to ill and back.
    pub fn observe(&self, now: Duration, seen: &Seen) {
        let mut dog = self.lock();
        let was_well = dog.troubles.is_empty();
        dog.observe(now, seen);
        let first = dog.troubles.first().copied();
        drop(dog);
        match first {
            Some(trouble) if was_well => error!("Health is red: {trouble}."),
            None if !was_well => info!("Health is green again."),
            _ => {}
        }
    }

    fn lock(&self) -> MutexGuard<'_, Watchdog> {
        // A judgement left half-way is made anew by the next observation.
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Looks at the daemon once a second until `stop` fires. `look` must not block.
pub async fn watch(health: Health, look: impl Fn() -> Seen, stop: CancellationToken) {
    let start = Instant::now();
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            () = tokio::time::sleep_until(next_second().into()) => health.observe(start.elapsed(), &look()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WELL: Seen = Seen {
        due: false,
        written: 0,
        journal_ready: true,
        store_full: false,
        journal_full: false,
        sync_failed: false,
    };

    fn at(second: u64) -> Duration {
        Duration::from_secs(second)
    }

    #[test]
    fn a_store_that_hangs_turns_health_red_after_thirty_seconds_and_green_with_the_next_write() {
        let health = Health::default();
        let due = Seen { due: true, written: 7, ..WELL };
        (100..130).for_each(|second| {
            health.observe(at(second), &due);
            assert_eq!(health.troubles(), [], "at {second}");
        });
        health.observe(at(130), &due);
        assert_eq!(health.troubles(), [Trouble::Wedged(at(30))]);
        health.observe(at(131), &Seen { written: 8, ..due });
        assert_eq!(health.troubles(), [], "one write is enough");
        health.observe(at(162), &Seen { written: 8, ..due });
        assert_eq!(health.troubles(), [Trouble::Wedged(at(31))], "and none after it is too few");
    }

    #[test]
    fn nothing_due_is_no_wedge_however_long_points_wait() {
        let mut dog = Watchdog::default();
        dog.observe(at(0), &Seen { due: true, ..WELL });
        dog.observe(at(29), &WELL);
        dog.observe(at(3600), &Seen { due: true, ..WELL });
        assert_eq!(dog.troubles(), []);
    }

    #[test]
    fn a_journal_may_be_late_for_a_moment() {
        let mut dog = Watchdog::default();
        let late = Seen { journal_ready: false, ..WELL };
        dog.observe(at(10), &late);
        dog.observe(at(14), &late);
        assert_eq!(dog.troubles(), []);
        dog.observe(at(15), &late);
        assert_eq!(dog.troubles(), [Trouble::JournalNotReady(at(5))]);
        dog.observe(at(16), &WELL);
        assert_eq!(dog.troubles(), []);
    }

    #[test]
    fn a_full_disk_is_told_at_once() {
        let mut dog = Watchdog::default();
        dog.observe(at(0), &Seen { store_full: true, journal_full: true, ..WELL });
        assert_eq!(dog.troubles(), [Trouble::StoreFull, Trouble::JournalFull]);
        assert!(dog.troubles().iter().all(|trouble| trouble.to_string().contains("full")));
        dog.observe(at(1), &Seen { sync_failed: true, ..WELL });
        assert_eq!(dog.troubles(), [Trouble::SyncFailed]);
    }

    #[tokio::test]
    async fn the_watch_looks_by_itself_and_ends_when_told() {
        let (health, stop) =
            (Health::new(Patience { write: Duration::ZERO, ..Patience::default() }), CancellationToken::new());
        let looking = tokio::spawn(watch(health.clone(), || Seen { due: true, ..WELL }, stop.clone()));
        let waited = tokio::time::timeout(Duration::from_secs(60), async {
            while health.troubles().is_empty() {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        });
        waited.await.unwrap();
        stop.cancel();
        looking.await.unwrap();
    }
}
