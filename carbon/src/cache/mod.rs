//! Points in memory that wait for the store. Queries see a point from its arrival until the store has confirmed it.
//!
//! The cache is cut into shards by series id. Each shard belongs to one writer, so no two writers ever hold points of
//! the same series, and is locked for a batch at a time.

mod entry;
mod query;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use carbon_storage::{NameTable, Pending, SeriesId};
use hashbrown::HashMap;
use tokio::sync::Notify;

use crate::batch::Batch;
use crate::stats::Stats;
use entry::Entry;

const SHARDS: usize = 64;

type Shard = HashMap<SeriesId, Entry, foldhash::fast::RandomState>;

/// Series and their waiting points.
#[derive(Debug)]
pub struct Cache {
    names: Arc<NameTable>,
    stats: Arc<Stats>,
    shards: Vec<Mutex<Shard>>,
    /// Points waiting or being written, and those that a reader has asked room for.
    points: AtomicUsize,
    max_points: usize,
    /// Tells listeners that there is room again.
    room: Notify,
    /// Tells writers that they should not wait for more.
    bell: Bell,
}

/// What a writer has taken and not yet reported on.
#[derive(Debug)]
pub(crate) struct Taken {
    pub(crate) ids: Vec<SeriesId>,
    pub(crate) batch: Vec<Pending>,
}

impl Cache {
    /// An empty cache whose listeners wait once it holds `max_points`.
    pub(crate) fn new(names: Arc<NameTable>, stats: Arc<Stats>, max_points: usize) -> Cache {
        let shards = (0..SHARDS).map(|_| Mutex::default()).collect();
        let (points, room, bell) = (AtomicUsize::new(0), Notify::new(), Bell::default());
        Cache { names, stats, shards, points, max_points, room, bell }
    }

    /// Points that wait or are being written now.
    pub fn points(&self) -> usize {
        self.points.load(Relaxed)
    }

    /// Series that points wait for.
    pub fn series(&self) -> usize {
        (0..SHARDS).map(|index| self.shard(index).len()).sum()
    }

    /// Whether nothing waits and nothing is being written.
    pub fn is_empty(&self) -> bool {
        self.points() == 0
    }

    /// Waits until the cache is below its limit, then files the batch, which is empty afterwards.
    ///
    /// Whoever waits here has stopped reading, so the limit is passed by one batch at most.
    pub(crate) async fn insert(&self, batch: &mut Batch) {
        if batch.is_empty() {
            return;
        }
        if !self.reserve(batch.len()) {
            self.stats.pauses.fetch_add(1, Relaxed);
            loop {
                let room = self.room.notified();
                if self.reserve(batch.len()) {
                    break;
                }
                self.bell.ring();
                room.await;
            }
        }
        self.file(batch);
    }

    /// Files a batch of our own counters even into a full cache: there are few, and they say why it is full.
    pub(crate) fn insert_own(&self, batch: &mut Batch) {
        self.points.fetch_add(batch.len(), Relaxed);
        self.file(batch);
    }

    fn reserve(&self, count: usize) -> bool {
        let reserved = |points: usize| (points < self.max_points).then_some(points + count);
        self.points.fetch_update(Relaxed, Relaxed, reserved).is_ok()
    }

    /// One lock for each shard that the batch touches; the order within a series stays.
    fn file(&self, batch: &mut Batch) {
        batch.sort_by_key(|(id, _)| shard_of(*id));
        let mut replaced = 0;
        for run in batch.chunk_by(|a, b| shard_of(a.0) == shard_of(b.0)) {
            let mut shard = self.shard(shard_of(run[0].0));
            for (id, point) in run {
                replaced += shard.entry(*id).or_default().add(*point);
            }
        }
        self.stats.received.fetch_add(batch.len() as u64, Relaxed);
        self.replaced(replaced);
        batch.clear();
    }

    /// The series of one writer, those with the most waiting points first.
    pub(crate) fn waiting(&self, writer: usize, writers: usize) -> Vec<SeriesId> {
        let mut waiting = Vec::new();
        for index in (writer..SHARDS).step_by(writers) {
            let shard = self.shard(index);
            waiting.extend(shard.iter().map(|(id, entry)| (entry.waiting(), *id)).filter(|(count, _)| *count > 0));
        }
        waiting.sort_unstable_by(|a, b| b.cmp(a));
        waiting.into_iter().map(|(_, id)| id).collect()
    }

    /// Gives all waiting points of these series to the writer they belong to. They stay visible until it reports back.
    pub(crate) fn take(&self, ids: &[SeriesId]) -> Taken {
        let mut taken = Taken { ids: Vec::with_capacity(ids.len()), batch: Vec::with_capacity(ids.len()) };
        let mut replaced = 0;
        for id in ids {
            let mut shard = self.shard(shard_of(*id));
            let Some(entry) = shard.get_mut(id) else { continue };
            let (points, gone) = entry.take();
            drop(shard);
            replaced += gone;
            if !points.is_empty() {
                taken.ids.push(*id);
                taken.batch.push(Pending { series: *id, name: self.names.name(*id), points });
            }
        }
        self.replaced(replaced);
        taken
    }

    /// Forgets the points of `id` that were taken: they are stored, or never will be. Gives their number.
    pub(crate) fn confirm(&self, id: SeriesId) -> usize {
        let mut shard = self.shard(shard_of(id));
        let Some(entry) = shard.get_mut(&id) else { return 0 };
        let gone = entry.confirm();
        if entry.is_empty() {
            shard.remove(&id);
        }
        drop(shard);
        self.release(gone);
        gone
    }

    /// Lets the points of `id` that were taken wait again; what arrived meanwhile for the same instants wins.
    pub(crate) fn put_back(&self, id: SeriesId) {
        let mut shard = self.shard(shard_of(id));
        let replaced = shard.get_mut(&id).map_or(0, Entry::put_back);
        drop(shard);
        self.replaced(replaced);
    }

    /// What rouses the writers before their time.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    fn replaced(&self, count: usize) {
        self.stats.overwritten.fetch_add(count as u64, Relaxed);
        self.release(count);
    }

    fn release(&self, count: usize) {
        if count > 0 {
            let before = self.points.fetch_sub(count, Relaxed);
            // Listeners resume a little below the limit, so that they do not stop again at once.
            let resume = self.max_points - self.max_points / 20;
            if before - count < resume.max(1) {
                self.room.notify_waiters();
            }
        }
    }

    fn shard(&self, index: usize) -> MutexGuard<'_, Shard> {
        // An entry is whole after each of its operations, so a shard left by a panic can be used.
        self.shards[index].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn shard_of(id: SeriesId) -> usize {
    id.index() % SHARDS
}

/// Something threads wait at until it rings or their time is up.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<u64>,
    sound: Condvar,
}

impl Bell {
    /// Ends every wait that has begun.
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.sound.notify_all();
    }

    /// How often it has rung; what happens after this is not missed by [`Bell::wait`].
    pub(crate) fn rung(&self) -> u64 {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the bell has rung more than `heard` times, at most for `patience`.
    pub(crate) fn wait(&self, heard: u64, patience: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.sound.wait_timeout_while(rung, patience, |rung| *rung == heard);
    }
}

#[cfg(test)]
mod tests;
