//! Why storage could not do what it was asked.

use std::io;
use std::path::PathBuf;

/// What went wrong with one series, one part of a store, or the store as a whole. The subject is always named.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The operating system refused; permissions, a full disk or a vanished mount.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as an infinitive: "open", "create".
        action: &'static str,
        /// On which file or directory.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A Whisper file is damaged or refuses the operation; its own message names the file.
    #[error(transparent)]
    Whisper(#[from] whisper::Error),
    /// A new series has to wait for its turn.
    #[error("no more than {per_minute} new series a minute are begun; raise `creates-per-minute` if that is too slow")]
    CreateLimit {
        /// The limit.
        per_minute: u32,
    },
    /// A new series has to wait for room on its disk.
    #[error("no room for {path}")]
    NoRoom {
        /// Its file.
        path: PathBuf,
        /// What the system said, to this series or to another one a moment ago.
        source: io::Error,
    },
    /// A part of a store that answers over a network did not answer.
    #[error("{part} does not answer: {reason}")]
    Unreachable {
        /// Which part: a shard, a cache, an address.
        part: String,
        /// What is known about the cause.
        reason: String,
    },
    /// The store could, and does not: it is full, or what is to be changed is kept by another process.
    #[error("{reason}")]
    Declined {
        /// Why, and what can be done.
        reason: String,
    },
    /// The thread or task that did the work ended early.
    #[error("the storage worker ended before it answered")]
    WorkerLost,
}

impl StorageError {
    /// Whether a series that is not in the store yet has to wait, while all others go on.
    pub fn holds_new_series(&self) -> bool {
        matches!(self, StorageError::CreateLimit { .. } | StorageError::NoRoom { .. })
    }

    /// Whether one series' archive is at fault, and nothing else: asking again gives the same, and other series answer.
    pub fn is_damage(&self) -> bool {
        matches!(self, StorageError::Whisper(error) if error.is_corrupt())
    }
}
