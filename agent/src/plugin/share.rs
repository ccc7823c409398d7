//! How much of the agent's memory a plugin may take for what outlives a run. Each has a share that is its own, so that one
//! that wants too much leaves the others theirs.

use super::{Mode, Plugins};

/// Bytes for what all plugins declare and keep.
const KEPT: usize = 2 << 20;
/// Bytes for the lines of all streams that wait for the next run.
const WAITING: usize = 2 << 20;
/// Nobody has less.
const LEAST: usize = 64 << 10;
/// More lines of one stream are more than a run takes.
const MOST_WAITING: usize = 1 << 20;

/// The share of one plugin, in bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// For what it declares and keeps, unless it is told another number.
    pub(super) kept: usize,
    /// For lines that wait, mode "stream".
    pub(super) waiting: usize,
}

impl Default for Share {
    /// That of a plugin which is alone.
    fn default() -> Share {
        Share { kept: KEPT, waiting: MOST_WAITING }
    }
}

impl Share {
    /// That of each of `plugins`.
    pub(super) fn of(plugins: &Plugins) -> Share {
        let enabled = || plugins.tables.values().filter(|config| config.enabled);
        let keeping = enabled().filter(|config| config.kept_bytes.is_none()).count().max(1);
        let streams = enabled().filter(|config| config.mode == Mode::Stream).count().max(1);
        Share { kept: (KEPT / keeping).max(LEAST), waiting: (WAITING / streams).clamp(LEAST, MOST_WAITING) }
    }
}
