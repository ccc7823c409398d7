//! A directory of `.wsp` files: `servers.web01.load` is `servers/web01/load.wsp`. An existing tree of graphite's is
//! used in place.
//!
//! Only this module opens store files. Paths are made from checked names ([`MetricName`](carbon_line::MetricName)), which
//! cannot climb out of the directory; links to directories are followed as graphite does, since operators spread trees
//! over disks by them.

mod fetch;
mod find;
mod path;
mod write;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use whisper::Allocation;

use crate::{StorageError, StorageRules};

/// The tree, cheap to clone; clones share the rules.
#[derive(Clone, Debug)]
pub struct WhisperTree {
    root: Arc<PathBuf>,
    rules: Arc<RwLock<Arc<StorageRules>>>,
    allocation: Allocation,
}

impl WhisperTree {
    /// Opens `root` for writing and makes it if it is not there; `rules` lay out new files.
    ///
    /// # Errors
    /// Names the directory when it can neither be used nor made, or when nothing can be created in it.
    pub fn open(root: &Path, rules: StorageRules, allocation: Allocation) -> Result<WhisperTree, StorageError> {
        let fault = |action, path: &Path, source| StorageError::Io { action, path: path.to_owned(), source };
        fs::create_dir_all(root).map_err(|source| fault("create the directory", root, source))?;
        // Permissions alone do not tell: the mount may be read-only, the user may be root.
        let probe = root.join(format!(".plumbago-probe-{}", std::process::id()));
        fs::write(&probe, b"").map_err(|source| fault("write into", root, source))?;
        fs::remove_file(&probe).map_err(|source| fault("remove", &probe, source))?;
        Ok(WhisperTree { allocation, ..WhisperTree::read_only(root, rules) })
    }

    /// Uses `root` for reading; a directory that is not there yet is an empty tree. `rules` are those of the process
    /// that writes, to know the steps of series that have no file yet.
    pub fn read_only(root: &Path, rules: StorageRules) -> WhisperTree {
        let rules = Arc::new(RwLock::new(Arc::new(rules)));
        WhisperTree { root: Arc::new(root.to_owned()), rules, allocation: Allocation::Sparse }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// The rules in force.
    pub fn rules(&self) -> Arc<StorageRules> {
        // A poisoned lock guards a whole `Arc` all the same: it is replaced in one piece.
        Arc::clone(&self.rules.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Replaces the rules for files yet to be made.
    pub fn set_rules(&self, rules: StorageRules) {
        *self.rules.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(rules);
    }
}
