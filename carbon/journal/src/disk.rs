//! What the journal asks of a file system, so that a test can put one in its place that forgets.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustix::fs::{FallocateFlags, fallocate};
use rustix::io::Errno;

/// A disk without room for this much is full.
const LEAST_RESERVE: u64 = 1024 * 1024;

/// A folder of files. What was written, created or removed may be gone after a power cut until it is synced: a file's
/// bytes by [`DiskFile::sync`], which files there are by [`Disk::sync_folder`].
pub(crate) trait Disk: fmt::Debug + Send + Sync {
    /// Names of all files with their lengths.
    fn list(&self) -> io::Result<Vec<(String, u64)>>;
    /// A file's bytes from the start.
    fn read(&self, name: &str) -> io::Result<Box<dyn Read>>;
    /// An existing file, to sync it or to write on.
    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>>;
    /// An empty file, whatever was there, with room on the disk for `reserve` bytes, or for as much of it as there is
    /// and the file system can promise.
    fn create(&self, name: &str, reserve: u64) -> io::Result<Arc<dyn DiskFile>>;
    /// Removes a file; that it is not there is no error.
    fn remove(&self, name: &str) -> io::Result<()>;
    /// Makes safe which files there are.
    fn sync_folder(&self) -> io::Result<()>;
}

/// A file being written.
pub(crate) trait DiskFile: fmt::Debug + Send + Sync {
    /// Writes all bytes at a place; after an error any part of them may stand there.
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()>;
    /// Makes the written bytes safe. After an error they may be lost, whatever a later call says.
    fn sync(&self) -> io::Result<()>;
    /// Ends the file behind `length` bytes and gives back reserved room behind.
    fn cut(&self, length: u64) -> io::Result<()>;
    /// Makes sure that the file still has a name. One without takes and syncs all bytes, and no start finds them.
    fn has_name(&self) -> io::Result<()>;
}

/// A real folder.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Opens the folder, created where it is missing.
    pub(crate) fn open(path: &Path) -> io::Result<Folder> {
        fs::create_dir_all(path)?;
        Ok(Folder { path: path.to_owned() })
    }
}

impl Disk for Folder {
    fn list(&self) -> io::Result<Vec<(String, u64)>> {
        let mut files = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let entry = entry?;
            // A name that is not UTF-8 is none of ours.
            if let Ok(name) = entry.file_name().into_string() {
                files.push((name, entry.metadata()?.len()));
            }
        }
        Ok(files)
    }

    fn read(&self, name: &str) -> io::Result<Box<dyn Read>> {
        Ok(Box::new(File::open(self.path.join(name))?))
    }

    fn open(&self, name: &str) -> io::Result<Arc<dyn DiskFile>> {
        Ok(Arc::new(OpenOptions::new().write(true).open(self.path.join(name))?))
    }

    fn create(&self, name: &str, reserve: u64) -> io::Result<Arc<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).create(true).truncate(true).open(self.path.join(name))?;
        reserve_room(&file, reserve)?;
        Ok(Arc::new(file))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    fn sync_folder(&self) -> io::Result<()> {
        // Opened anew, since somebody may have put another one in its place.
        File::open(&self.path)?.sync_all()
    }
}

/// Less than asked for is better than none: then a full disk is met later, at a write.
fn reserve_room(file: &File, mut bytes: u64) -> io::Result<()> {
    while bytes > 0 {
        match fallocate(file, FallocateFlags::KEEP_SIZE, 0, bytes) {
            Ok(()) | Err(Errno::OPNOTSUPP | Errno::NOSYS | Errno::INVAL) => return Ok(()),
            Err(Errno::NOSPC | Errno::FBIG) if bytes > LEAST_RESERVE => bytes /= 4,
            Err(errno) => return Err(errno.into()),
        }
    }
    Ok(())
}

impl DiskFile for File {
    fn write_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.write_all_at(bytes, offset)
    }

    fn sync(&self) -> io::Result<()> {
        self.sync_data()
    }

    fn cut(&self, length: u64) -> io::Result<()> {
        self.set_len(length)
    }

    fn has_name(&self) -> io::Result<()> {
        match self.metadata()?.nlink() {
            0 => Err(io::Error::new(io::ErrorKind::NotFound, "somebody has removed a file of it")),
            _ => Ok(()),
        }
    }
}
