//! The process itself, under the names that Prometheus' own clients use.

use std::time::{SystemTime, UNIX_EPOCH};

use carbon::usage;
use render::{Family, Part};
use serde_json::{Value, json};

/// This process.
pub(crate) struct ProcessPart {
    /// Seconds since the epoch.
    started: f64,
}

impl ProcessPart {
    pub(crate) fn new() -> ProcessPart {
        ProcessPart { started: seconds() }
    }
}

fn seconds() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

impl Part for ProcessPart {
    fn name(&self) -> &'static str {
        "process"
    }

    fn counters(&self) -> Value {
        json!({ "uptime": (seconds() - self.started).round(), "resident-bytes": usage::resident_bytes() })
    }

    fn families(&self) -> Vec<Family> {
        let descriptors = std::fs::read_dir("/proc/self/fd").map(Iterator::count);
        let version = [("version", env!("CARGO_PKG_VERSION"))];
        let mut families = vec![
            Family::gauge("plumbago_build_info", "Which version this is.").labelled(&version, 1.0),
            Family::gauge("process_start_time_seconds", "When it started, since the epoch.").value(self.started),
        ];
        if let Some(cpu) = usage::cpu_time() {
            let family = Family::counter("process_cpu_seconds_total", "CPU time in user and system mode.");
            families.push(family.value(cpu.as_secs_f64()));
        }
        if let Some(bytes) = usage::resident_bytes() {
            families.push(Family::gauge("process_resident_memory_bytes", "Resident memory.").value(bytes as f64));
        }
        if let Ok(open) = descriptors {
            families.push(Family::gauge("process_open_fds", "Open descriptors.").value(open as f64));
        }
        families
    }
}
