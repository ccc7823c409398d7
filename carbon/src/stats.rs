//! Counters of the daemon. At rest they add up: `received + replayed = stored + overwritten + dropped + waiting`, and a
//! line is either received or refused for one reason.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Instant;

use carbon_line::Reject;

const REASONS: usize = Reject::REASONS.len();

/// Counts from the start of the daemon. Written by everyone, read by reports and tests.
#[derive(Debug)]
pub struct Stats {
    pub(crate) received: AtomicU64,
    pub(crate) from_lines: AtomicU64,
    pub(crate) from_pickles: AtomicU64,
    pub(crate) from_datagrams: AtomicU64,
    pub(crate) replayed: AtomicU64,
    refused: [AtomicU64; REASONS],
    pub(crate) overwritten: AtomicU64,
    pub(crate) stored: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) shed: AtomicU64,
    pub(crate) discarded: AtomicU64,
    pub(crate) out_of_range: AtomicU64,
    pub(crate) creates: AtomicU64,
    pub(crate) errors: AtomicU64,
    pub(crate) held: AtomicU64,
    pub(crate) updates: AtomicU64,
    pub(crate) update_micros: AtomicU64,
    pub(crate) connections: AtomicU64,
    pub(crate) turned_away: AtomicU64,
    pub(crate) broken: AtomicU64,
    pub(crate) timeouts: AtomicU64,
    pub(crate) evicted: AtomicU64,
    pub(crate) datagrams: AtomicU64,
    pub(crate) kernel_drops: AtomicU64,
    pub(crate) queries: AtomicU64,
    pub(crate) bulk_queries: AtomicU64,
    pub(crate) bulk_names: AtomicU64,
    pub(crate) pauses: AtomicU64,
    start: Instant,
    /// When each reason was last logged, in seconds after the start, plus one.
    logged: [AtomicU64; REASONS],
}

/// The counters at one moment.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Snapshot {
    /// Points that listeners took in.
    pub received: u64,
    /// Points that streams of lines brought; lists may have kept some of them out.
    pub from_lines: u64,
    /// Points that pickles brought.
    pub from_pickles: u64,
    /// Points that datagrams brought.
    pub from_datagrams: u64,
    /// Points that the journal had kept from an earlier run.
    pub replayed: u64,
    /// Lines that did not, by the label of the reason; all labels, most of them at 0.
    pub refused: Vec<(&'static str, u64)>,
    /// Points replaced by a later one for the same instant before they were written.
    pub overwritten: u64,
    /// Points the store has confirmed.
    pub stored: u64,
    /// Points the store will never take, those that had to make room, and all of them when the store keeps nothing.
    pub dropped: u64,
    /// Points among them that had to make room in a full cache, because the store had stood still for too long.
    pub shed: u64,
    /// Points among the dropped that a store which keeps nothing was spared.
    pub discarded: u64,
    /// Points among the dropped for whose time no archive of their series has a slot.
    pub out_of_range: u64,
    /// Series written for the first time.
    pub creates: u64,
    /// Series that a write refused, for now or for good.
    pub errors: u64,
    /// New series that wait now for a limit or for room on a full disk.
    pub held: u64,
    /// Series written, each with all its waiting points.
    pub updates: u64,
    /// Time spent in the store, in microseconds, over all writers.
    pub update_micros: u64,
    /// Connections open now.
    pub connections: u64,
    /// Connections closed at once, because their address held as many as it may.
    pub turned_away: u64,
    /// Connections closed because of a malformed PROXY header or a frame that announced too much.
    pub broken: u64,
    /// Connections closed because they brought no whole line or frame for the idle timeout.
    pub timeouts: u64,
    /// Connections closed because their unfinished line or frame was the oldest when memory for those ran out.
    pub evicted: u64,
    /// Datagrams read.
    pub datagrams: u64,
    /// Datagrams that the kernel dropped before we could read them.
    pub kernel_drops: u64,
    /// Cache queries answered.
    pub queries: u64,
    /// Bulk queries among them.
    pub bulk_queries: u64,
    /// Names that bulk queries asked for.
    pub bulk_names: u64,
    /// Times a listener stopped reading because the cache was full.
    pub pauses: u64,
}

impl Snapshot {
    /// How many lines were refused for `reason`.
    pub fn refused(&self, reason: &str) -> u64 {
        self.refused.iter().find(|(label, _)| *label == reason).map_or(0, |(_, count)| *count)
    }

    /// How many lines were refused.
    pub fn refused_total(&self) -> u64 {
        self.refused.iter().map(|(_, count)| count).sum()
    }
}

impl Default for Stats {
    fn default() -> Stats {
        let zero = || AtomicU64::new(0);
        Stats {
            received: zero(),
            from_lines: zero(),
            from_pickles: zero(),
            from_datagrams: zero(),
            replayed: zero(),
            refused: std::array::from_fn(|_| zero()),
            overwritten: zero(),
            stored: zero(),
            dropped: zero(),
            shed: zero(),
            discarded: zero(),
            out_of_range: zero(),
            creates: zero(),
            errors: zero(),
            held: zero(),
            updates: zero(),
            update_micros: zero(),
            connections: zero(),
            turned_away: zero(),
            broken: zero(),
            timeouts: zero(),
            evicted: zero(),
            datagrams: zero(),
            kernel_drops: zero(),
            queries: zero(),
            bulk_queries: zero(),
            bulk_names: zero(),
            pauses: zero(),
            start: Instant::now(),
            logged: std::array::from_fn(|_| zero()),
        }
    }
}

impl Stats {
    /// The counters now; not one instant for all, since nobody is stopped for it.
    pub fn snapshot(&self) -> Snapshot {
        let labels = Reject::REASONS.iter().zip(&self.refused);
        Snapshot {
            received: self.received.load(Relaxed),
            from_lines: self.from_lines.load(Relaxed),
            from_pickles: self.from_pickles.load(Relaxed),
            from_datagrams: self.from_datagrams.load(Relaxed),
            replayed: self.replayed.load(Relaxed),
            refused: labels.map(|(label, count)| (*label, count.load(Relaxed))).collect(),
            overwritten: self.overwritten.load(Relaxed),
            stored: self.stored.load(Relaxed),
            dropped: self.dropped.load(Relaxed),
            shed: self.shed.load(Relaxed),
            discarded: self.discarded.load(Relaxed),
            out_of_range: self.out_of_range.load(Relaxed),
            creates: self.creates.load(Relaxed),
            errors: self.errors.load(Relaxed),
            held: self.held.load(Relaxed),
            updates: self.updates.load(Relaxed),
            update_micros: self.update_micros.load(Relaxed),
            connections: self.connections.load(Relaxed),
            turned_away: self.turned_away.load(Relaxed),
            broken: self.broken.load(Relaxed),
            timeouts: self.timeouts.load(Relaxed),
            evicted: self.evicted.load(Relaxed),
            datagrams: self.datagrams.load(Relaxed),
            kernel_drops: self.kernel_drops.load(Relaxed),
            queries: self.queries.load(Relaxed),
            bulk_queries: self.bulk_queries.load(Relaxed),
            bulk_names: self.bulk_names.load(Relaxed),
            pauses: self.pauses.load(Relaxed),
        }
    }

    /// Counts a refusal; `true` when it may be logged, which is once a second for each reason.
    pub(crate) fn refuse(&self, reject: Reject) -> bool {
        self.refused[reject.index()].fetch_add(1, Relaxed);
        let second = self.start.elapsed().as_secs() + 1;
        self.logged[reject.index()].swap(second, Relaxed) != second
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_reason_is_counted_always_and_logged_seldom() {
        let stats = Stats::default();
        let logged = (0..1000).filter(|_| stats.refuse(Reject::Value)).count();
        assert!(logged <= 1 + stats.start.elapsed().as_secs() as usize);
        assert!(stats.refuse(Reject::Time), "reasons do not hush each other");
        assert_eq!((stats.snapshot().refused("value"), stats.snapshot().refused_total()), (1000, 1001));
    }
}
