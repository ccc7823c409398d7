//! What rouses writers before their time.

use std::sync::{Condvar, Mutex, PoisonError};
use std::time::Duration;

/// Something threads wait at until it rings or their time is up.
#[derive(Debug, Default)]
pub(crate) struct Bell {
    rung: Mutex<u64>,
    sound: Condvar,
}

impl Bell {
    /// Ends every wait that has begun.
    pub(crate) fn ring(&self) {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.sound.notify_all();
    }

    /// How often it has rung; what happens after this is not missed by [`Bell::wait`].
    pub(crate) fn rung(&self) -> u64 {
        *self.rung.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until the bell has rung more than `heard` times, at most for `patience`.
    pub(crate) fn wait(&self, heard: u64, patience: Duration) {
        let rung = self.rung.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.sound.wait_timeout_while(rung, patience, |rung| *rung == heard);
    }
}
