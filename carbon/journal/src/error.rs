//! Why a journal could not be opened, or not be made safe.

use std::io;
use std::path::PathBuf;

/// Why the journal could not do what was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum JournalError {
    /// Another process keeps its journal there, usually a daemon that still runs.
    #[error(
        "the journal folder {dir} is in use by {owner}; stop that daemon, or set another `dir` under `[journal]`",
        dir = dir.display()
    )]
    Locked {
        /// The folder.
        dir: PathBuf,
        /// "process 123", as far as the lock file says.
        owner: String,
    },
    /// A later version was here and left points in a layout of its own; nothing has been touched.
    #[error(
        "{path} was written by a newer Plumbago (journal layout {version}, this one reads up to {known}); start that \
         version to store what waits there, or move the journal folder away",
        path = path.display()
    )]
    Newer {
        /// The file.
        path: PathBuf,
        /// Its layout.
        version: u16,
        /// The newest layout that this program reads.
        known: u16,
    },
    /// The folder or a file in it could not be used: rights, a failing disk, no room.
    #[error("cannot use the journal at {path}", path = path.display())]
    Disk {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// What was appended is not safe yet, and the last try failed; it stays in memory and is tried again.
    #[error("{bytes} bytes of the journal are not on disk")]
    Unsynced {
        /// Bytes that wait.
        bytes: u64,
        /// Why the last try failed.
        source: io::Error,
    },
}
