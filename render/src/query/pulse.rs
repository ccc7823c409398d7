//! Whether anybody still waits for an evaluation.

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use super::{EvalError, Stop};

/// To be asked by whatever takes long, some thousand times a second at most.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pulse<'r>(&'r AtomicBool);

impl<'r> Pulse<'r> {
    /// Stopped once `stop` is set.
    pub(crate) fn new(stop: &'r AtomicBool) -> Pulse<'r> {
        Pulse(stop)
    }

    /// # Errors
    /// When nobody waits any more; nobody sees this error, either.
    pub(crate) fn check(self) -> Result<(), Stop> {
        if self.0.load(Relaxed) { Err(EvalError::WorkerLost.into()) } else { Ok(()) }
    }
}
