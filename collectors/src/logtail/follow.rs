//! Reading a log on from where the last run stopped, through rotations of both kinds: a new file in the old one's place,
//! and the old file emptied (copytruncate).

use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::Fail;

/// A longer line is cut into pieces of this length.
const LONGEST_LINE: usize = 64 << 10;
/// The most that one run reads of one log.
const MOST: u64 = 16 << 20;
/// A log that is further ahead than this is not caught up with: all but its last [`MOST`] bytes is passed over.
const HOPELESS: u64 = 256 << 20;
/// How much of a file's beginning tells it from another in its place.
const HEAD: usize = 256;
/// Files of the log's folder that are looked at for one that was rotated away while nobody looked.
const MOST_FILES: usize = 4096;

/// Where reading goes on, good for a restart.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    device: u64,
    inode: u64,
    offset: u64,
    /// Length and hash of the file's beginning, as far as it was there.
    head: (u64, u64),
}

/// One log.
#[derive(Debug)]
pub(super) struct Log {
    path: PathBuf,
    file: Option<File>,
    place: Option<Place>,
    block: Vec<u8>,
    /// Bytes that are there and were not read by the last run.
    pub(super) behind: u64,
    /// Bytes that were passed over since the start.
    pub(super) skipped: u64,
}

impl Place {
    /// As numbers, to be kept.
    pub(super) fn numbers(&self) -> Vec<u64> {
        vec![self.device, self.inode, self.offset, self.head.0, self.head.1]
    }

    /// From the numbers of [`numbers`](Place::numbers).
    pub(super) fn of(numbers: &[u64]) -> Option<Place> {
        let [device, inode, offset, length, hash] = *numbers else { return None };
        Some(Place { device, inode, offset, head: (length, hash) })
    }
}

impl Log {
    /// The log at `path`, of which only what is written from now on counts.
    pub(super) fn new(path: PathBuf) -> Log {
        Log { path, file: None, place: None, block: Vec::new(), behind: 0, skipped: 0 }
    }

    pub(super) fn place(&self) -> Option<Place> {
        self.place
    }

    /// Goes on at `place`, where an earlier start stopped.
    pub(super) fn resume(&mut self, place: Place) {
        self.place = Some(place);
    }

    /// Hands out every whole line that was written since the last run, up to a bound.
    ///
    /// # Errors
    /// [`Fail::Absent`] when there is no such file.
    pub(super) fn each_line(&mut self, mut take: impl FnMut(&[u8])) -> Result<(), Fail> {
        self.behind = 0;
        let mut left = MOST;
        // A file that was moved away meanwhile is read to its end first.
        if self.file.is_none() {
            self.file = self.place.and_then(|place| find(&self.path, place));
        }
        if let Some(file) = self.file.take() {
            let result = self.read(&file, &mut left, &mut take);
            self.file = Some(file);
            result?;
        }
        let newest = open(&self.path)?;
        let seen = newest.metadata().map_err(|source| failed(&self.path, source))?;
        let same = self.place.is_some_and(|place| (place.device, place.inode) == (seen.dev(), seen.ino()));
        if same || (self.file.is_some() && self.behind > 0) {
            // Of a file that was moved away the rest comes first.
            return Ok(());
        }
        let first = self.place.is_none();
        let offset = if first { seen.len() } else { 0 };
        self.place = Some(Place { device: seen.dev(), inode: seen.ino(), offset, head: (0, 0) });
        let result = self.read(&newest, &mut left, &mut take);
        self.file = Some(newest);
        result
    }

    fn read(&mut self, file: &File, left: &mut u64, take: &mut impl FnMut(&[u8])) -> Result<(), Fail> {
        let failed = |source| failed(&self.path, source);
        let seen = file.metadata().map_err(failed)?;
        let Some(mut place) = self.place else { return Ok(()) };
        if seen.len() < place.offset || !is_same(file, place.head).map_err(failed)? {
            // Emptied, and perhaps filled again.
            (place.offset, place.head) = (0, (0, 0));
        }
        if seen.len() - place.offset > HOPELESS {
            let end = seen.len() - MOST;
            self.skipped += end - place.offset;
            place.offset = end;
        }
        self.block.resize(LONGEST_LINE, 0);
        while *left > 0 {
            let read = file.read_at(&mut self.block, place.offset).map_err(failed)?;
            let block = &self.block[..read];
            let whole = match block.iter().rposition(|byte| *byte == b'\n') {
                Some(end) => end + 1,
                None if read == LONGEST_LINE => read,
                None => break,
            };
            for line in block[..whole].split_inclusive(|byte| *byte == b'\n') {
                take(line.trim_ascii_end());
            }
            place.offset += whole as u64;
            *left = left.saturating_sub(whole as u64);
        }
        if place.head.0 < HEAD as u64 {
            place.head = head(file, HEAD).map_err(failed)?;
        }
        self.behind = seen.len().saturating_sub(place.offset);
        if *left > 0 {
            // What is left is a line that is being written.
            self.behind = 0;
        }
        self.place = Some(place);
        Ok(())
    }
}

/// Opens a regular file without waiting for anybody.
fn open(path: &Path) -> Result<File, Fail> {
    let failed = |source| failed(path, source);
    let flags = OFlags::NONBLOCK.bits().cast_signed();
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path).map_err(failed)?;
    if !file.metadata().map_err(failed)?.is_file() {
        return Err(failed(io::Error::new(io::ErrorKind::InvalidInput, "it is no regular file")));
    }
    Ok(file)
}

/// The file of `place`: at `path`, or moved to another name beside it.
fn find(path: &Path, place: Place) -> Option<File> {
    let is_it = |file: &File| {
        let seen = file.metadata().ok()?;
        ((seen.dev(), seen.ino()) == (place.device, place.inode)).then_some(())
    };
    if let Some(file) = open(path).ok().filter(|file| is_it(file).is_some()) {
        return Some(file);
    }
    let folder = fs::canonicalize(path).ok().and_then(|path| path.parent().map(Path::to_owned));
    let folder = folder.or_else(|| path.parent().map(Path::to_owned))?;
    let entries = fs::read_dir(folder).ok()?.take(MOST_FILES).flatten();
    let moved = entries.filter(|entry| entry.metadata().is_ok_and(|seen| seen.ino() == place.inode)).map(|e| e.path());
    moved.filter_map(|path| open(&path).ok()).find(|file| is_it(file).is_some())
}

/// Whether `file` still begins as it did.
fn is_same(file: &File, (length, hash): (u64, u64)) -> io::Result<bool> {
    let length = usize::try_from(length).unwrap_or(HEAD).min(HEAD);
    Ok(head(file, length)? == (length as u64, hash) || length == 0)
}

/// Length and hash of up to `most` bytes at the beginning.
fn head(file: &File, most: usize) -> io::Result<(u64, u64)> {
    let mut bytes = [0; HEAD];
    let mut filled = 0;
    while filled < most {
        match file.read_at(&mut bytes[filled..most], filled as u64)? {
            0 => break,
            read => filled += read,
        }
    }
    // FNV-1a, which is the same after an upgrade.
    let hash = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    Ok((filled as u64, bytes[..filled].iter().fold(0xcbf2_9ce4_8422_2325, hash)))
}

fn failed(path: &Path, source: io::Error) -> Fail {
    match source.kind() {
        io::ErrorKind::NotFound => Fail::Absent { what: path.display().to_string() },
        _ => Fail::Read { path: path.to_owned(), source },
    }
}
