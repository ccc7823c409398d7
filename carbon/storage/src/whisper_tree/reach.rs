//! From a path to a file that may be written: opened or still open, locked, and looked at.
//!
//! Operators delete, resize, copy and replace files under us, so every gathered write looks first. What it costs on a
//! file that is known:
//!
//! - descriptor kept: `flock`, `statx` of the path, the writes, `flock`;
//! - not kept: `open`, `flock`, `statx` of the file, the writes, `close`; `open` and `close` of several in a row, see
//!   [`visit`](super::visit).
//!
//! One look tells device and inode (another file took the name), size (cut or grown) and time of change (written in
//! place, as `cp` over it or `whisper set-xff` do; a change in the same few milliseconds as our own last write is taken
//! for ours). If anything differs the header is read anew. The time is that of the inode: the one of the content is set
//! back by `cp -p` and `rsync --inplace`, so that what they have overwritten looks as old as what they copied.

use std::fs::{File, Metadata, TryLockError};
use std::io;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::Path;
use std::time::Instant;

use rustix::fs::OFlags;

use super::look::{Identity, Look};
use super::round::Round;
use super::way::Way;
use crate::StorageError;

/// How often in a row a file may be replaced under us before its newest is taken without waiting for the lock.
const REPLACEMENTS: usize = 8;

/// A file under its name, locked, with what the system says of it.
pub(super) struct Reached {
    pub(super) file: File,
    pub(super) look: Look,
    /// Right before that was asked.
    pub(super) looked: Instant,
    /// The file that carried the name before, if its descriptor was kept.
    pub(super) before: Option<File>,
    /// Whether it was open all the time, so that no other file can have got its number.
    pub(super) held: bool,
    /// Whether its lock is ours. If not, a tool may replace it while we write, so it is looked at once more afterwards.
    pub(super) locked: bool,
}

/// The file at `path`, by the `kept` descriptor if that is still the one behind the name, or as it was `opened` a moment
/// ago.
pub(super) fn reach(
    round: &Round<'_>,
    path: &Path,
    kept: Option<(File, Identity)>,
    mut opened: Option<File>,
) -> Result<Reached, StorageError> {
    let mut before = None;
    if let Some((file, identity)) = kept {
        lock(round, &file, path)?;
        let looked = Instant::now();
        let look = round.way.look(path).map_err(|source| fault("stat", path, source))?;
        if (look.device, look.inode) == identity {
            return Ok(Reached { file, look, looked, before, held: true, locked: true });
        }
        before = Some(file);
    }
    let mut attempts = 0;
    loop {
        attempts += 1;
        let file = opened.take().map_or_else(|| open(&round.way, path), Ok)?;
        let locked = attempts <= REPLACEMENTS;
        if locked {
            lock(round, &file, path)?;
        }
        // Looked at only now: a tool that held the lock may have put another file under the name meanwhile (`whisper
        // migrate` does), and what is written into the old one would be lost.
        let looked = Instant::now();
        let metadata = metadata(&file, path)?;
        regular(path, &metadata)?;
        if metadata.nlink() > 0 || !locked {
            return Ok(Reached { file, look: Look::of(&metadata), looked, before, held: false, locked });
        }
    }
}

/// Opens a store file to write to it.
pub(super) fn open(way: &Way, path: &Path) -> Result<File, StorageError> {
    // A FIFO without a peer would be waited for; with O_NONBLOCK it is opened, seen, and refused.
    way.open(path, OFlags::RDWR | OFlags::NONBLOCK).map_err(|source| match source.kind() {
        io::ErrorKind::IsADirectory => not_a_file(path, "a directory"),
        _ => fault("open", path, source),
    })
}

/// What the system says of an open file.
pub(super) fn metadata(file: &File, path: &Path) -> Result<Metadata, StorageError> {
    file.metadata().map_err(|source| fault("stat", path, source))
}

fn regular(path: &Path, metadata: &Metadata) -> Result<(), StorageError> {
    match metadata.file_type() {
        kind if kind.is_file() => Ok(()),
        kind if kind.is_dir() => Err(not_a_file(path, "a directory")),
        kind if kind.is_fifo() => Err(not_a_file(path, "a FIFO")),
        _ => Err(not_a_file(path, "a device")),
    }
}

fn not_a_file(path: &Path, kind: &'static str) -> StorageError {
    whisper::Error::NotAFile { path: path.to_owned(), kind }.into()
}

/// Waits until no tool holds the file.
fn lock(round: &Round<'_>, file: &File, path: &Path) -> Result<(), StorageError> {
    let locked = match file.try_lock() {
        Err(TryLockError::WouldBlock) => {
            round.will_wait();
            file.lock()
        }
        locked => locked.map_err(io::Error::from),
    };
    match locked {
        // A file system without locks: its tools cannot take turns either.
        Err(error) if error.kind() == io::ErrorKind::Unsupported => Ok(()),
        locked => locked.map_err(|source| fault("lock", path, source)),
    }
}

/// What the system said about `path`.
pub(super) fn fault(action: &'static str, path: &Path, source: io::Error) -> StorageError {
    StorageError::Io { action, path: path.to_owned(), source }
}
