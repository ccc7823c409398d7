//! Writing: a look at the file, then one gathered update. What is known of a file is not read again.
//!
//! A known file without a kept descriptor costs `open`, `flock`, `statx`, one `pwrite` for each run of points in each
//! archive, and `close`; with one, `flock`, `statx`, the writes, and `flock`. See [`reach`](super::reach) for why.
//! Nothing is allocated per point; per series the path and the bytes of its runs.

use std::io::ErrorKind as Kind;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use carbon_line::MetricName;
use tracing::debug;
use whisper::{Retention, Timestamp, Whisper};

use super::WhisperTree;
use super::known::Known;
use super::path::file_of;
use super::reach::{Look, Reached, fault, reach};
use crate::{Answer, Metadata, Pending, Refusal, StorageError, Store, WriteReport};

impl Store for WhisperTree {
    fn write<'a>(&'a self, batch: &'a [Pending], now: Timestamp) -> Answer<'a, WriteReport> {
        Box::pin(async move {
            let mut report = WriteReport::default();
            for (index, pending) in batch.iter().enumerate() {
                match self.write_one(pending, now) {
                    Ok(written) => {
                        report.created += usize::from(written.created);
                        report.out_of_range += written.out_of_range;
                    }
                    Err(error) => report.refusals.push(Refusal { index, retry: can_pass(&error), error }),
                }
            }
            report
        })
    }

    fn sync(&self) -> Answer<'_, Result<(), StorageError>> {
        Box::pin(async { self.state.devices.sync() })
    }

    fn finest(&self, name: &MetricName) -> Retention {
        self.rules().schemas.matching(name).retentions.as_slice()[0]
    }

    fn metadata(&self) -> Option<&dyn Metadata> {
        Some(self)
    }
}

/// What became of the points of one series.
struct Written {
    created: bool,
    out_of_range: usize,
}

impl WhisperTree {
    fn write_one(&self, pending: &Pending, now: Timestamp) -> Result<Written, StorageError> {
        let path = file_of(self.root(), &pending.name);
        // Taken out, and put back only after success: whatever goes wrong, the file is looked at anew.
        let (known, descriptor) = match self.state.known.take(pending.series) {
            Some((known, file)) => {
                let identity = self.state.devices.number(known.device).map(|device| (device, known.inode));
                (Some(known), file.zip(identity))
            }
            None => (None, None),
        };
        let (reached, created) = match reach(&path, descriptor) {
            Err(StorageError::Io { source, .. }) if source.kind() == Kind::NotFound => {
                (self.create(pending, &path)?, true)
            }
            reached => (reached?, false),
        };
        let (mut file, mut known) = self.recognize(&path, reached, known)?;
        let out_of_range = file.update_current(&pending.points, now)?;
        self.state.devices.written(known.device);
        known.kept = file.keep();
        self.state.known.put(pending.series, known, milliseconds(), file.into_layer());
        Ok(Written { created, out_of_range })
    }

    /// A handle on a file, without a read if it is as we left it.
    fn recognize(&self, path: &Path, reached: Reached, known: Option<Known>) -> Result<(Whisper, Known), StorageError> {
        let Reached { file, look } = reached;
        let folder = path.parent().unwrap_or(self.root());
        let device = self.state.devices.of(look.device, folder).map_err(|source| fault("open", folder, source))?;
        if let Some(known) = known
            && known.device == device
            && known.is_as_left(&look)
        {
            return Ok((Whisper::resume(file, path, &known.kept), known));
        }
        let file = Whisper::over(file, path)?;
        let mut kept = file.keep();
        self.state.layouts.share(&mut kept);
        let file = Whisper::resume(file.into_layer(), path, &kept);
        Ok((file, Known::new(kept, device, &look)))
    }

    fn create(&self, pending: &Pending, path: &Path) -> Result<Reached, StorageError> {
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(|source| fault("create the directory", folder, source))?;
        }
        let mut options = self.rules().layout(&pending.name);
        options.allocation = self.allocation;
        let file = Whisper::create(path, &options)?.into_layer();
        debug!(metric = %pending.name, path = %path.display(), "Created an archive.");
        let metadata = file.metadata().map_err(|source| fault("stat", path, source))?;
        Ok(Reached { file, look: Look::of(&metadata) })
    }
}

/// Wall clock, to tell our own changes of a file from those of others.
fn milliseconds() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_millis() as u64)
}

/// Whether the same write may succeed later. A full disk gets room, a directory its permissions, a descriptor table its
/// places; a damaged file stays damaged, and a name too long for the file system stays too long.
fn can_pass(error: &StorageError) -> bool {
    let kind = match error {
        StorageError::Io { source, .. } => Some(source.kind()),
        StorageError::Whisper(error) => error.io_kind(),
        StorageError::Unreachable { .. } | StorageError::WorkerLost => return true,
    };
    match kind {
        None | Some(Kind::InvalidFilename | Kind::NotADirectory | Kind::IsADirectory | Kind::InvalidInput) => false,
        Some(_) => true,
    }
}
