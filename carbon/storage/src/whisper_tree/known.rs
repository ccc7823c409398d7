//! What is known of the file behind each series, and the descriptors that stay open.
//!
//! 72 bytes a series, in blocks, found by its number, and 64 more for one with several archives, as far as allowed; and
//! what [`pages`](super::pages) has to keep. Cut into parts of which each has its own lock, held to take a series'
//! knowledge out and to put it back; while a file is being written its knowledge is with the writer.
//!
//! Descriptors are few and series may be many, visited in turn; the least recently used would then always be the next one
//! needed. So a series takes the place of the one that was written longest ago only if that was before its own last
//! write: what is still being written keeps its descriptor, what went silent loses it. Those of a batch are out at the same
//! time, so that now and then one takes the place of another that is out.

use std::fs::File;
use std::sync::{Mutex, MutexGuard, PoisonError, TryLockError};

use whisper::{Kept, Tip};

use super::allowance::{Allowance, free};
use super::descriptors::{Descriptors, NONE};
use super::devices::DeviceId;
use super::look::Look;
use super::pages::{Held, Pages};
use super::young::{Newborn, Young};
use crate::SeriesId;

const PARTS: usize = 64;
/// Series for which room is made at once: 18 KiB.
const BLOCK: usize = 256;

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
    /// Whether it was held open for so long after it was made that no other file can have its number and its time of birth.
    settled: bool,
    /// Whether its newest pages were kept; they may have had to go since.
    has_pages: bool,
    descriptor: u32,
    /// Its newest slots, if it has several archives.
    pub(super) tip: Option<Box<Tip>>,
}

/// Seconds of points that are brought over into a file that took the place of this one.
const RECENT: u32 = 120;

fn milliseconds(nanoseconds: u64) -> u64 {
    nanoseconds / 1_000_000
}

/// Clocks of file systems tick in steps of up to ten milliseconds.
const TICK: u64 = 50;

impl Known {
    pub(super) fn new(kept: Kept, device: DeviceId, look: &Look) -> Known {
        // A file beyond 4 GiB is not one of ours to remember: its size will differ at each look.
        let size = u32::try_from(look.size).unwrap_or(0);
        let (inode, born) = (look.inode, look.born);
        let (written, recent, descriptor) = (0, u32::MAX, NONE);
        let (settled, has_pages) = (false, false);
        Known { kept, inode, born, size, written, device, recent, settled, has_pages, descriptor, tip: None }
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
    /// file written in the moment of its birth is looked at once more, unless it was `held` open since, or for long
    /// enough; see [`young`](super::young).
    pub(super) fn is_as_left(&self, look: &Look, held: bool) -> bool {
        let same = !self.is_another(look) && u64::from(self.size) == look.size;
        same && milliseconds(look.changed) <= self.written && (held || self.settled || self.is_grown_up())
    }

    /// Whether it was written later than in the moment of its birth.
    fn is_grown_up(&self) -> bool {
        milliseconds(self.born) + TICK < self.written
    }
}

/// What is known of the file of a series.
pub(super) struct Knowledge {
    pub(super) known: Known,
    /// Its descriptor, if it is kept.
    pub(super) file: Option<File>,
    /// Its newest pages, if they are kept.
    pub(super) pages: Option<Pages>,
}

/// A file as a write has left it.
pub(super) struct Left {
    pub(super) known: Known,
    pub(super) file: File,
    /// Whether its lock is ours.
    pub(super) locked: bool,
    pub(super) pages: Option<Pages>,
    /// When that was, in milliseconds since the epoch.
    pub(super) written: u64,
    /// Time of the oldest point that was written.
    pub(super) first: u32,
}

/// The knowledge of all series.
#[derive(Debug)]
pub(super) struct KnownFiles {
    parts: Vec<Mutex<Part>>,
    /// Descriptors that each part may keep.
    allowance: Allowance,
    /// Held by who takes some away.
    sparing: Mutex<()>,
    /// New files that each part may hold open for a moment beside those.
    young: usize,
}

/// New files held open at most. A moment lasts 20 ms, and the fastest disks take some 30 000 new files a second.
const MOST_YOUNG: usize = 1024;

impl KnownFiles {
    /// Keeps at most `descriptors` open, as many in each part, and `pages` bytes of pages.
    pub(super) fn new(descriptors: usize, pages: usize) -> KnownFiles {
        let parts = (0..PARTS).map(|_| Mutex::new(Part::new(pages / PARTS))).collect();
        let young = (descriptors / 8).min(MOST_YOUNG) / PARTS;
        // At most an eighth of what there is.
        let most = descriptors / PARTS - young;
        KnownFiles { parts, allowance: Allowance::new(most, PARTS), sparing: Mutex::default(), young }
    }

    /// Takes out what is known of a series, and its descriptor if one is open.
    pub(super) fn take(&self, series: SeriesId) -> Option<Knowledge> {
        let (mut part, place) = self.part(series);
        let mut known = part.slot(place)?.take()?;
        let file = part.descriptors.remove(std::mem::replace(&mut known.descriptor, NONE));
        let pages = if std::mem::take(&mut known.has_pages) { part.pages.take(place as u32) } else { None };
        Some(Knowledge { known, file, pages })
    }

    /// Puts back what is known of a series after a write. The descriptor is kept, and its lock given up, or given back to
    /// be closed, as are others that have to go.
    pub(super) fn put(&self, series: SeriesId, left: Left) -> impl Iterator<Item = File> + use<> {
        let Left { known, file, locked, pages, written: milliseconds, first } = left;
        let is_free = |file: &File| !locked || file.unlock().is_ok();
        let before = known.written;
        let mut known = known.written_at(milliseconds, first);
        self.allowance.grow(milliseconds, free);
        let (mut part, place) = self.part(series);
        let grown_up = part.bring_up(milliseconds);
        let closed = match part.makes_room(self.allowance.now(), before) {
            Some(closed) if is_free(&file) => {
                known.descriptor = part.descriptors.push(place as u32, file);
                closed
            }
            _ if !known.is_grown_up() && !known.settled && self.young > 0 && is_free(&file) => {
                let (place, identity) = (place as u32, (known.device, known.inode));
                part.young.hold(Newborn { place, identity, written: milliseconds, file }, self.young)
            }
            _ => Some(file),
        };
        known.has_pages = pages.is_some_and(|pages| part.pages.put(place as u32, pages, milliseconds, before));
        part.grow(place);
        let (keeps, replaced) = (known.has_pages, part.slot(place).and_then(|slot| slot.replace(known)));
        // Of a series that was taken out twice.
        let twice = replaced.and_then(|replaced| {
            if replaced.has_pages && !keeps {
                part.pages.take(place as u32);
            }
            part.descriptors.remove(replaced.descriptor)
        });
        closed.into_iter().chain(grown_up).chain(twice)
    }

    /// Gives half of the descriptors that are kept to others, this time in milliseconds since the epoch, and says how
    /// many may be kept from now on, unless that was none already; those used least lately are closed. Who asks while
    /// this is done for another is served by the same.
    pub(super) fn spare(&self, now: u64) -> Option<usize> {
        let turn = self.sparing.try_lock();
        if matches!(turn, Err(TryLockError::WouldBlock)) {
            return None;
        }
        let open = self.parts.iter().map(|part| lock(part).descriptors.len()).max().unwrap_or(0);
        let room = self.allowance.halve(now, open)?;
        for part in &self.parts {
            let closed = lock(part).close_all_but(room);
            drop(closed);
        }
        Some(room * PARTS)
    }

    /// Whether what is known of the pages of a new series' file should be kept.
    pub(super) fn keeps_new_pages(&self, series: SeriesId) -> bool {
        self.part(series).0.pages.has_much_room()
    }

    /// Memory that pages take.
    pub(super) fn pages_bytes(&self) -> usize {
        self.parts.iter().map(|part| lock(part).pages.bytes()).sum()
    }

    fn part(&self, series: SeriesId) -> (MutexGuard<'_, Part>, usize) {
        (lock(&self.parts[series.index() % PARTS]), series.index() / PARTS)
    }
}

fn lock(part: &Mutex<Part>) -> MutexGuard<'_, Part> {
    // Knowledge is put in as a whole; a panic elsewhere cannot leave it half done.
    part.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
struct Part {
    blocks: Vec<Box<[Option<Known>]>>,
    descriptors: Descriptors,
    young: Young,
    pages: Held,
}

impl Part {
    fn new(pages: usize) -> Part {
        Part {
            blocks: Vec::new(),
            descriptors: Descriptors::default(),
            young: Young::default(),
            pages: Held::new(pages),
        }
    }

    fn slot(&mut self, place: usize) -> Option<&mut Option<Known>> {
        self.blocks.get_mut(place / BLOCK)?.get_mut(place % BLOCK)
    }

    fn grow(&mut self, place: usize) {
        while self.blocks.len() <= place / BLOCK {
            self.blocks.push((0..BLOCK).map(|_| None).collect());
        }
    }

    /// Gives the new files that were held for long enough at this time in milliseconds.
    fn bring_up(&mut self, milliseconds: u64) -> Vec<File> {
        let mut grown_up = Vec::new();
        while let Some(Newborn { place, identity, file, .. }) = self.young.grown_up(milliseconds) {
            // Still open, so the number is that of this file and of no other.
            if let Some(Some(known)) = self.slot(place as usize) {
                known.settled |= (known.device, known.inode) == identity;
            }
            grown_up.push(file);
        }
        grown_up
    }

    /// Whether one more descriptor may be kept, for a series last written at `before`: the one that had to go for it,
    /// if any.
    fn makes_room(&mut self, room: usize, before: u64) -> Option<Option<File>> {
        if self.descriptors.len() < room {
            return Some(None);
        }
        let owner = self.descriptors.oldest()? as usize;
        if self.slot(owner)?.as_ref()?.written >= before {
            return None;
        }
        Some(self.close_oldest())
    }

    fn close_oldest(&mut self) -> Option<File> {
        let owner = self.descriptors.oldest()? as usize;
        let known = self.slot(owner)?.as_mut()?;
        let descriptor = std::mem::replace(&mut known.descriptor, NONE);
        self.descriptors.remove(descriptor)
    }

    /// Gives all descriptors but `room`, to be closed.
    fn close_all_but(&mut self, room: usize) -> Vec<File> {
        let spare = self.descriptors.len().saturating_sub(room);
        std::iter::from_fn(|| self.close_oldest()).take(spare).collect()
    }
}

#[cfg(test)]
mod tests {
    use whisper::{CreateOptions, Whisper};

    use super::super::devices::Devices;
    use super::*;

    /// A new file, and what the system says of it.
    fn made(folder: &tempfile::TempDir, index: u32) -> (Left, Look) {
        let path = folder.path().join(index.to_string());
        let file = Whisper::create(&path, &CreateOptions::new("1s:1m".parse().unwrap())).unwrap();
        let (kept, file) = (file.keep(), file.into_layer());
        let look = Look::of(&file.metadata().unwrap());
        let device = Devices::default().of(look.device, folder.path()).unwrap();
        let known = Known::new(kept, device, &look);
        (Left { known, file, locked: false, pages: None, written: milliseconds(look.changed), first: 0 }, look)
    }

    #[test]
    fn a_new_file_that_is_held_for_a_moment_is_known_for_good() {
        let (folder, files) = (tempfile::tempdir().unwrap(), KnownFiles::new(512, 0));
        assert_eq!((files.allowance.now(), files.young), (7, 1));
        let series = |number: u32| SeriesId::new(number * PARTS as u32);
        let put = |number, at: &dyn Fn(&Look) -> u64| {
            let (left, look) = made(&folder, number);
            drop(files.put(series(number), Left { written: at(&look), ..left }));
            look
        };
        let looks: Vec<Look> = (0..8).map(|number| put(number, &|look| milliseconds(look.changed))).collect();
        let eighth = milliseconds(put(8, &|look| milliseconds(look.changed) + 30).changed);
        put(9, &|_| eighth + 31);
        let held = files.take(series(7)).unwrap();
        assert!(held.known.is_as_left(&looks[7], false) && held.file.is_none());
        assert!(!files.take(series(8)).unwrap().known.settled, "another new file came too soon");
        assert!(files.take(series(0)).unwrap().file.is_some(), "there was room to keep it");
    }

    #[test]
    fn descriptors_are_spared_for_others_those_used_last_stay() {
        let (folder, files) = (tempfile::tempdir().unwrap(), KnownFiles::new(4 * PARTS, 0));
        let series = |number: u32| SeriesId::new(number * PARTS as u32);
        for number in 0..4 {
            let (left, _) = made(&folder, number);
            drop(files.put(series(number), Left { written: left.written + u64::from(number), ..left }));
        }
        assert_eq!(files.spare(0), Some(2 * PARTS));
        let open = [0, 1, 2, 3].map(|number| files.take(series(number)).unwrap().file.is_some());
        assert_eq!(open, [false, false, true, true]);
        // All are taken out.
        assert_eq!((files.spare(0), files.spare(0)), (Some(0), None));
    }

    #[test]
    fn descriptors_that_were_given_away_are_kept_again_when_they_may_be() {
        let (folder, files) = (tempfile::tempdir().unwrap(), KnownFiles::new(PARTS, 0));
        let keeps = |number: u32| {
            let (series, (left, _)) = (SeriesId::new(number * PARTS as u32), made(&folder, number));
            drop(files.put(series, left));
            files.take(series).unwrap().file.is_some()
        };
        assert!(keeps(0));
        let now = super::super::milliseconds();
        assert_eq!(files.spare(now), Some(0));
        assert!(!keeps(1));
        files.allowance.grow(now + 1_000_000, || PARTS);
        assert!(keeps(2));
    }

    #[test]
    fn a_series_that_was_taken_out_twice_keeps_one_descriptor() {
        let (folder, files) = (tempfile::tempdir().unwrap(), KnownFiles::new(4 * PARTS, 0));
        for number in 0..3 {
            drop(files.put(SeriesId::new(0), made(&folder, number).0));
        }
        assert_eq!(lock(&files.parts[0]).descriptors.len(), 1);
        assert!(files.take(SeriesId::new(0)).unwrap().file.is_some());
        assert_eq!(lock(&files.parts[0]).descriptors.len(), 0);
    }

    #[test]
    fn a_series_takes_72_bytes() {
        assert_eq!(size_of::<Option<Known>>(), 72);
    }
}
