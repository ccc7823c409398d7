//! The clocks of the agent: that on the wall, which says the slot and may be set, and that of the host's life, over which
//! rates are measured.

use std::fs;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::time::{ClockId, clock_gettime};

/// Goes on while the host sleeps, so that a rate over a suspend is the mean that it was.
#[cfg(target_os = "linux")]
const LIFE: ClockId = ClockId::Boottime;
#[cfg(not(target_os = "linux"))]
const LIFE: ClockId = ClockId::Monotonic;

/// Time since the Unix epoch.
pub(crate) fn wall() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Time since the host's boot, the same for all processes of one boot.
pub(crate) fn since_boot() -> Duration {
    let now = clock_gettime(LIFE);
    Duration::new(u64::try_from(now.tv_sec).unwrap_or(0), u32::try_from(now.tv_nsec).unwrap_or(0))
}

/// What tells this boot of the host from others; `None` where the system does not say.
pub(crate) fn boot() -> Option<String> {
    let id = fs::read_to_string("/proc/sys/kernel/random/boot_id").ok()?;
    Some(id.trim().to_owned()).filter(|id| !id.is_empty() && !id.contains(char::is_whitespace))
}
