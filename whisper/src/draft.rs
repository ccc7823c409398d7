//! A file under a temporary name, which is removed again unless it gets its own.

use std::fs::File;
use std::os::fd::BorrowedFd;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use rustix::fs::{AtFlags, Mode, OFlags, RenameFlags};
use rustix::io::Errno;

use crate::place::{NewPlace, folder_of};
use crate::{Error, Whisper};

/// A file under a temporary name. Unless published it is removed again.
pub(crate) struct Draft<'a> {
    pub(crate) file: File,
    name: DraftName<'a>,
}

/// The temporary name, which is given up either by renaming or by removing the file.
struct DraftName<'a> {
    folder: BorrowedFd<'a>,
    /// As seen from there.
    below: PathBuf,
    published: bool,
}

impl<'a> Draft<'a> {
    /// An empty file in the folder of `place`, not readable as a metric.
    pub(crate) fn beside(place: NewPlace<'_, 'a>) -> Result<Draft<'a>, Error> {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let (folder, path) = (place.folder, place.path);
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        loop {
            let count = COUNT.fetch_add(1, Ordering::Relaxed);
            let below = folder_of(place.below).join(format!(".whisper-{}-{count}.new", std::process::id()));
            match rustix::fs::openat(folder, &below, flags, Mode::from_raw_mode(0o666)) {
                Ok(file) => {
                    return Ok(Draft { file: file.into(), name: DraftName { folder, below, published: false } });
                }
                // Left behind by a process of the same number that was killed.
                Err(Errno::EXIST) => {}
                Err(Errno::NOENT) => return Err(Error::NotFound { path: folder_of(path).to_owned() }),
                Err(error) => return Err(Error::io("create", path, error.into())),
            }
        }
    }

    /// Its temporary name, for a draft that was made by a path.
    pub(crate) fn path(&self) -> &Path {
        &self.name.below
    }

    /// Gives the file its name, in one step for everybody who looks.
    pub(crate) fn publish(self, path: &Path, replace: bool) -> Result<Whisper, Error> {
        Whisper::over(self.named(&path.into(), replace)?, path)
    }

    /// As [`Draft::publish`], without reading it.
    pub(crate) fn named(self, place: &NewPlace<'_, '_>, replace: bool) -> Result<File, Error> {
        let Draft { file, mut name } = self;
        let flags = if replace { RenameFlags::empty() } else { RenameFlags::NOREPLACE };
        name.rename(place, flags).map_err(|error| Error::io("rename to", place.path, error.into()))?;
        name.published = true;
        Ok(file)
    }
}

impl DraftName<'_> {
    fn rename(&self, place: &NewPlace<'_, '_>, flags: RenameFlags) -> Result<(), Errno> {
        let ((from, old), (to, new)) = ((self.folder, &self.below), (place.folder, place.below));
        if flags.is_empty() {
            return rustix::fs::renameat(from, old, to, new);
        }
        match rustix::fs::renameat_with(from, old, to, new, flags) {
            // Some network file systems cannot refuse to replace; a second link can.
            Err(Errno::INVAL | Errno::NOSYS) => {
                rustix::fs::linkat(from, old, to, new, AtFlags::empty())?;
                rustix::fs::unlinkat(from, old, AtFlags::empty())
            }
            done => done,
        }
    }
}

impl Drop for DraftName<'_> {
    fn drop(&mut self) {
        if !self.published {
            // Nobody is left who could act on a failure here; fsck reports what stays.
            let _ = rustix::fs::unlinkat(self.folder, &self.below, AtFlags::empty());
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;
    use std::{fs, io};

    use super::*;

    #[test]
    fn a_draft_gets_a_name_that_is_free_and_is_gone_otherwise() {
        let folder = tempfile::tempdir().unwrap();
        let (whole, inside) = (folder.path().join("a"), folder.path().join("b"));
        let open = File::open(&folder).unwrap();
        for place in [NewPlace::from(&whole), NewPlace::below(open.as_fd(), Path::new("b"), &inside)] {
            let name = |replace| Draft::beside(place).unwrap().named(&place, replace).map(|_| ());
            name(false).unwrap();
            assert_eq!(name(false).unwrap_err().io_kind(), Some(io::ErrorKind::AlreadyExists));
            name(true).unwrap();
        }
        assert_eq!((whole.is_file(), inside.is_file(), fs::read_dir(&folder).unwrap().count()), (true, true, 2));
    }
}
