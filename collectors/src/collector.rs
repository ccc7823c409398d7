//! What a collector is: it is asked once a slot, reads the host, and puts raw values into an [`Out`].
//!
//! A collector knows no schedule, no prefix, no host name and no destination. It hands over counters as they stand in
//! the kernel; the agent turns them into rates over measured time, cleans and filters names, and stamps the slot.

use std::time::Duration;

use whisper::Timestamp;

use crate::{Fail, Out};

/// Measures one subject of this host.
pub trait Collector: Send {
    /// What the schedule has to know. Constant over the life of the collector.
    fn spec(&self) -> Spec;

    /// Takes one measurement. What is in `out` when it fails is sent all the same: one broken disk does not silence
    /// the others.
    ///
    /// # Errors
    /// The first thing that went wrong. [`Fail::Absent`] is quiet; everything else is logged once per change of state.
    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail>;
}

/// What the schedule has to know about a collector.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spec {
    /// The name of its folder and of its `[collectors.NAME]` table.
    pub name: &'static str,
    /// Where it runs.
    pub class: Class,
    /// The interval it wants, for what changes slowly; `None` takes the agent's own.
    pub default_interval: Option<Duration>,
    /// How long one run may take before it counts as overrun.
    pub deadline: Duration,
}

/// Where a collector runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Class {
    /// Reads `/proc` and `/sys` only, so it cannot hang: runs in line, with all others of its kind in one wake-up.
    Fast,
    /// May wait for a disk, a socket or a process: runs on a thread of the pool and is left behind when it hangs.
    Slow,
}

/// The moment of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// Start of the slot; every point of the run carries it.
    pub time: Timestamp,
    /// When the run really began, on a clock that never jumps. Only differences mean something.
    pub monotonic: Duration,
}
