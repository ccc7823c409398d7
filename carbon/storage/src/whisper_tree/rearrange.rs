//! Deleting and renaming archives. A writer holds a file's lock from its look at the name to its last write, and so do
//! we, so that nothing is written into a file that has just lost its name.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind as Kind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use carbon_line::MetricName;
use rustix::fs::{CWD, OFlags, RenameFlags};
use rustix::io::Errno;

use super::WhisperTree;
use super::reach::fault;
use crate::{Rearrange, SeriesId, StorageError};

/// How often, and how far apart, a lock is asked for that a tool holds.
const TRIES: usize = 50;
const BETWEEN: Duration = Duration::from_millis(20);

impl Rearrange for WhisperTree {
    fn has(&self, name: &MetricName) -> bool {
        self.places(name).any(|path| fs::symlink_metadata(path).is_ok())
    }

    fn remove(&self, series: Option<SeriesId>, name: &MetricName) -> Result<bool, StorageError> {
        let mut found = false;
        for path in self.places(name) {
            let Some(_lock) = locked(&path)? else { continue };
            match fs::remove_file(&path) {
                Err(error) if error.kind() == Kind::NotFound => {}
                removed => {
                    removed.map_err(|source| fault("remove", &path, source))?;
                    found = true;
                }
            }
            self.prune(&path);
        }
        self.forget(series);
        Ok(found)
    }

    fn rename(&self, series: Option<SeriesId>, from: &MetricName, to: &MetricName) -> Result<bool, StorageError> {
        if self.has(to) {
            return Err(taken(to));
        }
        let (old, new) = (self.present_file_of(from), self.file_of(to));
        let Some(_lock) = locked(&old)? else { return Ok(false) };
        let folder = new.parent().unwrap_or(self.root());
        let way = self.state.folder.way(self.root());
        self.is_in_place(&way)?;
        self.make_folder(&way, folder)?;
        if let Err(error) = exchange(&old, &new) {
            self.prune(&new);
            return Err(match error {
                Errno::EXIST => taken(to),
                Errno::XDEV => StorageError::Declined {
                    reason: format!("`{to}` would lie on another disk than `{from}`; move the file by hand"),
                },
                error => fault("rename", &old, error.into()),
            });
        }
        self.prune(&old);
        self.forget(series);
        Ok(true)
    }
}

impl WhisperTree {
    /// Where the archive of `name` may lie.
    fn places(&self, name: &MetricName) -> impl Iterator<Item = PathBuf> {
        [Some(self.file_of(name)), self.other_file_of(name)].into_iter().flatten()
    }

    /// Removes the folders above `path` that are empty now, up to the root. Links to folders are an operator's, and stay.
    fn prune(&self, path: &Path) {
        let above = path.ancestors().skip(1).take_while(|folder| *folder != self.root());
        for folder in above.filter(|folder| folder.starts_with(self.root())) {
            if fs::remove_dir(folder).is_err() {
                return;
            }
        }
    }

    /// Closes the descriptor and drops what is known, which belongs to another name or to none.
    fn forget(&self, series: Option<SeriesId>) {
        drop(series.and_then(|series| self.state.known.take(series)));
    }
}

/// The file at `path` with its lock; nothing if there is none. A link is itself meant, not what it leads to.
fn locked(path: &Path) -> Result<Option<File>, StorageError> {
    let flags = (OFlags::NONBLOCK | OFlags::NOFOLLOW).bits() as i32;
    let file = match OpenOptions::new().read(true).custom_flags(flags).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == Kind::NotFound => return Ok(None),
        // A link, or a file that we may not read but whose folder is ours.
        Err(error) if matches!(Errno::from_io_error(&error), Some(Errno::LOOP | Errno::ACCESS)) => {
            return File::open("/dev/null").map(Some).map_err(|source| fault("open", path, source));
        }
        Err(source) => return Err(fault("open", path, source)),
    };
    if file.metadata().is_ok_and(|meta| meta.is_dir()) {
        return Err(fault("change", path, Kind::IsADirectory.into()));
    }
    for _ in 0..TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(fs::TryLockError::WouldBlock) => std::thread::sleep(BETWEEN),
            // A file system without locks: nobody else takes turns either.
            Err(fs::TryLockError::Error(error)) if error.kind() == Kind::Unsupported => return Ok(Some(file)),
            Err(fs::TryLockError::Error(source)) => return Err(fault("lock", path, source)),
        }
    }
    Err(fault("lock", path, io::Error::from(Kind::WouldBlock)))
}

/// Renames without taking the place of anything.
fn exchange(old: &Path, new: &Path) -> Result<(), Errno> {
    match rustix::fs::renameat_with(CWD, old, CWD, new, RenameFlags::NOREPLACE) {
        // A file system that cannot refuse a taken name refuses to link one.
        Err(Errno::INVAL | Errno::NOSYS) => {
            rustix::fs::link(old, new)?;
            rustix::fs::unlink(old)
        }
        renamed => renamed,
    }
}

fn taken(name: &MetricName) -> StorageError {
    StorageError::Declined { reason: format!("there is a series `{name}` already") }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use whisper::{Allocation, Point, Timestamp};

    use super::*;
    use crate::{Pending, StorageRules, Store};

    fn tree(root: &Path) -> WhisperTree {
        WhisperTree::open(root, StorageRules::default(), Allocation::Sparse).unwrap()
    }

    fn name(text: &str) -> MetricName {
        MetricName::parse(text).unwrap()
    }

    /// Writes a point of the series `id` called `text`.
    fn write(tree: &WhisperTree, id: u32, text: &str) {
        let points = vec![Point { time: Timestamp::from_secs(600_000), value: 1.0 }];
        let batch = [Pending { series: SeriesId::new(id), name: name(text), points }];
        let report = futures_util::FutureExt::now_or_never(tree.write(&batch, Timestamp::from_secs(600_060))).unwrap();
        assert!(report.refusals.is_empty(), "{:?}", report.refusals);
    }

    #[test]
    fn a_deleted_series_takes_its_empty_folders_with_it_and_can_begin_anew() {
        let folder = tempfile::tempdir().unwrap();
        let tree = tree(folder.path());
        write(&tree, 0, "a.b.c");
        write(&tree, 1, "a.d");
        let series = Some(SeriesId::new(0));
        assert!(tree.remove(series, &name("a.b.c")).unwrap());
        assert!(!folder.path().join("a/b").exists() && folder.path().join("a/d.wsp").exists());
        assert!(!tree.remove(series, &name("a.b.c")).unwrap());
        write(&tree, 0, "a.b.c");
        assert!(tree.has(&name("a.b.c")));
        assert!(tree.remove(series, &name("a.b.c")).unwrap() && tree.remove(None, &name("a.d")).unwrap());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0, "the root stays, empty");
    }

    #[test]
    fn a_renamed_series_keeps_its_points_and_takes_nobodys_place() {
        let folder = tempfile::tempdir().unwrap();
        let tree = tree(folder.path());
        write(&tree, 0, "a.b");
        write(&tree, 1, "c");
        let before = fs::read(folder.path().join("a/b.wsp")).unwrap();
        let declined = tree.rename(Some(SeriesId::new(0)), &name("a.b"), &name("c"));
        assert!(matches!(declined, Err(StorageError::Declined { .. })), "{declined:?}");
        assert!(tree.rename(Some(SeriesId::new(0)), &name("a.b"), &name("x.y.z")).unwrap());
        assert_eq!(fs::read(folder.path().join("x/y/z.wsp")).unwrap(), before);
        assert!(!folder.path().join("a").exists());
        write(&tree, 0, "a.b");
        assert_eq!(fs::read(folder.path().join("x/y/z.wsp")).unwrap(), before, "the old name has a file of its own");
        assert!(!tree.rename(None, &name("nosuch"), &name("new")).unwrap());
        assert!(tree.rename(None, &name("c"), &name("c.d;e=f")).unwrap());
        assert!(tree.has(&name("c.d;e=f")));
    }

    #[test]
    fn links_are_removed_and_what_they_lead_to_is_not() {
        let (folder, elsewhere) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        let tree = tree(folder.path());
        let file = elsewhere.path().join("kept.wsp");
        fs::write(&file, "x").unwrap();
        symlink(&file, folder.path().join("alias.wsp")).unwrap();
        symlink(elsewhere.path(), folder.path().join("disk")).unwrap();
        assert!(tree.remove(None, &name("alias")).unwrap());
        assert!(file.exists());
        assert!(tree.remove(None, &name("disk.kept")).unwrap(), "a linked folder is part of the tree");
        assert!(folder.path().join("disk").exists() && elsewhere.path().exists());
        fs::create_dir(folder.path().join("folder.wsp")).unwrap();
        assert!(tree.remove(None, &name("folder")).is_err());
    }
}
