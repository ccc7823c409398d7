//! Where lines enter on their way from whatever measures to the destinations.

use std::sync::{Arc, PoisonError, RwLock};

use crate::outlet::{Counts, Outlet};

/// The way from measuring to delivering. Nobody who puts lines in ever waits for a destination.
#[derive(Debug, Default)]
pub(crate) struct Pipeline {
    outlets: RwLock<Vec<Arc<Outlet>>>,
}

impl Pipeline {
    /// Lines go to all of `outlets`.
    pub(crate) fn new(outlets: Vec<Arc<Outlet>>) -> Pipeline {
        Pipeline { outlets: RwLock::new(outlets) }
    }

    /// Takes what `from` (a collector, a plugin) has measured: whole lines `name value timestamp`, each ended by a
    /// newline.
    pub(crate) fn push(&self, _from: &str, lines: &str) {
        let outlets = self.outlets.read().unwrap_or_else(PoisonError::into_inner);
        outlets.iter().for_each(|outlet| outlet.push(lines.as_bytes()));
    }

    /// The destinations' queues, for an account.
    pub(crate) fn outlets(&self) -> Vec<Arc<Outlet>> {
        self.outlets.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What went through all of them.
    pub(crate) fn counts(&self) -> Counts {
        let mut all = Counts::default();
        self.outlets().iter().for_each(|outlet| all.add(outlet.queue().counts()));
        all
    }
}
