//! Lets the journal forget: segments whose points have all been written to archives, once those archives are on disk.
//!
//! The order of the questions is what makes it safe. First the journal tells the oldest segment that a batch on its way
//! into the cache belongs to, then the cache tells the oldest segment of a point that waits or is being written:
//! a batch that has left the one is seen by the other. Everything older has been handed to the kernel by then, so the
//! sync that follows covers it. If the sync fails nobody knows what is on disk, and no segment is ever released again by
//! this process: the next start writes them once more.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::{Duration, Instant};

use carbon_journal::{Journal, JournalError, Segment};
use carbon_storage::{StorageError, Store};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{debug, error, warn};

use crate::cache::Cache;

/// A segment takes no longer than this, so that one odd series cannot keep hours of points from being forgotten.
const LONGEST_SEGMENT: Duration = Duration::from_secs(300);

/// Points in archives that no sync has covered, above which a stop leaves them to the next start: writing
/// them back could take longer than a stop may.
const QUICK: u64 = 200_000;

/// What a sync gets at least on a stop.
const LEAST_PATIENCE: Duration = Duration::from_millis(500);

/// What a checkpoint asks and tells.
pub(crate) struct Checkpoint {
    journal: Arc<Journal>,
    cache: Arc<Cache>,
    store: Arc<dyn Store>,
    every: Duration,
    /// The store's file systems have failed to write back: nothing may be forgotten any more.
    distrust: AtomicBool,
    /// Points that were stored by the time of the last sync.
    synced: AtomicU64,
    /// Held while one is made, or may not be.
    turn: tokio::sync::Mutex<()>,
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Checkpoint")
            .field("every", &self.every)
            .field("distrust", &self.distrust)
            .finish_non_exhaustive()
    }
}

impl Checkpoint {
    pub(crate) fn new(journal: Arc<Journal>, cache: Arc<Cache>, store: Arc<dyn Store>, every: Duration) -> Checkpoint {
        let (distrust, synced) = (AtomicBool::new(false), AtomicU64::new(0));
        Checkpoint { journal, cache, store, every, distrust, synced, turn: tokio::sync::Mutex::default() }
    }

    /// No checkpoint is made while the guard lives: for a change during which only the journal has some points.
    pub(crate) async fn hold(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.turn.lock().await
    }

    pub(crate) fn journal(&self) -> Arc<Journal> {
        Arc::clone(&self.journal)
    }

    /// Makes checkpoints until `stop` fires.
    pub(crate) async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut rolled = Instant::now();
        loop {
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                () = tokio::time::sleep(self.every) => {}
            }
            if rolled.elapsed() >= LONGEST_SEGMENT {
                self.journal.roll();
                rolled = Instant::now();
            }
            tokio::select! {
                biased;
                () = stop.cancelled() => return,
                _ = self.make() => {}
            }
        }
    }

    /// Whether archives could not be brought to disk.
    pub(crate) fn has_failed(&self) -> bool {
        self.distrust.load(Relaxed)
    }

    /// Has the journal forget everything; for a time when nothing is taken in and all is written. `true` when it has,
    /// `until` when it is tried.
    pub(crate) async fn empty(&self, until: Instant) -> bool {
        self.journal.roll();
        let patience = until.saturating_duration_since(Instant::now()).max(LEAST_PATIENCE);
        tokio::time::timeout(patience, self.make()).await.unwrap_or(false)
    }

    /// Has the journal forget what it can, until `until`.
    pub(crate) async fn make_room(&self, until: Instant) {
        let patience = until.saturating_duration_since(Instant::now()).max(LEAST_PATIENCE);
        // Late it is of no use any more.
        let _ = tokio::time::timeout(patience, self.make()).await;
    }

    /// Makes safe what was appended until now.
    ///
    /// # Errors
    /// When the journal's disk refuses.
    pub(crate) async fn sync_journal(&self) -> Result<(), JournalError> {
        let journal = Arc::clone(&self.journal);
        blocking(move || journal.sync()).await.unwrap_or(Ok(()))
    }

    /// After the writers have ended: forgets everything if all is stored and a sync is likely to be quick, and closes the
    /// journal.
    ///
    /// # Errors
    /// When the journal's disk refuses.
    pub(crate) async fn finish(&self, until: Instant) -> Result<(), JournalError> {
        let fresh = self.cache.stored().saturating_sub(self.synced.load(Relaxed));
        if self.cache.is_empty() && fresh < QUICK {
            self.empty(until).await;
        }
        let journal = Arc::clone(&self.journal);
        blocking(move || journal.close()).await.unwrap_or(Ok(()))
    }

    /// One checkpoint; `true` when every segment but the one being filled has been released.
    pub(crate) async fn make(&self) -> bool {
        let _turn = self.turn.lock().await;
        let in_transit = self.journal.oldest_in_transit();
        let low = self.cache.oldest_segment().map_or(in_transit, |segment| in_transit.min(Segment::new(segment)));
        let (before, stored) = (self.journal.snapshot(), self.cache.stored());
        if before.oldest >= low || self.distrust.load(Relaxed) {
            return before.oldest >= before.current;
        }
        if let Err(error) = self.sync().await {
            self.distrust.store(true, Relaxed);
            error!(%error, "The archives could not be brought to disk. The journal keeps its points until the next start \
                 writes them again; look at the disk.");
            return false;
        }
        self.synced.store(stored, Relaxed);
        let journal = Arc::clone(&self.journal);
        match blocking(move || journal.release(low)).await {
            Some(Ok(released)) => {
                debug!(released, "The journal has forgotten what is in the archives.");
                low >= before.current
            }
            Some(Err(error)) => {
                warn!(%error, "Segments of the journal could not be removed; trying again.");
                false
            }
            None => false,
        }
    }

    /// Brings the archives to disk.
    async fn sync(&self) -> Result<(), StorageError> {
        let (store, runtime) = (Arc::clone(&self.store), Handle::current());
        blocking(move || runtime.block_on(store.sync())).await.unwrap_or(Err(StorageError::WorkerLost))
    }
}

/// Does what may take long on a thread of its own, which nobody has to wait for at the end of the program; `None` if
/// there is no thread, or it panicked.
async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Option<T> {
    let (tell, told) = tokio::sync::oneshot::channel();
    let thread = std::thread::Builder::new().name("checkpoint".to_owned());
    // Whoever asked may have given up on the answer.
    thread.spawn(move || drop(tell.send(work()))).ok()?;
    told.await.ok()
}
