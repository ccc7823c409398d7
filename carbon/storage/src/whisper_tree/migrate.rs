//! Existing files given the archives that the schemas want now.

use std::io::ErrorKind;

use carbon_line::MetricName;
use whisper::{CreateOptions, Migration, Timestamp, Whisper};

use super::WhisperTree;
use crate::StorageError;

impl WhisperTree {
    /// Gives the archive of `name` the retentions that the schemas want for it, and says whether that took a new file.
    /// What has no file, or is only matched by the schemas' last resort, stays as it is, and so do method and
    /// xFilesFactor, which somebody may have chosen for this file alone.
    ///
    /// Blocks. Takes turns with whoever writes; see [`Whisper::migrate`]. A file that is as it should be costs `open`,
    /// one `pread` and `close`.
    ///
    /// # Errors
    /// As [`Whisper::migrate`]; the file is then as it was.
    pub fn migrate(&self, name: &MetricName, now: Timestamp) -> Result<bool, StorageError> {
        let rules = self.rules();
        let Some(schema) = rules.schemas.chosen(name) else { return Ok(false) };
        let path = self.present_file_of(name);
        let mut wanted = CreateOptions::new(schema.retentions.clone());
        let absent = |error: &whisper::Error| error.io_kind() == Some(ErrorKind::NotFound);
        let migrated = Whisper::open_read_only(&path).and_then(|file| {
            (wanted.method, wanted.x_files_factor) = (file.header().method, file.header().x_files_factor);
            wanted.allocation = self.allocation;
            match file.migration(&wanted) {
                Migration::Nothing => Ok(Migration::Nothing),
                _ => Whisper::migrate(&path, &wanted, now),
            }
        });
        match migrated {
            Err(error) if absent(&error) => Ok(false),
            migrated => Ok(migrated? != Migration::Nothing),
        }
    }
}
