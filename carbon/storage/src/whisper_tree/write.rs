//! Writing: one open, one lock, one gathered update and one close a series. Lock and look after it are two system calls
//! of well under a microsecond; they let `whisper migrate` work on the tree while the daemon runs.

use std::fs::File;
use std::io;
use std::path::Path;

use carbon_line::MetricName;
use tracing::debug;
use whisper::{Retention, Timestamp, Whisper};

use super::WhisperTree;
use super::path::file_of;
use crate::{Answer, Pending, Refusal, StorageError, Store, WriteReport};

impl Store for WhisperTree {
    fn write<'a>(&'a self, batch: &'a [Pending], now: Timestamp) -> Answer<'a, WriteReport> {
        Box::pin(async move {
            let mut report = WriteReport::default();
            for (index, pending) in batch.iter().enumerate() {
                match self.write_one(pending, now) {
                    Ok(created) => report.created += usize::from(created),
                    Err(error) => report.refusals.push(Refusal { index, retry: can_pass(&error), error }),
                }
            }
            report
        })
    }

    fn sync(&self) -> Answer<'_, Result<(), StorageError>> {
        Box::pin(async {
            let synced = File::open(self.root()).and_then(|root| Ok(rustix::fs::syncfs(root)?));
            synced.map_err(|source| StorageError::Io { action: "sync", path: self.root().to_owned(), source })
        })
    }

    fn finest(&self, name: &MetricName) -> Retention {
        self.rules().schemas.matching(name).retentions.as_slice()[0]
    }
}

impl WhisperTree {
    /// Whether the file had to be made first.
    fn write_one(&self, pending: &Pending, now: Timestamp) -> Result<bool, StorageError> {
        let path = file_of(self.root(), &pending.name);
        let (mut file, created) = match open_in_turn(&path) {
            Err(error) if error.io_kind() == Some(io::ErrorKind::NotFound) => (self.create(pending)?, true),
            opened => (opened?, false),
        };
        file.update_many(&pending.points, now)?;
        Ok(created)
    }

    fn create(&self, pending: &Pending) -> Result<Whisper, StorageError> {
        let path = file_of(self.root(), &pending.name);
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| StorageError::Io {
                action: "create the directory",
                path: folder.to_owned(),
                source,
            })?;
        }
        let mut options = self.rules().layout(&pending.name);
        options.allocation = self.allocation;
        let file = Whisper::create(&path, &options)?;
        debug!(metric = %pending.name, path = %path.display(), "Created an archive.");
        Ok(file)
    }
}

/// Opens an archive once no tool holds its lock. A tool that waited for may have put another file under the name
/// meanwhile (`whisper migrate` does), and what is written into the old one would be lost: so the name is asked again.
fn open_in_turn(path: &Path) -> Result<Whisper, whisper::Error> {
    for _ in 0..REPLACEMENTS {
        let file = match Whisper::open_locked(path) {
            // A file system without locks: its tools cannot take turns either.
            Err(error) if error.io_kind() == Some(io::ErrorKind::Unsupported) => return Whisper::open(path),
            opened => opened?,
        };
        if !file.is_replaced()? {
            return Ok(file);
        }
    }
    Whisper::open(path)
}

/// How often in a row an archive may be replaced under us before its newest file is taken without waiting.
const REPLACEMENTS: usize = 8;

/// Whether the same write may succeed later. A full disk gets room, a directory its permissions, a descriptor table its
/// places; a damaged file stays damaged, and a name too long for the file system stays too long.
fn can_pass(error: &StorageError) -> bool {
    let kind = match error {
        StorageError::Io { source, .. } => Some(source.kind()),
        StorageError::Whisper(error) => error.io_kind(),
        StorageError::Unreachable { .. } | StorageError::WorkerLost => return true,
    };
    use io::ErrorKind as Kind;
    match kind {
        None | Some(Kind::InvalidFilename | Kind::NotADirectory | Kind::IsADirectory | Kind::InvalidInput) => false,
        Some(_) => true,
    }
}
