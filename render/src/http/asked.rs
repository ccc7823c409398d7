//! How `/render` is used, for a process that keeps such numbers.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Counts since the start.
#[derive(Debug, Default)]
pub struct Asked {
    answered: AtomicU64,
    refused: AtomicU64,
    failed: AtomicU64,
    micros: AtomicU64,
}

/// The counts at a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct AskedSnapshot {
    /// Answers with a status below 400.
    pub answered: u64,
    /// With one below 500: the client was wrong.
    pub refused: u64,
    /// With one from 500 on: we were.
    pub failed: u64,
    /// Until all of these answers began.
    pub time: Duration,
}

impl Asked {
    pub(super) fn enter(&self, status: u16, time: Duration) {
        let count = match status {
            ..400 => &self.answered,
            400..500 => &self.refused,
            _ => &self.failed,
        };
        count.fetch_add(1, Relaxed);
        self.micros.fetch_add(time.as_micros() as u64, Relaxed);
    }

    /// As of now; the counts are read one after the other.
    pub fn snapshot(&self) -> AskedSnapshot {
        AskedSnapshot {
            answered: self.answered.load(Relaxed),
            refused: self.refused.load(Relaxed),
            failed: self.failed.load(Relaxed),
            time: Duration::from_micros(self.micros.load(Relaxed)),
        }
    }
}
