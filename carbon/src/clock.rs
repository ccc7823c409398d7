//! The two clocks of the daemon: the one that timestamps are compared with, and one that never goes backwards.

use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Seconds since the epoch by this machine's clock.
pub(crate) fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Whole seconds since the first call, for waits: a clock that is set does not move it.
pub(crate) fn seconds() -> u32 {
    start().elapsed().as_secs() as u32
}

/// When the next whole second begins, for tasks that look once a second whether there is anything to do: together they
/// wake a process that stands still once.
pub fn next_second() -> Instant {
    start() + Duration::from_secs(start().elapsed().as_secs() + 1)
}

fn start() -> Instant {
    static START: OnceLock<Instant> = OnceLock::new();
    *START.get_or_init(Instant::now)
}
