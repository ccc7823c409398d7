//! `[journal]`: where accepted points are safe before they are in their archives.

use std::path::PathBuf;
use std::time::Duration;

use bytesize::ByteSize;
use carbon_journal::{Options, Sync};
use serde::Deserialize;

/// All options of the journal; an unknown key is an error.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct JournalConfig {
    /// Without a journal a kill loses what waits in memory, and a stop has to write all of it. Default true.
    pub enabled: bool,
    /// Its folder, which may be on another disk than the archives. Default: `journal` below `[store] data`.
    pub dir: Option<PathBuf>,
    /// How often points are brought to disk, "always" for each batch before more is read. Default "500ms".
    pub sync: SyncConfig,
    /// Bytes of one file of it. Default "64MiB".
    pub segment: ByteSize,
    /// Bytes of all of it: at three quarters archives are written sooner, when it is full listeners wait.
    /// Default "4GiB".
    pub max: ByteSize,
    /// How often archives are brought to disk, so that their points can be forgotten here. Default "30s".
    #[serde(with = "humantime_serde")]
    pub checkpoint: Duration,
}

/// A journal to be opened.
#[derive(Clone, Debug, PartialEq)]
pub struct Journaling {
    /// How it is kept.
    pub options: Options,
    /// How often archives are brought to disk, so that it can forget their points.
    pub checkpoint: Duration,
}

/// When points are brought to disk.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(try_from = "String")]
pub enum SyncConfig {
    /// At this distance.
    Every(Duration),
    /// Before more is read from their sender.
    Always,
}

impl TryFrom<String> for SyncConfig {
    type Error = String;

    fn try_from(text: String) -> Result<SyncConfig, String> {
        if text == "always" {
            return Ok(SyncConfig::Always);
        }
        let every = humantime::parse_duration(&text).map_err(|fault| {
            format!("expected \"always\" or a duration such as \"500ms\", found \"{text}\": {fault}")
        })?;
        Ok(SyncConfig::Every(every))
    }
}

impl Default for JournalConfig {
    fn default() -> JournalConfig {
        JournalConfig {
            enabled: true,
            dir: None,
            sync: SyncConfig::Every(Duration::from_millis(500)),
            segment: ByteSize::mib(64),
            max: ByteSize::gib(4),
            checkpoint: Duration::from_secs(30),
        }
    }
}

impl JournalConfig {
    /// Every value that makes no sense, each with its key; empty when all is well.
    pub fn validate(&self) -> Vec<String> {
        let mut faults = Vec::new();
        if self.segment < ByteSize::kib(64) {
            faults.push(format!("journal.segment is {}, expected at least 64KiB", self.segment));
        }
        if self.max.as_u64() < 2 * self.segment.as_u64() {
            faults.push(format!("journal.max is {}, expected room for two segments of {}", self.max, self.segment));
        }
        if self.checkpoint.is_zero() {
            faults.push("journal.checkpoint is 0s, expected a pause between checkpoints such as \"30s\"".to_owned());
        }
        if self.sync == SyncConfig::Every(Duration::ZERO) {
            faults.push("journal.sync is 0s; \"always\" syncs each batch".to_owned());
        }
        faults
    }

    /// The journal to open, in `dir` unless another folder was chosen; nothing without a journal.
    pub fn at(&self, dir: PathBuf) -> Option<Journaling> {
        let sync = match self.sync {
            SyncConfig::Every(every) => Sync::Every(every),
            SyncConfig::Always => Sync::Always,
        };
        let dir = self.dir.clone().unwrap_or(dir);
        let (segment_bytes, most_bytes) = (self.segment.as_u64(), self.max.as_u64());
        let options = Options { dir, segment_bytes, most_bytes, sync, ..Options::default() };
        self.enabled.then_some(Journaling { options, checkpoint: self.checkpoint })
    }
}
