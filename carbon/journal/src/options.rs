//! How a journal is kept.

use std::path::PathBuf;
use std::time::Duration;

/// When appended points are made safe against a power cut.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sync {
    /// At this distance while there is anything to sync. Against the end of the process alone, points are safe within a
    /// tenth of a second.
    Every(Duration),
    /// At once; whoever appends waits for [`Journal::synced`](crate::Journal::synced).
    Always,
}

/// How a journal is kept.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The journal's own folder, created where it is missing. It may be on another disk than the archives.
    pub dir: PathBuf,
    /// Bytes after which a segment is closed and another begun. Default 64 MiB.
    pub segment_bytes: u64,
    /// Bytes on disk above which the journal is not ready for more. Default 4 GiB.
    pub most_bytes: u64,
    /// Bytes in memory that are not safe yet above which the journal is not ready for more. Default 16 MiB.
    pub most_unsynced: u64,
    /// When points are made safe. Default every 500 ms.
    pub sync: Sync,
    /// Age of the oldest point that is not safe yet above which the journal is not ready for more. Default 800 ms.
    pub too_old: Duration,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            dir: PathBuf::from("journal"),
            segment_bytes: 64 * 1024 * 1024,
            most_bytes: 4 * 1024 * 1024 * 1024,
            most_unsynced: 16 * 1024 * 1024,
            sync: Sync::Every(Duration::from_millis(500)),
            too_old: Duration::from_millis(800),
        }
    }
}
