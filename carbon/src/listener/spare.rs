//! Descriptors for connections, out of those of archives that are kept open.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use carbon_storage::Store;

/// Asks a store for descriptors.
#[derive(Clone)]
pub(crate) struct Spare {
    store: Arc<dyn Store>,
    /// Whether it is doing so. Until it is done nobody knows whether that was enough.
    under_way: Arc<AtomicBool>,
}

impl Spare {
    pub(crate) fn new(store: Arc<dyn Store>) -> Spare {
        Spare { store, under_way: Arc::default() }
    }

    /// Has the store close archives, on a thread that may wait for a disk; nobody waits for that here, since who was
    /// accepted must not be forgotten by a stop.
    pub(crate) fn ask(&self) {
        if let Some(turn) = self.begin() {
            let store = Arc::clone(&self.store);
            drop(tokio::task::spawn_blocking(move || {
                let _turn = turn;
                store.spare_descriptors();
            }));
        }
    }

    /// A turn to ask, unless somebody has one.
    fn begin(&self) -> Option<Turn> {
        let taken = self.under_way.swap(true, Relaxed);
        (!taken).then(|| Turn(Arc::clone(&self.under_way)))
    }
}

/// Lets the next one ask, also after a panic and when nothing runs any more.
struct Turn(Arc<AtomicBool>);

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use carbon_storage::Nowhere;

    use super::*;

    #[test]
    fn a_store_that_is_asked_already_is_not_asked_again() {
        let spare = Spare::new(Arc::new(Nowhere));
        let (turn, other) = (spare.begin(), spare.clone().begin());
        assert!(turn.is_some() && other.is_none());
        drop(turn);
        assert!(spare.begin().is_some());
    }
}
