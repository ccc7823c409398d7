//! The journal's figures at one moment, for metrics and health.

use std::time::{Duration, Instant};

use crate::chunk::Segment;
use crate::core::Core;
use crate::state::Wait;

/// The journal's figures at one moment; counts are since the start.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub struct Snapshot {
    /// Bytes of all files.
    pub bytes_on_disk: u64,
    /// Files of points.
    pub segments: usize,
    /// The oldest segment that has a file, else the current one.
    pub oldest: Segment,
    /// The segment of the next append.
    pub current: Segment,
    /// Points appended.
    pub appended_points: u64,
    /// Their bytes.
    pub appended_bytes: u64,
    /// Bytes that are not safe yet.
    pub unsynced_bytes: u64,
    /// Age of the oldest of them; zero when all is safe.
    pub unsynced_age: Duration,
    /// Writes that handed bytes to the kernel.
    pub writes: u64,
    /// Syncs that made bytes safe.
    pub syncs: u64,
    /// What the last of them took.
    pub last_sync: Duration,
    /// What the longest took.
    pub longest_sync: Duration,
    /// What all took.
    pub sync_time: Duration,
    /// Failed writes; each is tried again.
    pub write_failures: u64,
    /// Failed syncs; what they may have lost is written again.
    pub sync_failures: u64,
    /// Segments released.
    pub released: u64,
    /// Why listeners should wait, if they should.
    pub wait: Option<Wait>,
}

impl Snapshot {
    /// Whether there is no room for more: the disk is full, or the journal has its full size.
    pub fn is_full(&self) -> bool {
        matches!(self.wait, Some(Wait::DiskFull | Wait::Limit))
    }
}

impl Core {
    pub(crate) fn snapshot(&self, now: Instant) -> Snapshot {
        let state = self.state();
        let counts = state.counts;
        Snapshot {
            bytes_on_disk: state.on_disk,
            segments: state.segments.len(),
            oldest: Segment::new(state.segments.front().map_or(state.current, |segment| segment.number)),
            current: Segment::new(state.current),
            appended_points: counts.points,
            appended_bytes: state.appended,
            unsynced_bytes: state.appended - state.synced,
            unsynced_age: state.oldest().map_or(Duration::ZERO, |since| now.saturating_duration_since(since)),
            writes: counts.writes,
            syncs: counts.syncs,
            last_sync: counts.last_sync,
            longest_sync: counts.longest_sync,
            sync_time: counts.sync_time,
            write_failures: counts.write_failures,
            sync_failures: counts.sync_failures,
            released: counts.released,
            wait: state.wait(&self.options, now),
        }
    }
}
