//! Points in memory that wait for the store. Queries see a point from its arrival until the store has confirmed it.
//!
//! The cache is cut into shards by runs of 1024 series ids. Each shard belongs to one writer, so no two writers ever
//! hold points of the same series. Senders repeat their series in the order in which they named them first, which is
//! the order of ids: a batch of theirs changes its lock once in a thousand points and walks memory forwards.
//!
//! Hot path, [`Cache::insert`]: no system call, no allocation for a point, and one of 4 KiB for every 64 blocks of 60
//! bytes that coded points fill. A series with points costs 48 bytes, which hold the newest point, and each older point
//! 2 to 9 bytes, rounded up to whole blocks; one that had points costs 2 bytes. 20 ns a point over
//! 100 k series that arrive in order, 50 when blocks have been used again for long and lie anywhere in the cache;
//! `cargo bench --bench cache` measures. Asking what is due costs half a nanosecond a series.
//!
//! How the store is fed is up to the writer: it asks what is due, takes it, and reports on it series by series.

mod bell;
mod codec;
mod due;
mod place;
mod pool;
mod query;
mod room;
mod run;
mod scan;
mod segments;
mod shard;
mod shed;
mod strategy;
mod withdraw;

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use carbon_line::{MetricName, Pattern};
use carbon_storage::{NameTable, Pending, SeriesId};
use whisper::Point;

use crate::stats::Stats;
use bell::Bell;
use place::{PAGE, SHARDS, id_of, place_of, shard_of};
use room::Limit;
use shard::Shard;

pub use due::Due;
pub use room::Room;
pub use shed::Shed;
pub use strategy::{Strategy, Waiting};
pub(crate) use withdraw::Withdrawn;

/// How many points ahead the processor fetches a series, and then the block that its points lie in, while it files
/// others: with more series than its caches hold, each point would wait for memory twice.
const FAR: usize = 8;
const NEAR: usize = 4;

/// Points that a writer is given at once, unless a single series has more.
const MOST_TAKEN: usize = (4 << 20) / size_of::<Point>();

/// Series and their waiting points.
#[derive(Debug)]
pub struct Cache {
    names: Arc<NameTable>,
    stats: Arc<Stats>,
    shards: Vec<Mutex<Shard>>,
    /// Points waiting or being written.
    points: AtomicUsize,
    /// What they take up.
    bytes: AtomicUsize,
    limit: Limit,
    /// Tells writers that they should not wait for more.
    bell: Bell,
}

/// What a writer has taken and not yet reported on.
#[derive(Debug)]
pub struct Taken {
    /// The series that had points to take, in the order they were asked for.
    pub ids: Vec<SeriesId>,
    /// Their points, at the same places.
    pub batch: Vec<Pending>,
}

impl Cache {
    /// An empty cache that is full with `max_bytes`; senders that can wait are made to at four fifths of that.
    pub fn new(names: Arc<NameTable>, stats: Arc<Stats>, max_bytes: usize) -> Cache {
        let shards = (0..SHARDS).map(|index| Mutex::new(Shard::new(index))).collect();
        let (points, bytes) = (AtomicUsize::new(0), AtomicUsize::new(0));
        Cache { names, stats, shards, points, bytes, limit: Limit::new(max_bytes), bell: Bell::default() }
    }

    /// Points that wait or are being written now.
    pub fn points(&self) -> usize {
        self.points.load(Relaxed)
    }

    /// Bytes they take up; what the limit is about.
    pub fn bytes(&self) -> usize {
        self.bytes.load(Relaxed)
    }

    /// Bytes of memory that the cache has from the system for them: more than [`Cache::bytes`] by what is free between
    /// series that have points and series that have none.
    pub fn reserved(&self) -> usize {
        (0..SHARDS).map(|index| self.shard(index).reserved()).sum()
    }

    /// Series that hold points.
    pub fn series(&self) -> usize {
        (0..SHARDS).map(|index| self.shard(index).series()).sum()
    }

    /// Whether nothing waits and nothing is being written.
    pub fn is_empty(&self) -> bool {
        self.points() == 0
    }

    /// Whether the limit is not reached. Senders that cannot wait ask this, and [`Cache::shed`] when it is not so.
    pub fn has_room(&self) -> bool {
        self.bytes() < self.limit.max_bytes()
    }

    /// Files points that are safe in a segment of the journal, 0 without one, and never waits. `now` is in seconds of
    /// a clock that does not go backwards.
    pub fn insert(&self, batch: &[(SeriesId, Point)], segment: u32, now: u32) {
        self.stats.received.fetch_add(batch.len() as u64, Relaxed);
        self.file(batch, segment, now);
    }

    /// As [`Cache::insert`], for points that an earlier run of the daemon received.
    pub(crate) fn refill(&self, batch: &[(SeriesId, Point)], segment: u32, now: u32) {
        self.stats.replayed.fetch_add(batch.len() as u64, Relaxed);
        self.file(batch, segment, now);
    }

    fn file(&self, batch: &[(SeriesId, Point)], segment: u32, now: u32) {
        let mut replaced = 0;
        for run in batch.chunk_by(|a, b| shard_of(a.0) == shard_of(b.0)) {
            replaced += self.change(shard_of(run[0].0), |shard| {
                let place = |at: usize| run.get(at).map(|(id, _)| place_of(*id));
                let add = |(at, (id, point)): (usize, &(SeriesId, Point))| {
                    place(at + FAR).into_iter().for_each(|place| shard.fetch_run(place));
                    place(at + NEAR).into_iter().for_each(|place| shard.fetch_block(place));
                    shard.add(place_of(*id), *point, segment, now)
                };
                run.iter().enumerate().map(add).sum::<usize>()
            });
        }
        self.stats.overwritten.fetch_add(replaced as u64, Relaxed);
    }

    /// The series of one of `writers` that are due, ascending, which is the order of their files on disk. Those that
    /// are being written are not among them.
    pub fn due(&self, writer: usize, writers: usize, query: &Due) -> Vec<SeriesId> {
        self.collect(writer, writers, |shard| {
            let mut places = Vec::new();
            shard.due(query, &mut places);
            places
        })
    }

    /// The series of one of `writers` that have begun to wait since the last call, with nobody having said how long
    /// they should. They wait for a minute unless [`Cache::set_wait`] is called.
    pub fn unknown_waits(&self, writer: usize, writers: usize) -> Vec<SeriesId> {
        self.collect(writer, writers, |shard| {
            let mut unknown = shard.waits.take_unknown();
            unknown.sort_unstable();
            unknown
        })
    }

    /// Says how many seconds the points of `id` are worth gathering, 1 to 32 767.
    pub fn set_wait(&self, id: SeriesId, seconds: u16) {
        self.shard(shard_of(id)).set_wait(place_of(id), seconds);
    }

    /// Asks anew how long each series waits, since the rules have changed.
    pub fn forget_waits(&self) {
        (0..SHARDS).for_each(|index| self.shard(index).forget_waits());
        self.bell.ring();
    }

    /// Gives all waiting points of these series to the writer they belong to. They stay visible until it reports back.
    /// Once 4 MiB of points are together the rest of the series is left for the next time.
    pub fn take(&self, ids: &[SeriesId]) -> Taken {
        let mut found = Vec::with_capacity(ids.len());
        let (mut replaced, mut room) = (0, MOST_TAKEN);
        for run in ids.chunk_by(|a, b| shard_of(*a) == shard_of(*b)) {
            self.change(shard_of(run[0]), |shard| {
                for id in run {
                    if room > 0
                        && let Some((points, gone)) = shard.take(place_of(*id))
                    {
                        room = room.saturating_sub(points.len());
                        found.push((*id, points));
                        replaced += gone;
                    }
                }
            });
        }
        self.stats.overwritten.fetch_add(replaced as u64, Relaxed);
        let names = self.names.read();
        let (ids, batch) =
            found.into_iter().map(|(id, points)| (id, Pending { series: id, name: names.name(id), points })).unzip();
        Taken { ids, batch }
    }

    /// Forgets the points of `id` that were taken: they are stored, or never will be. Gives their number.
    pub fn confirm(&self, id: SeriesId) -> usize {
        self.change(shard_of(id), |shard| shard.confirm(place_of(id)))
    }

    /// Lets the points of `id` that were taken wait again; what arrived meanwhile for the same instants wins.
    pub fn put_back(&self, id: SeriesId) {
        let replaced = self.change(shard_of(id), |shard| shard.put_back(place_of(id)));
        self.stats.overwritten.fetch_add(replaced as u64, Relaxed);
    }

    /// The oldest segment of the journal that is needed for points which are not stored; `None` when nothing waits.
    pub fn oldest_segment(&self) -> Option<u32> {
        (0..SHARDS).filter_map(|index| self.shard(index).oldest_segment()).min()
    }

    /// Makes all series, or those that match, due now, and gives them. Whoever asked waits until none of them
    /// [`is_marked`](Cache::is_marked).
    pub fn mark_flush(&self, only: Option<&Pattern>) -> Vec<SeriesId> {
        let mut ids = self.holding();
        if let Some(pattern) = only {
            let names = self.names.read();
            ids.retain(|id| pattern.matches(names.text(*id)));
        }
        ids.retain(|id| self.shard(shard_of(*id)).mark(place_of(*id)));
        self.bell.ring();
        ids
    }

    /// Whether a series has points that a flush wanted and that are not stored.
    pub fn is_marked(&self, id: SeriesId) -> bool {
        self.shard(shard_of(id)).is_marked(place_of(id))
    }

    /// Points that were confirmed since the start.
    pub(crate) fn stored(&self) -> u64 {
        self.stats.stored.load(Relaxed)
    }

    /// Bytes at which it is full.
    pub fn max_bytes(&self) -> usize {
        self.limit.max_bytes()
    }

    /// The name of a series.
    pub(crate) fn name(&self, id: SeriesId) -> MetricName {
        self.names.name(id)
    }

    /// What rouses the writers before their time.
    pub(crate) fn bell(&self) -> &Bell {
        &self.bell
    }

    /// All series that hold points.
    fn holding(&self) -> Vec<SeriesId> {
        self.collect(0, 1, |shard| shard.places().collect())
    }

    /// Places in the shards of one writer, ascending in each, as ids in ascending order.
    fn collect(&self, writer: usize, writers: usize, places: impl Fn(&mut Shard) -> Vec<u32>) -> Vec<SeriesId> {
        let found: Vec<(u32, Vec<u32>)> = (writer as u32..SHARDS)
            .step_by(writers)
            .map(|index| (index, places(&mut self.shard(index))))
            .filter(|(_, places)| !places.is_empty())
            .collect();
        let mut pages: Vec<(SeriesId, u32, &[u32])> = Vec::new();
        for (index, places) in &found {
            let runs = places.chunk_by(|a, b| a / PAGE == b / PAGE);
            pages.extend(runs.map(|run| (id_of(*index, run[0]), *index, run)));
        }
        pages.sort_unstable();
        pages.iter().flat_map(|(_, index, run)| run.iter().map(|place| id_of(*index, *place))).collect()
    }

    /// Changes a shard, and what is known about the whole with it.
    fn change<T>(&self, index: u32, change: impl FnOnce(&mut Shard) -> T) -> T {
        let mut shard = self.shard(index);
        let before = shard.load();
        let result = change(&mut shard);
        let after = shard.load();
        // Counted under the lock, so that nothing leaves the sums before it has entered them.
        self.points.fetch_add(after.points.wrapping_sub(before.points), Relaxed);
        let grown = after.bytes.wrapping_sub(before.bytes);
        self.bytes.fetch_add(grown, Relaxed);
        self.limit.change(grown);
        result
    }

    fn shard(&self, index: u32) -> MutexGuard<'_, Shard> {
        // Nothing in a shard panics half-way through a change, so one left by a panic elsewhere can be used.
        self.shards[index as usize].lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod histories;
#[cfg(test)]
mod tests;
