//! One dashboard's file: read with care, replaced in one step.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use super::limits::LONGEST;
use super::name::DashboardName;

/// Tells one state of a file from another: inode, bytes, and times of the last changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    inode: u64,
    bytes: u64,
    changed: (i64, i64),
    moved: (i64, i64),
}

impl Stamp {
    fn of(meta: &fs::Metadata) -> Stamp {
        Stamp {
            inode: meta.ino(),
            bytes: meta.size(),
            changed: (meta.mtime(), meta.mtime_nsec()),
            moved: (meta.ctime(), meta.ctime_nsec()),
        }
    }

    /// When its contents changed, in seconds since the epoch.
    pub(super) fn epoch(self) -> i64 {
        self.changed.0
    }
}

/// The state of a file without reading it; a link counts as what it leads to.
pub(super) fn look(path: &Path) -> io::Result<Stamp> {
    fs::metadata(path).map(|meta| Stamp::of(&meta))
}

/// Reads the file of `name`, at most a byte more than a dashboard may have.
///
/// A link is followed as long as it stays within `folder`, as those of a mounted ConfigMap do.
pub(super) fn read(folder: &Path, name: &DashboardName) -> io::Result<(Vec<u8>, Stamp)> {
    let folder = folder.canonicalize()?;
    let path = folder.join(name.file()).canonicalize()?;
    if !path.starts_with(&folder) {
        return Err(io::Error::new(ErrorKind::PermissionDenied, "it is a link that leads out of the folder"));
    }
    // A FIFO must not make us wait, nor a link that has just taken the file's place lead us.
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC).bits();
    let file = fs::OpenOptions::new().read(true).custom_flags(flags as i32).open(path)?;
    let meta = file.metadata()?;
    if !meta.is_file() {
        return Err(io::Error::new(ErrorKind::InvalidInput, "it is no regular file"));
    }
    let mut bytes = Vec::new();
    file.take(LONGEST as u64 + 1).read_to_end(&mut bytes)?;
    Ok((bytes, Stamp::of(&meta)))
}

/// Puts `text` in place of the file of `name`; after a crash the old or the new one is there, whole.
pub(super) fn replace(folder: &Path, name: &DashboardName, text: &str) -> io::Result<()> {
    fs::create_dir_all(folder)?;
    let beside = Beside::of(folder, name)?;
    let mut file = fs::OpenOptions::new().write(true).create_new(true).open(&beside.0)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&beside.0, folder.join(name.file()))?;
    sync(folder)
}

/// Removes the file of `name`.
pub(super) fn remove(folder: &Path, name: &DashboardName) -> io::Result<()> {
    fs::remove_file(folder.join(name.file()))?;
    sync(folder)
}

fn sync(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// The file that a new one is written to; its dot keeps it out of lists. Removed when dropped, unless it was renamed.
struct Beside(PathBuf);

impl Beside {
    /// A crash may have left one.
    fn of(folder: &Path, name: &DashboardName) -> io::Result<Beside> {
        let path = folder.join(format!(".{}.new", name.file()));
        match fs::remove_file(&path) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(Beside(path)),
        }
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        // Nothing is there after a rename.
        let _ = fs::remove_file(&self.0);
    }
}
