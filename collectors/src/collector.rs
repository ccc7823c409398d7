//! What a collector is: it is asked once a slot, reads the host, and puts raw values into an [`Out`].
//!
//! A collector knows no schedule, no prefix, no host name and no destination. It hands over counters as they stand in
//! the kernel; the agent turns them into rates over measured time, cleans and filters names, and stamps the slot.

use std::time::Duration;

use whisper::Timestamp;

use crate::{Fail, Kept, Out};

/// Measures one subject of this host.
pub trait Collector: Send {
    /// What the schedule has to know. Its class may be another one after a run, all else is constant over the life of the
    /// collector.
    fn spec(&self) -> Spec;

    /// Takes one measurement. What is in `out` when it fails is sent all the same: one broken disk does not silence
    /// the others.
    ///
    /// # Errors
    /// The first thing that went wrong. [`Fail::Absent`] is quiet; everything else is logged once per change of state.
    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail>;

    /// As [`run`](Collector::run), for a collector that may say more than should be held at once: whenever
    /// [`Out::is_full`], it hands `out` to `pass`, which takes what is there away.
    ///
    /// # Errors
    /// As [`run`](Collector::run).
    fn run_in_parts(&mut self, slot: Slot, out: &mut Out, _pass: &mut dyn FnMut(&mut Out)) -> Result<(), Fail> {
        self.run(slot, out)
    }

    /// Adds what the next start has to know beside the readings handed over by `run`: a collector that makes its
    /// differences by itself, or reads on where it stopped. Asked about once a minute and at the end.
    fn keep(&self, _kept: &mut Kept) {}

    /// Takes back, before the first run, what was kept by an earlier start. Rows may be missing, too short or of
    /// settings that have changed since.
    fn recall(&mut self, _kept: &Kept) {}
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
    /// Reads only what the kernel answers from memory, so it cannot hang: runs in line, with all others of its kind in one wake-up.
    Fast,
    /// May wait for a disk, a socket or a process: runs on a thread of the pool and is left behind when it hangs.
    Slow,
}

/// The moment of one run.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// Start of the slot; every point of the run carries it.
    pub time: Timestamp,
    /// When the run really began, on a clock that never jumps and goes on while the host sleeps: time since its boot.
    /// Only differences mean something.
    pub monotonic: Duration,
}
