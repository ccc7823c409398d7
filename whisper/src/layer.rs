//! Where the bytes of a file are read from and written to.
//!
//! All of Whisper runs over these two traits: a [`File`] in service, a memory map for reading, and in tests a layer that
//! cuts the sequence of writes at every step.

use std::cell::RefCell;
use std::fs::File;
use std::io;

use rustix::io::Errno;

/// Reads bytes at a position; no cursor moves, so one handle serves many threads.
pub trait ReadAt {
    /// Fills `buf` from `offset` on and says how many bytes there were: fewer than asked only at the end of the file.
    ///
    /// # Errors
    /// What the system says.
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize>;
}

/// Writes bytes at a position.
pub trait WriteAt: ReadAt {
    /// Writes all of `bytes` at `offset`; past the end the file grows.
    ///
    /// # Errors
    /// What the system says; some of the bytes may then have been written.
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
}

// Asked of the system directly: the C library makes each of these calls a place where a thread can be cancelled, which
// costs two atomic operations.
impl ReadAt for File {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let mut filled = 0;
        while filled < buf.len() {
            match rustix::io::pread(self, &mut buf[filled..], offset + filled as u64) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(filled)
    }
}

impl WriteAt for File {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let mut written = 0;
        while written < bytes.len() {
            match rustix::io::pwrite(self, &bytes[written..], offset + written as u64) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(more) => written += more,
                Err(Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }
}

/// Bytes that are there and do not change.
impl ReadAt for [u8] {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        let from = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        let count = buf.len().min(self.len() - from);
        buf[..count].copy_from_slice(&self[from..from + count]);
        Ok(count)
    }
}

/// A borrowed layer serves as well as an owned one.
impl<L: ReadAt + ?Sized> ReadAt for &L {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        (**self).read_at(buf, offset)
    }
}

impl<L: WriteAt + ?Sized> WriteAt for &L {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        (**self).write_all_at(bytes, offset)
    }
}

/// A file in memory, for tests, fuzzing and files that never reach a disk. It grows up to a limit, as on a full disk.
#[derive(Debug)]
pub struct Memory {
    bytes: RefCell<Vec<u8>>,
    limit: usize,
}

impl Memory {
    /// Holds `bytes`; writes that end beyond `limit` bytes are refused.
    pub fn new(bytes: Vec<u8>, limit: usize) -> Memory {
        Memory { bytes: RefCell::new(bytes), limit }
    }

    /// What it holds.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes.into_inner()
    }

    /// A copy of what it holds.
    pub fn to_bytes(&self) -> Vec<u8> {
        self.bytes.borrow().clone()
    }
}

impl ReadAt for Memory {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.bytes.borrow().read_at(buf, offset)
    }
}

impl WriteAt for Memory {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        let begin = usize::try_from(offset).unwrap_or(usize::MAX);
        let end = begin.saturating_add(bytes.len());
        if end > self.limit {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let mut held = self.bytes.borrow_mut();
        if held.len() < end {
            held.resize(end, 0);
        }
        held[begin..end].copy_from_slice(bytes);
        Ok(())
    }
}
