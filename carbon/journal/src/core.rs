//! The journal without its threads: whoever calls the steps decides when a write and a sync happen.
//!
//! Locks, taken in this order and never the other way round: `syncing` or `releasing` (one at a time of each), `writer`
//! (files and what is to be written next), `state` (never held across a call to the disk).

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use carbon_storage::{NameTable, SeriesId};
use tokio::sync::Notify;
use whisper::Point;

use crate::chunk::{Position, Segment};
use crate::disk::Disk;
use crate::error::JournalError;
use crate::growing::Writer;
use crate::options::{Options, Sync};
use crate::replay::{self, Each, Replayed};
use crate::state::State;

/// Longest time that appended bytes stay in the process while the disk takes them.
pub(crate) const WRITE_EVERY: Duration = Duration::from_millis(100);

/// Appended bytes that the writer takes at once instead of at its next visit.
const WRITE_AT: u64 = 1024 * 1024;

/// Everything of a journal but its threads.
#[derive(Debug)]
pub(crate) struct Core {
    pub(crate) options: Options,
    pub(crate) disk: Box<dyn Disk>,
    pub(crate) names: Arc<NameTable>,
    pub(crate) state: Mutex<State>,
    pub(crate) writer: Mutex<Writer>,
    pub(crate) syncing: Mutex<()>,
    pub(crate) releasing: Mutex<()>,
    /// The writer has something to do before its time.
    pub(crate) to_write: Condvar,
    /// The syncer has.
    pub(crate) to_sync: Condvar,
    /// A write or a sync has ended, well or not.
    pub(crate) done: Condvar,
    /// The same for those who wait without a thread.
    pub(crate) changed: Notify,
}

impl Core {
    fn new(options: Options, disk: Box<dyn Disk>, names: Arc<NameTable>, state: State, writer: Writer) -> Core {
        Core {
            options,
            disk,
            names,
            state: Mutex::new(state),
            writer: Mutex::new(writer),
            syncing: Mutex::new(()),
            releasing: Mutex::new(()),
            to_write: Condvar::new(),
            to_sync: Condvar::new(),
            done: Condvar::new(),
            changed: Notify::new(),
        }
    }

    /// Reads what is on `disk` and goes on behind it.
    pub(crate) fn open(
        options: Options,
        disk: Box<dyn Disk>,
        names: Arc<NameTable>,
        each: Each<'_>,
    ) -> Result<(Arc<Core>, Replayed), JournalError> {
        let (inventory, replayed) = replay::replay(&options.dir, &*disk, &names, each)?;
        let mut state = State::new(inventory.next_segment);
        let names_bytes: u64 = inventory.generations.iter().map(|(_, bytes)| bytes).sum();
        state.on_disk = names_bytes + inventory.segments.iter().map(|segment| segment.bytes).sum::<u64>();
        state.segments = inventory.segments.into();
        state.generations = inventory.generations.into();
        let writer = Writer::new(inventory.next_generation);
        Ok((Arc::new(Core::new(options, disk, names, state, writer)), replayed))
    }

    /// Encodes `batch`; no call to the disk, one lock. Wakes the writer when it sleeps, unless the caller `writes` itself.
    pub(crate) fn append(self: &Arc<Core>, batch: &[(SeriesId, Point)], now: Instant, writes: bool) -> Ticket {
        let mut state = self.state();
        let before = state.appended;
        let segment = state.append(batch, &self.names, &self.options, now);
        let position = Position(state.appended);
        let pressing = before < state.written + WRITE_AT && position.0 >= state.written + WRITE_AT;
        // Nor is a caller who is busy for long relied on.
        let late =
            || state.appending.front().is_some_and(|chunk| now.saturating_duration_since(chunk.since) > WRITE_EVERY);
        let wake = state.writer_sleeps && (!writes || late()) || pressing;
        state.writer_sleeps &= !wake;
        drop(state);
        if wake {
            self.to_write.notify_one();
        }
        Ticket { core: self.clone(), segment: Segment::new(segment), position }
    }

    /// Whether the writer has more than it should let wait.
    pub(crate) fn presses_writer(&self, state: &State) -> bool {
        let waiting = state.appended - state.written;
        self.options.sync == Sync::Always || waiting >= WRITE_AT || state.wanted > state.written || state.closing
    }

    /// Whether the syncer has.
    pub(crate) fn presses_syncer(&self, state: &State) -> bool {
        let unsynced = state.written - state.synced;
        let many = unsynced > self.options.most_unsynced / 4;
        self.options.sync == Sync::Always || many || state.wanted > state.synced || state.closing
    }

    /// Tells all who wait that something has ended.
    pub(crate) fn announce(&self) {
        self.done.notify_all();
        self.changed.notify_waiters();
    }

    // Poisoned locks are entered all the same: a panic of one thread must not take the journal of the others.
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Keeps the segment of a batch from being released; to be dropped once the batch is in the cache.
#[derive(Debug)]
#[must_use = "a dropped ticket lets the segment go"]
pub struct Ticket {
    core: Arc<Core>,
    segment: Segment,
    position: Position,
}

impl Ticket {
    /// Where the batch stands.
    pub fn segment(&self) -> Segment {
        self.segment
    }

    /// The end of the batch, for [`Journal::synced`](crate::Journal::synced).
    pub fn position(&self) -> Position {
        self.position
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        self.core.state().arrive(self.segment.number());
    }
}
