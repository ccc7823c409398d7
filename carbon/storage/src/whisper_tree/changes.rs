//! What an index of names should know at once: files that were made, and files that were not there when they were read.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Mutex, MutexGuard, PoisonError};

use carbon_line::{MetricName, tags};

use super::WhisperTree;

/// Notes kept until somebody takes them; what is beyond is found by comparing folders.
const MOST: usize = 65_536;

/// What happened to a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    /// Its file was made.
    Created,
    /// It was read, and there is no file.
    Missed,
}

#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Whether anybody takes them.
    wanted: AtomicBool,
    notes: Mutex<Vec<(Change, MetricName)>>,
}

impl Changes {
    /// Tagged names are nobody's concern here.
    pub(super) fn note(&self, change: Change, name: &MetricName) {
        if self.wanted.load(Relaxed) && !tags::is_tagged(name) {
            let mut notes = self.notes();
            if notes.len() < MOST {
                notes.push((change, name.clone()));
            }
        }
    }

    fn notes(&self) -> MutexGuard<'_, Vec<(Change, MetricName)>> {
        // A push cannot leave it half done.
        self.notes.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl WhisperTree {
    /// Whether there are notes, or somebody is about to make one.
    pub(crate) fn has_changes(&self) -> bool {
        self.state.changes.notes.try_lock().map_or(true, |notes| !notes.is_empty())
    }

    /// The notes since the last call; none are taken before the first one.
    pub(crate) fn take_changes(&self) -> Vec<(Change, MetricName)> {
        self.state.changes.wanted.store(true, Relaxed);
        std::mem::take(&mut self.state.changes.notes())
    }
}
