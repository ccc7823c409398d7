//! How many archives may stay open: as many as an operator grants, less while others are in need of descriptors.
//!
//! Whoever finds none, or nearly none, halves the number. It doubles again with each minute in which nobody was in need,
//! as long as an eighth of the process's limit stays free.

use std::fs;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering::Relaxed};

/// Milliseconds without need of descriptors after which more are kept again.
const CALM: u64 = 60_000;

/// Descriptors that each of several parts may keep.
#[derive(Debug)]
pub(super) struct Allowance {
    now: AtomicUsize,
    /// If nobody else is in need of them.
    most: usize,
    parts: usize,
    /// When it was changed, or asked to be less, in milliseconds since the epoch.
    touched: AtomicU64,
}

impl Allowance {
    /// `most` for each of `parts`.
    pub(super) fn new(most: usize, parts: usize) -> Allowance {
        Allowance { now: AtomicUsize::new(most), most, parts, touched: AtomicU64::new(0) }
    }

    /// What each part may keep.
    pub(super) fn now(&self) -> usize {
        self.now.load(Relaxed)
    }

    /// Lets it grow at this time in milliseconds since the epoch, if it should; `free` says how many descriptors nobody
    /// needs, and is asked once a minute at most.
    pub(super) fn grow(&self, time: u64, free: impl FnOnce() -> usize) {
        let now = self.now();
        if now >= self.most {
            return;
        }
        let touched = self.touched.load(Relaxed);
        // Whichever way a clock was set. Of those who find out at the same time one changes it.
        let is_due = time.abs_diff(touched) > CALM;
        if !is_due || self.touched.compare_exchange(touched, time, Relaxed, Relaxed).is_err() {
            return;
        }
        let more = (free() / self.parts).min(now.max(1));
        // Unless somebody has come into need meanwhile.
        if self.touched.load(Relaxed) == time {
            let _ = self.now.compare_exchange(now, (now + more).min(self.most), Relaxed, Relaxed);
        }
    }

    /// Halves it at this time in milliseconds since the epoch, or what is `open` in a part if that is less, and gives
    /// what is left, unless that was nothing before: then it is only noted that somebody is in need.
    pub(super) fn halve(&self, time: u64, open: usize) -> Option<usize> {
        self.touched.store(time, Relaxed);
        let now = Some(self.now()).filter(|now| *now > 0)?;
        let half = now.min(open) / 2;
        self.now.store(half, Relaxed);
        Some(half)
    }
}

/// How many descriptors are left of seven eighths of those that this process may have; none where that cannot be told.
pub(super) fn free() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    (limit - limit / 8).saturating_sub(used().unwrap_or(usize::MAX))
}

fn used() -> Option<usize> {
    const OPEN: &str = "/proc/self/fd";
    // Linux tells since 6.2; before that they have to be counted.
    let told = fs::metadata(OPEN).ok().and_then(|folder| usize::try_from(folder.len()).ok()).filter(|told| *told > 0);
    told.or_else(|| fs::read_dir(OPEN).map(Iterator::count).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_away_comes_back_after_calm_minutes() {
        let allowance = Allowance::new(6, 64);
        assert_eq!([1_000; 4].map(|time| allowance.halve(time, 6)), [Some(3), Some(1), Some(0), None]);
        let at = |time| {
            allowance.grow(time, || 10_000);
            allowance.now()
        };
        assert_eq!([1_000 + CALM, 1_001 + CALM, 1_002 + CALM, 1_002 + 2 * CALM].map(at), [0, 1, 1, 2]);
        allowance.halve(2 * CALM, 6);
        assert_eq!([1, 2, 3, 4].map(|minutes| at(2 * CALM + minutes * (CALM + 1))), [2, 4, 6, 6]);
    }

    #[test]
    fn no_more_come_back_than_others_leave() {
        let allowance = Allowance::new(6, 64);
        allowance.halve(0, 6);
        let after = |(minutes, free)| {
            allowance.grow(minutes * (CALM + 1), || free);
            allowance.now()
        };
        assert_eq!([(1, 63), (2, 2 * 64 + 63), (3, 0)].map(after), [3, 5, 5]);
    }

    #[test]
    fn half_of_what_is_open_is_given_where_more_might_be() {
        let allowance = Allowance::new(1_000, 64);
        assert_eq!([10, 10, 0].map(|open| allowance.halve(0, open)), [Some(5), Some(2), Some(0)]);
    }

    #[test]
    fn need_is_noted_when_there_is_nothing_to_give_and_a_clock_may_be_set_back() {
        let allowance = Allowance::new(1, 64);
        assert_eq!([5 * CALM, 6 * CALM].map(|time| allowance.halve(time, 1)), [Some(0), None]);
        let at = |time| {
            allowance.grow(time, || 64);
            allowance.now()
        };
        assert_eq!([6 * CALM + 1, 7 * CALM, 5 * CALM - 1].map(at), [0, 0, 1]);
    }

    #[test]
    fn need_while_free_ones_are_counted_is_seen() {
        let allowance = Allowance::new(4, 64);
        (0..3).for_each(|_| _ = allowance.halve(0, 4));
        allowance.grow(2 * CALM, || {
            assert_eq!(allowance.halve(2 * CALM + 1, 4), None);
            10_000
        });
        assert_eq!(allowance.now(), 0);
    }

    #[test]
    fn open_descriptors_are_not_free_wherever_there_are_gaps() {
        let mut open: Vec<_> = (0..100).map_while(|_| fs::File::open("/dev/null").ok()).collect();
        open.truncate(open.len().saturating_sub(1));
        open.drain(..open.len().min(1));
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX) as usize;
        assert!(free() <= (limit - limit / 8).saturating_sub(open.len()));
    }
}
