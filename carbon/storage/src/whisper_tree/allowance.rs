//! How many archives may stay open: as many as an operator grants, less while others are in need of descriptors.
//!
//! Whoever finds none halves the number. It doubles again with each minute in which nobody was in need, as far as others
//! leave some.

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
    /// When it was changed or asked to be less, in milliseconds since the epoch.
    touched: AtomicU64,
}

impl Allowance {
    /// `most` for each of `parts`.
    pub(super) fn new(most: usize, parts: usize) -> Allowance {
        Allowance { now: AtomicUsize::new(most), most, parts, touched: AtomicU64::new(0) }
    }

    /// What each part may keep at this time in milliseconds since the epoch; `free` says how many descriptors nobody
    /// needs, and is asked once a minute at most.
    pub(super) fn at(&self, time: u64, free: impl FnOnce() -> usize) -> usize {
        let now = self.now.load(Relaxed);
        if now >= self.most {
            return now;
        }
        let touched = self.touched.load(Relaxed);
        // Whichever way a clock was set. Of those who find out at the same time one changes it.
        let is_due = time.abs_diff(touched) > CALM;
        if !is_due || self.touched.compare_exchange(touched, time, Relaxed, Relaxed).is_err() {
            return now;
        }
        let more = (free() / self.parts).min(now.max(1));
        let grown = (now + more).min(self.most);
        // Unless somebody has come into need meanwhile.
        self.now.compare_exchange(now, grown, Relaxed, Relaxed).map_or_else(|less| less, |_| grown)
    }

    /// Halves it at this time in milliseconds since the epoch, and gives what is left for each part, unless that was
    /// nothing before.
    pub(super) fn halve(&self, time: u64) -> Option<usize> {
        self.touched.store(time, Relaxed);
        let half = Some(self.now.load(Relaxed)).filter(|now| *now > 0)? / 2;
        self.now.store(half, Relaxed);
        Some(half)
    }
}

/// How many descriptors are left of seven eighths of those that this process may have; none where that cannot be told.
pub(super) fn free() -> usize {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    let used = fs::read_dir("/proc/self/fd").map_or(usize::MAX, Iterator::count);
    (limit - limit / 8).saturating_sub(used)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_given_away_comes_back_after_calm_minutes() {
        let allowance = Allowance::new(6, 64);
        assert_eq!([1_000; 4].map(|time| allowance.halve(time)), [Some(3), Some(1), Some(0), None]);
        let at = |time| allowance.at(time, || 10_000);
        assert_eq!([1_000 + CALM, 1_001 + CALM, 1_002 + CALM, 1_002 + 2 * CALM].map(at), [0, 1, 1, 2]);
        allowance.halve(2 * CALM);
        assert_eq!([1, 2, 3, 4].map(|minutes| at(2 * CALM + minutes * (CALM + 1))), [2, 4, 6, 6]);
    }

    #[test]
    fn no_more_come_back_than_others_leave() {
        let allowance = Allowance::new(6, 64);
        allowance.halve(0);
        let after = |(minutes, free)| allowance.at(minutes * (CALM + 1), || free);
        assert_eq!([(1, 63), (2, 2 * 64 + 63), (3, 0)].map(after), [3, 5, 5]);
    }

    #[test]
    fn need_is_noted_when_there_is_nothing_to_give_and_a_clock_may_be_set_back() {
        let allowance = Allowance::new(1, 64);
        assert_eq!([5 * CALM, 6 * CALM].map(|time| allowance.halve(time)), [Some(0), None]);
        let at = |time| allowance.at(time, || 64);
        assert_eq!([6 * CALM + 1, 7 * CALM, 5 * CALM - 1].map(at), [0, 0, 1]);
    }

    #[test]
    fn open_descriptors_are_not_free() {
        let open: Vec<_> = (0..100).map_while(|_| fs::File::open("/dev/null").ok()).collect();
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX) as usize;
        assert!(free() <= (limit - limit / 8).saturating_sub(open.len()));
    }
}
