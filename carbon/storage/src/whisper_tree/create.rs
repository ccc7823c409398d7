//! New files, and the folders they lie in.
//!
//! A file appears complete with its first points, or not at all: `open` without a name, its room, one `pwrite`, `linkat`,
//! `statx`, nothing more (a temporary name and `renameat2` where files cannot be without one). Before that a failed `open`
//! has shown that there is none, unless all series before were new as well, see [`Creations`](super::creations). A missing
//! folder is found out by failing, so files of known folders pay nothing for it.

use std::fs;
use std::io::{self, ErrorKind as Kind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use tracing::debug;
use whisper::{Timestamp, Tip, Whisper};

use carbon_line::MetricName;

use super::WhisperTree;
use super::changes::Change;
use super::look::Look;
use super::reach::fault;
use super::way::Way;
use crate::{Pending, StorageError};

/// A new file, what the system says of it, how many points it has no slot for, and its newest slots.
pub(super) type Created = (Whisper, Look, usize, Tip);

impl WhisperTree {
    /// A file that holds the points of `pending`, what the system says of it, how many points had no slot, and what is
    /// then known of its newest slots; nothing when somebody else made it meanwhile.
    ///
    /// # Errors
    /// Among others [`StorageError::CreateLimit`] and [`StorageError::NoRoom`], at the cost of a `stat` at most.
    pub(super) fn create(
        &self,
        way: &Way<'_>,
        pending: &Pending,
        path: &Path,
        now: Timestamp,
    ) -> Result<Option<Created>, StorageError> {
        if self.adopt(&pending.name, path) {
            return Ok(None);
        }
        let (creations, begun) = (&self.state.creations, Instant::now());
        let device = || self.device_below(path.parent()?);
        if !creations.may_try(begun, device) {
            creations.none_made();
            return Err(StorageError::NoRoom { path: path.to_owned(), source: Kind::StorageFull.into() });
        }
        if !creations.take(begun) {
            creations.none_made();
            return Err(StorageError::CreateLimit { per_minute: creations.limit() });
        }
        let created = self.create_now(way, pending, path, now);
        match &created {
            Ok(Some((_, look, ..))) => {
                creations.made(look.device);
                self.state.changes.note(Change::Created, &pending.name);
            }
            Ok(None) | Err(_) => {
                creations.none_made();
                creations.give_back();
            }
        }
        created.map_err(|error| match no_room(&error) {
            Some(kind) => {
                // A quota is somebody's own; only a disk without room is so for all its files.
                if let Some(device) = device().filter(|_| kind == Kind::StorageFull) {
                    creations.found_full(device, Instant::now());
                }
                StorageError::NoRoom { path: path.to_owned(), source: kind.into() }
            }
            None => error,
        })
    }

    /// The device of `folder`, or of the nearest one above it that is there.
    fn device_below(&self, folder: &Path) -> Option<u64> {
        let mut folders = folder.ancestors().take_while(|above| above.starts_with(self.root()));
        folders.find_map(|folder| fs::metadata(folder).ok()).map(|metadata| metadata.dev())
    }

    fn create_now(
        &self,
        way: &Way<'_>,
        pending: &Pending,
        path: &Path,
        now: Timestamp,
    ) -> Result<Option<Created>, StorageError> {
        let mut options = self.rules().layout(&pending.name);
        options.allocation = self.allocation;
        let template = self.state.layouts.template(options);
        let create = || Whisper::create_filled(way.to_new(path), &template, &pending.points, now);
        if way.ends_in_root(path) {
            self.is_in_place(way)?;
        }
        let created = match create() {
            Err(error) if error.io_kind() == Some(Kind::NotFound) => {
                self.is_in_place(way)?;
                self.make_folder(way, path.parent().unwrap_or(self.root()))?;
                create()
            }
            created => created,
        };
        let (file, out_of_range, tip) = match created {
            Err(error) if error.io_kind() == Some(Kind::AlreadyExists) => return Ok(None),
            created => created?,
        };
        debug!(metric = %pending.name, path = %path.display(), "Created an archive.");
        let look = file
            .layer()
            .metadata()
            .map(|metadata| Look::of(&metadata))
            .map_err(|source| fault("stat", path, source))?;
        Ok(Some((file, look, out_of_range, tip)))
    }

    /// Gives the file of a tagged series with the other kind of name, hash or words, the name that we use.
    fn adopt(&self, name: &MetricName, path: &Path) -> bool {
        let Some(other) = self.other_file_of(name) else { return false };
        // Linking refuses a name that is taken, and neither name is missing at any time.
        let linked = fs::hard_link(&other, path).is_ok();
        linked && fs::remove_file(&other).is_ok()
    }

    /// Makes `folder` below the root, and those above it that are missing; never the root itself.
    pub(super) fn make_folder(&self, way: &Way<'_>, folder: &Path) -> Result<(), StorageError> {
        if folder == self.root() {
            return Err(fault("find", folder, Kind::NotFound.into()));
        }
        let made = match way.make_folder(folder) {
            Err(error) if error.kind() == Kind::NotFound => {
                self.make_folder(way, folder.parent().unwrap_or(self.root()))?;
                way.make_folder(folder)
            }
            made => made,
        };
        match made {
            Err(error) if error.kind() == Kind::AlreadyExists => Ok(()),
            made => made.map_err(|source| fault("create the directory", folder, source)),
        }
    }

    /// Whether the root is the folder that it was at the start. When a disk is not mounted any more, its mount point is
    /// another folder, and a tree begun there would be hidden, and lost to readers, once the disk is back.
    pub(super) fn is_in_place(&self, way: &Way<'_>) -> Result<(), StorageError> {
        let now = way.begin().map_err(|source| fault("find", self.root(), source))?;
        if self.state.root.is_none_or(|root| root == now) {
            return Ok(());
        }
        let source = io::Error::other(
            "another folder lies under this name than at the start; mount the disk again, or restart if it was moved",
        );
        Err(fault("make new archives in", self.root(), source))
    }
}

/// Whether an error is about room, and which kind.
fn no_room(error: &StorageError) -> Option<Kind> {
    let kind = match error {
        StorageError::Io { source, .. } => source.kind(),
        StorageError::Whisper(error) => error.io_kind()?,
        _ => return None,
    };
    matches!(kind, Kind::StorageFull | Kind::QuotaExceeded).then_some(kind)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::StorageRules;

    #[test]
    fn a_root_that_is_gone_is_not_made_again() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("whisper");
        let tree = WhisperTree::open(&root, StorageRules::default(), whisper::Allocation::Sparse).unwrap();
        let way = tree.state.folder.way(&root);
        tree.make_folder(&way, &root.join("a/b")).unwrap();
        fs::remove_dir_all(&root).unwrap();
        assert!(tree.make_folder(&way, &root.join("a/b")).is_err() && !root.exists());
    }
}
