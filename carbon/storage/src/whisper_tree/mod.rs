//! A directory of `.wsp` files: `servers.web01.load` is `servers/web01/load.wsp`. An existing tree of graphite's is
//! used in place.
//!
//! Only this module opens store files. Paths are made from checked names ([`MetricName`](carbon_line::MetricName)), which
//! cannot climb out of the directory; links to directories are followed as graphite does, since operators spread trees
//! over disks by them.

mod fetch;
mod at_once;
mod explain;
mod find;
mod metadata;
mod tagged;
mod path;
mod write;
mod ahead;
mod pages;
mod look;
mod way;
mod round;
mod reach;
mod visit;
mod create;
mod creations;
mod known;
mod descriptors;
mod allowance;
mod young;
mod layouts;
mod devices;
mod carry;
mod quarantine;
mod walk;
mod migrate;
mod changes;
mod rearrange;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicUsize;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use ahead::Seen;
use tracing::warn;
use whisper::Allocation;

pub(crate) use changes::Change;
use changes::Changes;
use creations::Creations;
use devices::Devices;
pub(crate) use find::{DEEPEST, leads_back, list_folder};
use known::KnownFiles;
use layouts::Layouts;
use look::Identity;
use reach::fault;
pub use walk::Walk;
use way::HeldFolder;

use crate::{StorageError, StorageRules};

/// How a tree is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TreeOptions {
    /// How new files take their room.
    pub allocation: Allocation,
    /// Files kept open at most; the others are opened for each write.
    pub descriptors: usize,
    /// Series with several archives whose newest slots are kept in mind at most, 64 bytes each, so that what they
    /// need for coarser values is not read back at each write; these are the ones that came first.
    pub tips: usize,
    /// Bytes that may be used to keep the newest pages of files in mind, where memory has no room for the pages
    /// themselves, so that they are not read each time before they are written to.
    pub pages: usize,
    /// Where damaged files are moved, best on the same disk; without it they stay, and points for them are refused.
    pub quarantine: Option<PathBuf>,
    /// Whether files of tagged series are named by hashes, or in words, as carbon's TAG_HASH_FILENAMES has it. Files with
    /// the other kind of name are read, and renamed by the next write.
    pub tag_hash_filenames: bool,
}

impl TreeOptions {
    /// What this process may have but for some: an eighth, at least 2 048 and at most half. When connections need more,
    /// some are closed for them, see [`Store::spare_descriptors`](crate::Store::spare_descriptors).
    pub fn default_descriptors() -> usize {
        let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
        limit.map_or(MOST_DESCRIPTORS, |limit| {
            let others = (limit / 8).max(FOR_OTHERS).min(limit / 2);
            usize::try_from(limit - others).unwrap_or(MOST_DESCRIPTORS).min(MOST_DESCRIPTORS)
        })
    }
}

/// Descriptors left for connections, and for whatever else a process opens.
const FOR_OTHERS: u64 = 2048;

/// Kept by default at most: each costs the kernel about a kilobyte, and beyond this opening is no longer what counts.
const MOST_DESCRIPTORS: usize = 250_000;

/// 64 MiB.
const TIPS: usize = 1 << 20;

/// 64 MiB.
const PAGES: usize = 64 << 20;

impl From<Allocation> for TreeOptions {
    fn from(allocation: Allocation) -> TreeOptions {
        TreeOptions {
            allocation,
            descriptors: TreeOptions::default_descriptors(),
            tips: TIPS,
            pages: PAGES,
            quarantine: None,
            tag_hash_filenames: true,
        }
    }
}

/// The tree, cheap to clone; clones share rules, knowledge of files, and descriptors.
#[derive(Clone, Debug)]
pub struct WhisperTree {
    root: Arc<PathBuf>,
    rules: Arc<RwLock<Arc<StorageRules>>>,
    allocation: Allocation,
    quarantine: Option<Arc<Path>>,
    tag_hash: bool,
    tips: usize,
    state: Arc<State>,
}

/// What is known of the files from writing to them.
#[derive(Debug)]
struct State {
    known: KnownFiles,
    devices: Devices,
    layouts: Layouts,
    creations: Creations,
    changes: Changes,
    askable: at_once::Askable,
    folder: HeldFolder,
    seen: Seen,
    /// What the root is, to see when it is gone; unknown to readers.
    root: Option<Identity>,
    /// Damaged files moved away so far.
    set_aside: AtomicUsize,
}

impl WhisperTree {
    /// Opens `root` for writing and makes it if it is not there; `rules` lay out new files.
    ///
    /// # Errors
    /// Names the directory when it can neither be used nor made, or when nothing can be created in it.
    pub fn open(
        root: &Path,
        rules: StorageRules,
        options: impl Into<TreeOptions>,
    ) -> Result<WhisperTree, StorageError> {
        let options = options.into();
        fs::create_dir_all(root).map_err(|source| fault("create the directory", root, source))?;
        // Permissions alone do not tell: the mount may be read-only, the user may be root.
        let probe = root.join(format!(".plumbago-probe-{}", std::process::id()));
        fs::write(&probe, b"").map_err(|source| fault("write into", root, source))?;
        fs::remove_file(&probe).map_err(|source| fault("remove", &probe, source))?;
        let release = rustix::system::uname().release().to_string_lossy().into_owned();
        if !devices::tells_of_errors(&release) {
            warn!(
                release,
                "This kernel does not tell when data written earlier could not reach the disk (5.8 and later do); \
                 points lost that way would not be written again."
            );
        }
        Ok(WhisperTree::with(root, rules, options))
    }

    /// Uses `root` for reading; a directory that is not there yet is an empty tree. `rules` are those of the process
    /// that writes, to know the steps of series that have no file yet.
    pub fn read_only(root: &Path, rules: StorageRules) -> WhisperTree {
        WhisperTree::with(
            root,
            rules,
            TreeOptions { descriptors: 0, pages: 0, ..TreeOptions::from(Allocation::Sparse) },
        )
    }

    fn with(root: &Path, rules: StorageRules, options: TreeOptions) -> WhisperTree {
        let state = State {
            known: KnownFiles::new(options.descriptors, options.pages),
            devices: Devices::default(),
            layouts: Layouts::default(),
            creations: Creations::default(),
            changes: Changes::default(),
            askable: at_once::Askable::default(),
            folder: HeldFolder::default(),
            seen: Seen::default(),
            root: look::identity(root).ok(),
            set_aside: AtomicUsize::new(0),
        };
        WhisperTree {
            root: Arc::new(root.to_owned()),
            rules: Arc::new(RwLock::new(Arc::new(rules))),
            allocation: options.allocation,
            quarantine: options.quarantine.map(Arc::from),
            tag_hash: options.tag_hash_filenames,
            tips: options.tips,
            state: Arc::new(state),
        }
    }

    /// The directory.
    pub fn root(&self) -> &Path {
        &self.root
    }

    /// Memory that newest pages of files take, see [`TreeOptions::pages`].
    pub fn pages_bytes(&self) -> usize {
        self.state.known.pages_bytes()
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

    /// Files made a minute at most, 0 for no limit; further new series are refused for now. A minute's worth can be made
    /// at once.
    pub fn limit_creates(&self, per_minute: u32) {
        self.state.creations.set_limit(per_minute);
    }
}

/// Wall clock, to tell our own changes of a file from those of others.
fn milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}
