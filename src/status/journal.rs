//! The journal's figures, as JSON and as numbers for monitoring.

use std::sync::Arc;

use carbon::Journal;
use render::{Family, Part};
use serde_json::{Value, json};

/// The journal of a carbon that runs in this process.
pub(crate) struct JournalPart(pub(crate) Arc<Journal>);

impl Part for JournalPart {
    fn name(&self) -> &'static str {
        "journal"
    }

    fn counters(&self) -> Value {
        let held = self.0.snapshot();
        json!({
            "bytes": held.bytes_on_disk,
            "segments": held.segments,
            "unsynced-bytes": held.unsynced_bytes,
            "unsynced-seconds": held.unsynced_age.as_secs_f64(),
            "longest-sync-seconds": held.longest_sync.as_secs_f64(),
            "ready": held.wait.is_none(),
        })
    }

    fn families(&self) -> Vec<Family> {
        let held = self.0.snapshot();
        let count = |name, help, number: u64| Family::counter(name, help).value(number as f64);
        let gauge = |name, help, number: f64| Family::gauge(name, help).value(number);
        let ready = if held.wait.is_none() { 1.0 } else { 0.0 };
        vec![
            gauge(
                "plumbago_journal_ready",
                "1 while points are taken in, 0 while listeners wait for the journal.",
                ready,
            ),
            gauge("plumbago_journal_bytes", "Bytes of all files.", held.bytes_on_disk as f64),
            gauge("plumbago_journal_segments", "Files of points.", held.segments as f64),
            gauge("plumbago_journal_unsynced_bytes", "Bytes that are not on disk yet.", held.unsynced_bytes as f64),
            gauge("plumbago_journal_unsynced_seconds", "Age of the oldest of them.", held.unsynced_age.as_secs_f64()),
            count("plumbago_journal_points_total", "Points appended.", held.appended_points),
            count("plumbago_journal_appended_bytes_total", "Bytes appended.", held.appended_bytes),
            count(
                "plumbago_journal_released_segments_total",
                "Files removed, all points being in archives.",
                held.released,
            ),
            count("plumbago_journal_write_failures_total", "Failed writes; each is tried again.", held.write_failures),
            count("plumbago_journal_sync_failures_total", "Failed syncs; each is written again.", held.sync_failures),
            Family::summary("plumbago_journal_sync_seconds", "Time that the disk takes to make points safe.").summed(
                &[],
                held.sync_time.as_secs_f64(),
                held.syncs,
            ),
            gauge(
                "plumbago_journal_longest_sync_seconds",
                "The longest of these times.",
                held.longest_sync.as_secs_f64(),
            ),
        ]
    }
}
