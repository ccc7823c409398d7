//! What appenders, the writer, the syncer and the checkpoint know together. Everything here is short and in memory.

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use carbon_storage::{NameTable, SeriesId};
use whisper::Point;

use crate::chunk::Chunk;
use crate::disk::DiskFile;
use crate::frames::Frames;
use crate::names;
use crate::options::Options;
use crate::points::Encoder;

/// The shared part of a journal.
#[derive(Debug)]
pub(crate) struct State {
    encoder: Encoder,
    /// Appended, not yet taken by the writer; the last one grows.
    pub(crate) appending: VecDeque<Chunk>,
    /// Bytes of the last chunk that was taken: about what the next one needs.
    usual: usize,
    /// Segment of the next append, and its bytes so far.
    pub(crate) current: u32,
    filled: u64,
    /// Series whose names were appended: all below this id.
    pub(crate) named: u32,

    /// Positions: of everything appended, handed to the kernel, made safe.
    pub(crate) appended: u64,
    pub(crate) written: u64,
    pub(crate) synced: u64,
    /// End and age of each chunk that is not safe yet.
    ages: VecDeque<(u64, Instant)>,
    /// Live tickets of each segment that has any.
    transit: VecDeque<(u32, u32)>,

    /// Written and kept until they are safe, because a failed sync may lose them.
    pub(crate) unsynced: VecDeque<Chunk>,
    /// Files with bytes that are not safe.
    pub(crate) dirty: Vec<Arc<dyn DiskFile>>,
    pub(crate) dirty_names: Option<Arc<dyn DiskFile>>,
    pub(crate) dirty_folder: bool,

    /// Files of points, oldest first.
    pub(crate) segments: VecDeque<OnDisk>,
    /// Files of names: generation and bytes.
    pub(crate) generations: VecDeque<(u32, u64)>,
    /// Bytes of both.
    pub(crate) on_disk: u64,

    /// Why the last write failed; `None` once one succeeds.
    pub(crate) refused: Option<Refusal>,
    /// What happened since the start.
    pub(crate) counts: Counts,
    /// Why the last write or sync failed, for whoever waits for one.
    pub(crate) last_error: Option<(io::ErrorKind, String)>,
    /// Someone waits for everything up to here to be safe.
    pub(crate) wanted: u64,
    pub(crate) writer_sleeps: bool,
    pub(crate) syncer_sleeps: bool,
    pub(crate) closing: bool,
}

/// A file of points.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OnDisk {
    pub(crate) number: u32,
    pub(crate) generation: u32,
    pub(crate) bytes: u64,
}

/// Why the disk takes nothing at present.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Refusal {
    Full,
    Failing,
}

/// What happened since the start.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) points: u64,
    pub(crate) writes: u64,
    pub(crate) syncs: u64,
    pub(crate) last_sync: Duration,
    pub(crate) longest_sync: Duration,
    pub(crate) sync_time: Duration,
    pub(crate) write_failures: u64,
    pub(crate) sync_failures: u64,
    pub(crate) released: u64,
}

/// Why the journal is not ready for more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Wait {
    /// The oldest point that is not safe yet is too old: the disk syncs slowly.
    Sync,
    /// Too many bytes are not safe yet: the disk is slower than the senders.
    Memory,
    /// The journal has reached its size; it shrinks when archives are written and synced.
    Limit,
    /// Its disk is full.
    DiskFull,
    /// Its disk refuses writes for another reason.
    DiskFails,
}

impl State {
    pub(crate) fn new(current: u32) -> State {
        State {
            encoder: Encoder::default(),
            appending: VecDeque::new(),
            usual: 0,
            current,
            filled: 0,
            named: 0,
            appended: 0,
            written: 0,
            synced: 0,
            ages: VecDeque::new(),
            transit: VecDeque::new(),
            unsynced: VecDeque::new(),
            dirty: Vec::new(),
            dirty_names: None,
            dirty_folder: false,
            segments: VecDeque::new(),
            generations: VecDeque::new(),
            on_disk: 0,
            refused: None,
            counts: Counts::default(),
            last_error: None,
            wanted: 0,
            writer_sleeps: false,
            syncer_sleeps: false,
            closing: false,
        }
    }

    /// Encodes `batch` behind everything before and returns its segment, counted as in transit.
    pub(crate) fn append(
        &mut self,
        batch: &[(SeriesId, Point)],
        table: &NameTable,
        options: &Options,
        now: Instant,
    ) -> u32 {
        let segment = self.current;
        self.depart(segment);
        if batch.is_empty() {
            return segment;
        }
        if self.appending.back().is_none_or(|chunk| chunk.segment != segment) {
            let points = Frames::with_capacity(self.usual + self.usual / 4);
            self.appending.push_back(Chunk {
                segment,
                names: Frames::default(),
                points,
                end: self.appended,
                since: now,
            });
            self.ages.push_back((self.appended, now));
        }
        let (Some(chunk), Some(age)) = (self.appending.back_mut(), self.ages.back_mut()) else {
            return segment; // cannot be: both were pushed above, when they were missing
        };
        let before = chunk.points.len();
        let highest = self.encoder.append(&mut chunk.points, batch);
        let grown = (chunk.points.len() - before) as u64;
        self.appended += grown;
        self.filled += grown;
        (chunk.end, age.0) = (self.appended, self.appended);
        if let Some(highest) = highest.filter(|id| id.index() >= self.named as usize) {
            let end = (highest.index() + 1).min(table.len()) as u32; // an id is a u32, and so is the next
            names::append(&mut chunk.names, table, self.named..end);
            self.named = self.named.max(end);
        }
        self.counts.points += batch.len() as u64;
        if self.filled >= options.segment_bytes {
            self.roll();
        }
        segment
    }

    /// Later appends go to a new segment, unless the current one is empty.
    pub(crate) fn roll(&mut self) {
        if self.filled > 0 {
            self.start_afresh();
        }
    }

    /// Later appends go to a new segment.
    pub(crate) fn start_afresh(&mut self) {
        self.current += 1;
        self.filled = 0;
    }

    /// Hands over all chunks that wait for the writer.
    pub(crate) fn take(&mut self) -> VecDeque<Chunk> {
        if let Some(chunk) = self.appending.back() {
            self.usual = chunk.points.len();
        }
        std::mem::take(&mut self.appending)
    }

    /// One ticket more names `segment`, which is the current one.
    fn depart(&mut self, segment: u32) {
        match self.transit.back_mut() {
            Some((last, tickets)) if *last == segment => *tickets += 1,
            _ => self.transit.push_back((segment, 1)),
        }
    }

    /// One ticket less.
    pub(crate) fn arrive(&mut self, segment: u32) {
        if let Some((_, tickets)) = self.transit.iter_mut().find(|(number, _)| *number == segment) {
            *tickets -= 1;
        }
        self.transit.retain(|(_, tickets)| *tickets > 0);
    }

    /// The lowest segment that a live ticket names, else the current one.
    pub(crate) fn oldest_in_transit(&self) -> u32 {
        self.transit.front().map_or(self.current, |(segment, _)| *segment)
    }

    /// Everything up to `position` is safe.
    pub(crate) fn arrive_on_disk(&mut self, position: u64) {
        self.synced = position;
        while self.unsynced.pop_front_if(|chunk| chunk.end <= position).is_some() {}
        while self.ages.pop_front_if(|(end, _)| *end <= position).is_some() {}
    }

    /// Failed writes and syncs since the start.
    pub(crate) fn failures(&self) -> u64 {
        self.counts.write_failures + self.counts.sync_failures
    }

    /// When the oldest point that is not safe yet was appended.
    pub(crate) fn oldest(&self) -> Option<Instant> {
        self.ages.front().map(|(_, since)| *since)
    }

    /// Why nothing should be appended at present.
    pub(crate) fn wait(&self, options: &Options, now: Instant) -> Option<Wait> {
        match self.refused {
            Some(Refusal::Full) => return Some(Wait::DiskFull),
            Some(Refusal::Failing) => return Some(Wait::DiskFails),
            None => {}
        }
        if self.appended - self.synced > options.most_unsynced {
            return Some(Wait::Memory);
        }
        if self.on_disk + (self.appended - self.written) >= options.most_bytes {
            return Some(Wait::Limit);
        }
        self.oldest().filter(|since| now.saturating_duration_since(*since) > options.too_old).map(|_| Wait::Sync)
    }
}
