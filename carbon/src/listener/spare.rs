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
        if self.under_way.swap(true, Relaxed) {
            return;
        }
        let (store, done) = (Arc::clone(&self.store), Done(Arc::clone(&self.under_way)));
        drop(tokio::task::spawn_blocking(move || {
            let _done = done;
            store.spare_descriptors();
        }));
    }
}

/// Lets the next one ask, also after a panic and when nothing runs any more.
struct Done(Arc<AtomicBool>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;
    use std::sync::mpsc::{Receiver, SyncSender, sync_channel};

    use carbon_line::MetricName;
    use carbon_storage::{Answer, Pending, StorageError, WriteReport};
    use whisper::{Retention, Timestamp};

    use super::*;

    /// Tells when it begins, and ends when it is told to.
    struct Slow(Mutex<(SyncSender<()>, Receiver<()>)>);

    impl Store for Slow {
        fn write<'a>(&'a self, _: &'a [Pending], _: Timestamp) -> Answer<'a, WriteReport> {
            Box::pin(async { WriteReport::default() })
        }

        fn sync(&self) -> Answer<'_, Result<(), StorageError>> {
            Box::pin(async { Ok(()) })
        }

        fn finest(&self, _: &MetricName) -> Retention {
            Retention::new(1, 1).unwrap()
        }

        fn spare_descriptors(&self) {
            let ends = self.0.lock().unwrap();
            ends.0.send(()).unwrap();
            // The test is over.
            let _ = ends.1.recv();
        }
    }

    #[tokio::test]
    async fn a_store_that_is_asked_already_is_not_asked_again() {
        let ((began, begins), (end, ends)) = (sync_channel(8), sync_channel(8));
        let spare = Spare::new(Arc::new(Slow(Mutex::new((began, ends)))));
        let wait = move |begins: Receiver<()>| async {
            tokio::task::spawn_blocking(move || begins.recv().map(|()| begins)).await.unwrap().unwrap()
        };
        (0..5).for_each(|_| spare.ask());
        let begins = wait(begins).await;
        end.send(()).unwrap();
        while spare.under_way.load(Relaxed) {
            tokio::task::yield_now().await;
        }
        assert!(begins.try_recv().is_err(), "once was asked for");
        spare.ask();
        wait(begins).await;
    }
}
