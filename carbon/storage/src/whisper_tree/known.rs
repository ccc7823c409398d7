//! What is known of the file behind each series, and the descriptors that stay open.
//!
//! 72 bytes a series, in blocks, found by its number, and 64 more for one with several archives, as far as allowed. Cut into parts of which each has its own lock, held to take a
//! series' knowledge out and to put it back; while a file is being written its knowledge is with the writer.
//!
//! Descriptors are few and series may be many, visited in turn; the least recently used would then always be the next one
//! needed. So a series takes the place of the one that was written longest ago only if that was before its own last
//! write: what is still being written keeps its descriptor, what went silent loses it.

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError};

use whisper::{Kept, Tip};

use super::devices::DeviceId;
use super::reach::Look;
use crate::SeriesId;

const PARTS: usize = 64;
/// Series for which room is made at once: 18 KiB.
const BLOCK: usize = 256;
/// No descriptor is kept.
const NONE: u32 = u32::MAX;

/// One file, as we left it.
#[derive(Debug)]
pub(super) struct Known {
    /// Header, and the times in the archives' first slots.
    pub(super) kept: Kept,
    pub(super) inode: u64,
    /// When the file was made, in nanoseconds; 0 where the file system does not know. Inode numbers are used again.
    pub(super) born: u64,
    pub(super) size: u32,
    /// When we last wrote to it, in milliseconds since the epoch; a later change was somebody else's.
    pub(super) written: u64,
    pub(super) device: DeviceId,
    /// Time of the oldest point that a copy, made by a tool just now, may lack; see [`carry`](super::carry).
    pub(super) recent: u32,
    descriptor: u32,
    /// Its newest slots, if it has several archives.
    pub(super) tip: Option<Box<Tip>>,
}

/// Seconds of points that are brought over into a file that took the place of this one.
const RECENT: u32 = 120;

/// Clocks of file systems tick in steps of up to ten milliseconds.
const TICK: u64 = 50;

impl Known {
    pub(super) fn new(kept: Kept, device: DeviceId, look: &Look) -> Known {
        // A file beyond 4 GiB is not one of ours to remember: its size will differ at each look.
        let size = u32::try_from(look.size).unwrap_or(0);
        let (inode, born) = (look.inode, look.born);
        Known { kept, inode, born, size, written: 0, device, recent: u32::MAX, descriptor: NONE, tip: None }
    }

    /// After a write at this time in milliseconds since the epoch, whose oldest point was of the time `first`.
    fn written_at(mut self, milliseconds: u64, first: u32) -> Known {
        let seconds = u32::try_from(milliseconds / 1000).unwrap_or(u32::MAX);
        self.recent = first.min(self.recent.max(seconds.saturating_sub(RECENT)));
        self.written = milliseconds;
        self
    }

    /// Whether `look` shows another file.
    pub(super) fn is_another(&self, look: &Look) -> bool {
        (self.inode, self.born) != (look.inode, look.born)
    }

    /// Whether `look` shows the same file and nobody but us has changed it.
    ///
    /// A file that was replaced has another time of birth, even where it got the same inode number; to be sure of that, a
    /// file written in the moment of its birth is looked at once more, unless it was `held` open since.
    pub(super) fn is_as_left(&self, look: &Look, held: bool) -> bool {
        let same = !self.is_another(look) && u64::from(self.size) == look.size;
        same && look.changed <= self.written && (held || self.born / 1_000_000 + TICK < self.written)
    }
}

/// The knowledge of all series.
#[derive(Debug)]
pub(super) struct KnownFiles {
    parts: Vec<Mutex<Part>>,
    /// Descriptors that each part may keep.
    room: usize,
}

impl KnownFiles {
    /// Keeps at most about `descriptors` open.
    pub(super) fn new(descriptors: usize) -> KnownFiles {
        let parts = (0..PARTS).map(|_| Mutex::default()).collect();
        KnownFiles { parts, room: descriptors.div_ceil(PARTS) }
    }

    /// Takes out what is known of a series, and its descriptor if one is open.
    pub(super) fn take(&self, series: SeriesId) -> Option<(Known, Option<File>)> {
        let (mut part, place) = self.part(series);
        let mut known = part.slot(place)?.take()?;
        let file = part.descriptors.remove(std::mem::replace(&mut known.descriptor, NONE));
        Some((known, file))
    }

    /// Puts back what is known of a series after a write at this time in milliseconds, whose oldest point was of the time
    /// `first`. The descriptor is kept, and its lock given up, or closed.
    pub(super) fn put(&self, series: SeriesId, known: Known, milliseconds: u64, first: u32, file: File) {
        let before = known.written;
        let mut known = known.written_at(milliseconds, first);
        let (mut part, place) = self.part(series);
        let closed = match part.makes_room(self.room, before) {
            Some(closed) if file.unlock().is_ok() => {
                known.descriptor = part.descriptors.push(place as u32, file);
                closed
            }
            _ => Some(file),
        };
        part.grow(place);
        if let Some(slot) = part.slot(place) {
            *slot = Some(known);
        }
        drop(part);
        // Closed only now: no lock is held over a system call that may wait.
        drop(closed);
    }

    fn part(&self, series: SeriesId) -> (MutexGuard<'_, Part>, usize) {
        let part = &self.parts[series.index() % PARTS];
        // Knowledge is put in as a whole; a panic elsewhere cannot leave it half done.
        (part.lock().unwrap_or_else(PoisonError::into_inner), series.index() / PARTS)
    }
}

#[derive(Debug, Default)]
struct Part {
    blocks: Vec<Box<[Option<Known>]>>,
    descriptors: Descriptors,
}

impl Part {
    fn slot(&mut self, place: usize) -> Option<&mut Option<Known>> {
        self.blocks.get_mut(place / BLOCK)?.get_mut(place % BLOCK)
    }

    fn grow(&mut self, place: usize) {
        while self.blocks.len() <= place / BLOCK {
            self.blocks.push((0..BLOCK).map(|_| None).collect());
        }
    }

    /// Whether one more descriptor may be kept, for a series last written at `before`: the one that had to go for it,
    /// if any.
    fn makes_room(&mut self, room: usize, before: u64) -> Option<Option<File>> {
        if self.descriptors.len() < room {
            return Some(None);
        }
        let owner = self.descriptors.oldest()? as usize;
        let known = self.slot(owner)?.as_mut()?;
        if known.written >= before {
            return None;
        }
        let descriptor = std::mem::replace(&mut known.descriptor, NONE);
        Some(self.descriptors.remove(descriptor))
    }
}

/// Open descriptors in the order of their last use, as a list through a table.
#[derive(Debug)]
struct Descriptors {
    table: Vec<Entry>,
    free: Vec<u32>,
    oldest: u32,
    newest: u32,
}

#[derive(Debug)]
struct Entry {
    file: Option<File>,
    owner: u32,
    older: u32,
    newer: u32,
}

impl Default for Descriptors {
    fn default() -> Descriptors {
        Descriptors { table: Vec::new(), free: Vec::new(), oldest: NONE, newest: NONE }
    }
}

impl Descriptors {
    fn len(&self) -> usize {
        self.table.len() - self.free.len()
    }

    /// Owner of the one not used for the longest time.
    fn oldest(&self) -> Option<u32> {
        self.table.get(self.oldest as usize).map(|entry| entry.owner)
    }

    /// Enters a descriptor as the one used last.
    fn push(&mut self, owner: u32, file: File) -> u32 {
        let entry = Entry { file: Some(file), owner, older: self.newest, newer: NONE };
        let place = match self.free.pop() {
            Some(place) => {
                self.table[place as usize] = entry;
                place
            }
            None => {
                self.table.push(entry);
                (self.table.len() - 1) as u32
            }
        };
        match self.table.get_mut(self.newest as usize) {
            Some(before) => before.newer = place,
            None => self.oldest = place,
        }
        self.newest = place;
        place
    }

    /// Takes a descriptor out; nothing for [`NONE`].
    fn remove(&mut self, place: u32) -> Option<File> {
        let entry = self.table.get_mut(place as usize)?;
        let file = entry.file.take()?;
        let (older, newer) = (entry.older, entry.newer);
        match self.table.get_mut(older as usize) {
            Some(entry) => entry.newer = newer,
            None => self.oldest = newer,
        }
        match self.table.get_mut(newer as usize) {
            Some(entry) => entry.older = older,
            None => self.newest = older,
        }
        self.free.push(place);
        Some(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_takes_72_bytes() {
        assert_eq!(size_of::<Option<Known>>(), 72);
    }
}
