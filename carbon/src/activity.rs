//! What the writers are at, as the watchdog sees it.

use std::error::Error;
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};

use carbon_storage::Refusal;

/// Seconds for which one refusal for lack of room counts; a refused write is tried again sooner than that.
const FULL_FOR: u32 = 5;

/// Written by the writers, each at its own place; read by the watchdog.
#[derive(Debug)]
pub(crate) struct Activity {
    /// Whether a writer has points to write that are due, by its number.
    due: Vec<AtomicBool>,
    /// The second in which the store had no room the last time.
    full: AtomicU32,
}

impl Activity {
    pub(crate) fn of(writers: usize) -> Activity {
        Activity { due: (0..writers).map(|_| AtomicBool::new(false)).collect(), full: AtomicU32::new(0) }
    }

    /// Whether this writer has something to write.
    pub(crate) fn tell_due(&self, writer: usize, due: bool) {
        if let Some(told) = self.due.get(writer) {
            told.store(due, Relaxed);
        }
    }

    /// Takes note of a refusal at `now`, in seconds.
    pub(crate) fn refused(&self, refusal: &Refusal, now: u32) {
        if is_full(&refusal.error) {
            self.full.store(now, Relaxed);
        }
    }

    /// Whether any writer has something to write.
    pub(crate) fn any_due(&self) -> bool {
        self.due.iter().any(|due| due.load(Relaxed))
    }

    /// Whether the store has no room.
    pub(crate) fn is_full(&self, now: u32) -> bool {
        let last = self.full.load(Relaxed);
        last > 0 && now.saturating_sub(last) < FULL_FOR
    }
}

fn is_full(error: &(dyn Error + 'static)) -> bool {
    let mut cause = Some(error);
    while let Some(error) = cause {
        let kind = error.downcast_ref::<io::Error>().map(io::Error::kind);
        if kind.is_some_and(|kind| matches!(kind, io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded)) {
            return true;
        }
        cause = error.source();
    }
    false
}

#[cfg(test)]
mod tests {
    use carbon_storage::StorageError;

    use super::*;

    fn refusal(kind: io::ErrorKind) -> Refusal {
        let error = StorageError::Io { action: "create", path: "a".into(), source: kind.into() };
        Refusal { index: 0, retry: true, error }
    }

    #[test]
    fn a_full_disk_is_known_by_its_refusals_and_forgotten_without_them() {
        let activity = Activity::of(1);
        activity.refused(&refusal(io::ErrorKind::PermissionDenied), 100);
        assert!(!activity.is_full(100));
        activity.refused(&refusal(io::ErrorKind::StorageFull), 100);
        assert!(activity.is_full(104));
        assert!(!activity.is_full(105));
    }
}
