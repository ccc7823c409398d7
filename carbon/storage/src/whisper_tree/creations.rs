//! When a new series may have its file: so many a minute, and not on a disk that was full a moment ago. And when one is
//! taken for new without having been looked up.
//!
//! The first two are rules without a clock of their own. A series that has to wait costs its tree the failed `open` that
//! shows it to be new, and nothing more; while a disk is full one `stat` tells whether the file would lie there.

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How often a full disk is tried again, with one file.
const PROBE: Duration = Duration::from_millis(250);

/// What stands between new series and their files.
#[derive(Debug, Default)]
pub(super) struct Creations {
    /// Files a minute; 0 for no limit.
    per_minute: AtomicU32,
    tokens: Mutex<Tokens>,
    /// Disks without room, by their device, with the moment of the last try.
    full: Mutex<Vec<(u64, Instant)>>,
    /// Whether there are any, to know it without the lock.
    any_full: AtomicBool,
    /// How many series in a row were new of those whose files were not known.
    new: AtomicU32,
}

/// So many new series in a row, and the next is taken for one, too, without the failed `open` that shows it: that is a
/// twentieth of what a new file costs, and one that has to be thrown away, since there was one before, costs a whole.
const MANY: u32 = 32;

/// What is left of the limit.
#[derive(Debug, Default)]
struct Tokens {
    left: f64,
    /// `None` before the first was asked for; then a minute's worth is there, as carbon has it.
    filled: Option<Instant>,
}

impl Creations {
    /// Files a minute; 0 for no limit.
    pub(super) fn limit(&self) -> u32 {
        self.per_minute.load(Relaxed)
    }

    /// Replaces the limit.
    pub(super) fn set_limit(&self, per_minute: u32) {
        self.per_minute.store(per_minute, Relaxed);
    }

    /// Takes one file off the limit, unless it is used up at `now`.
    pub(super) fn take(&self, now: Instant) -> bool {
        let per_minute = f64::from(self.limit());
        if per_minute == 0.0 {
            return true;
        }
        let mut tokens = self.tokens();
        let since = tokens.filled.map_or(Duration::from_secs(60), |filled| now.saturating_duration_since(filled));
        tokens.left = (tokens.left + since.as_secs_f64() * per_minute / 60.0).min(per_minute);
        tokens.filled = Some(now);
        let granted = tokens.left >= 1.0;
        if granted {
            tokens.left -= 1.0;
        }
        granted
    }

    /// Gives one back that made no file.
    pub(super) fn give_back(&self) {
        self.tokens().left += 1.0;
    }

    /// Whether a file may be tried on some device: not if that was full less than a quarter of a second ago.
    pub(super) fn may_try(&self, now: Instant, device: impl FnOnce() -> Option<u64>) -> bool {
        if !self.any_full.load(Relaxed) {
            return true;
        }
        let Some(device) = device() else { return true };
        let mut full = self.full();
        let Some((_, tried)) = full.iter_mut().find(|(known, _)| *known == device) else { return true };
        let is_due = now.saturating_duration_since(*tried) >= PROBE;
        if is_due {
            *tried = now;
        }
        is_due
    }

    /// Takes note that a device has no room.
    pub(super) fn found_full(&self, device: u64, now: Instant) {
        let mut full = self.full();
        full.retain(|(known, _)| *known != device);
        full.push((device, now));
        self.any_full.store(true, Relaxed);
    }

    /// Whether a series whose file is not known is best taken for a new one.
    pub(super) fn all_are_new(&self) -> bool {
        self.new.load(Relaxed) >= MANY
    }

    /// Takes note that a series whose file was not known had one, or did not get one.
    pub(super) fn none_made(&self) {
        self.new.store(0, Relaxed);
    }

    /// Takes note of a new file, for which the device had room.
    pub(super) fn made(&self, device: u64) {
        // No further, and two writers at once may lose one.
        self.new.store((self.new.load(Relaxed) + 1).min(MANY), Relaxed);
        self.found_room(device);
    }

    /// Takes note that a device has room.
    fn found_room(&self, device: u64) {
        if self.any_full.load(Relaxed) {
            let mut full = self.full();
            full.retain(|(known, _)| *known != device);
            self.any_full.store(!full.is_empty(), Relaxed);
        }
    }

    fn tokens(&self) -> MutexGuard<'_, Tokens> {
        // Numbers are changed in one step; a panic elsewhere leaves them sound.
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn full(&self) -> MutexGuard<'_, Vec<(u64, Instant)>> {
        self.full.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_minute_grants_what_the_limit_says_and_saves_no_more() {
        let (creations, start) = (Creations::default(), Instant::now());
        let granted = |seconds: u64| {
            let now = start + Duration::from_secs(seconds);
            (0..1000).filter(|_| creations.take(now)).count()
        };
        assert_eq!(granted(0), 1000, "without a limit");
        creations.set_limit(120);
        assert_eq!((granted(0), granted(1), granted(31), granted(3600)), (120, 2, 60, 120));
        creations.give_back();
        assert_eq!((granted(3600), granted(3600)), (1, 0));
    }

    #[test]
    fn a_series_is_taken_for_new_after_many_that_were() {
        let creations = Creations::default();
        let after = |count: u32| {
            (0..count).for_each(|_| creations.made(1));
            creations.all_are_new()
        };
        assert_eq!([after(MANY - 1), after(1), after(100)], [false, true, true]);
        creations.none_made();
        assert_eq!([after(0), after(MANY - 1), after(1)], [false, false, true]);
    }

    #[test]
    fn a_full_disk_is_tried_four_times_a_second_and_the_others_always() {
        let (creations, start) = (Creations::default(), Instant::now());
        let may = |device, after: u64| creations.may_try(start + Duration::from_millis(after), || Some(device));
        assert!(creations.may_try(start, || unreachable!("no disk is full, so nobody asks which this is")));
        creations.found_full(1, start);
        assert_eq!((may(1, 0), may(1, 249), may(2, 0)), (false, false, true));
        assert_eq!((may(1, 250), may(1, 499), may(1, 500)), (true, false, true));
        creations.found_room(2);
        assert!(!may(1, 501));
        creations.found_room(1);
        assert!(may(1, 502));
    }
}
