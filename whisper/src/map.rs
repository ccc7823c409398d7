//! Reading through a memory map, for programs that read the same files over and over and own them.
//!
//! A positional read of a day of minutes costs about two microseconds; a map saves most of that on a file that stays
//! mapped, and costs more than it saves on one that is opened for a single answer. The daemon does not use it; `dump --mmap` does.
#![expect(
    unsafe_code,
    reason = "the only mapping in the workspace; the caller's promise is written out at its constructors"
)]

use std::fs::File;
use std::io;
use std::path::Path;

use crate::file::open;
use crate::layer::ReadAt;
use crate::{Error, Whisper};

/// A file mapped into memory, for reading.
#[derive(Debug)]
pub struct Map {
    bytes: memmap2::Mmap,
}

impl Map {
    /// Maps the whole of `file`. Its length at this moment is the length of the map.
    ///
    /// # Safety
    /// While the map lives, no process may shorten the file: touching a page past the new end ends this process with
    /// SIGBUS, and nothing can catch that in time. Whisper writers never shorten a file; `truncate`, a restore from
    /// backup over the same inode, and a copy onto it do. Writers that change bytes in place are allowed: a value read
    /// while it is written can be half old and half new, as it can with positional reads.
    ///
    /// # Errors
    /// What the system says.
    pub unsafe fn new(file: &File) -> io::Result<Map> {
        // SAFETY: that the file is not shortened is our caller's promise, stated above. Bytes changed by others are only
        // ever copied out (`read_at`), no reference to them outlives a call.
        Ok(Map { bytes: unsafe { memmap2::Mmap::map(file)? } })
    }
}

impl ReadAt for Map {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.bytes[..].read_at(buf, offset)
    }
}

/// For the tools: opens a file through a map on the word of the operator, who gave an option that says so.
#[cfg(feature = "tools")]
pub(crate) fn on_the_operators_word(path: &Path) -> Result<Whisper<Map>, Error> {
    // SAFETY: the help of the option says that nobody may shorten the file meanwhile; giving it is the promise.
    unsafe { Whisper::map(path) }
}

impl Whisper<Map> {
    /// Opens a file for reading through a map.
    ///
    /// # Safety
    /// As [`Map::new`]: nobody may shorten the file while the handle lives.
    ///
    /// # Errors
    /// As [`Whisper::open_read_only`].
    pub unsafe fn map(path: impl AsRef<Path>) -> Result<Whisper<Map>, Error> {
        let path = path.as_ref();
        let file = open(path, false)?;
        // SAFETY: our caller's promise is the same.
        let map = unsafe { Map::new(&file) }.map_err(|source| Error::io("map", path, source))?;
        Whisper::over(map, path)
    }
}

#[cfg(test)]
mod tests {
    use crate::{CreateOptions, Point, Timestamp, Whisper};

    #[test]
    fn a_mapped_file_reads_as_an_open_one_and_sees_later_writes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.wsp");
        let now = Timestamp::from_secs(1_750_000_000);
        let mut file = Whisper::create(&path, &CreateOptions::new("10:60,60:60".parse().unwrap())).unwrap();
        // SAFETY: the file is this test's own, and nothing here shortens it.
        let mapped = unsafe { Whisper::map(&path) }.unwrap();
        file.update(Point { time: now, value: 2.5 }, now).unwrap();
        let ago = Timestamp::from_secs(now.secs() - 60);
        assert_eq!(mapped.fetch(ago, now, now).unwrap(), file.fetch(ago, now, now).unwrap());
        assert_eq!(mapped.fetch(ago, now, now).unwrap().unwrap().values.last(), Some(&Some(2.5)));
    }
}
