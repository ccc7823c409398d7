//! Threads that hand waiting points to the store. They block, so they are no async workers.
//!
//! Each writer owns a part of the cache's shards and goes over it in passes: the series with the most points first, in
//! batches, then a rest in which points gather. On stop it passes until nothing waits.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use carbon_storage::{Refusal, SeriesId, StorageError, Store, WriteReport};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use whisper::Timestamp;

use crate::cache::{Cache, Taken};
use crate::intake::now;
use crate::stats::Stats;

/// Series handed to the store at once.
const BATCH: usize = 256;

/// Rest after a refusal that may pass, doubled each time up to the longest.
const SHORTEST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(2);

/// What all writers share.
pub(crate) struct Writing {
    pub(crate) cache: Arc<Cache>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) stats: Arc<Stats>,
    pub(crate) writers: usize,
    pub(crate) max_wait: Duration,
    pub(crate) drain_for: Duration,
    pub(crate) runtime: Handle,
    /// Fires when the last listener has ended, so that nothing more arrives.
    pub(crate) ended: CancellationToken,
    pub(crate) log: LogLimit,
}

/// Lets one line a second through.
#[derive(Debug, Default)]
pub(crate) struct LogLimit(AtomicU64);

impl LogLimit {
    fn pass(&self) -> bool {
        let second = now() as u64;
        self.0.swap(second, Relaxed) != second
    }
}

impl Writing {
    /// Starts all threads.
    ///
    /// # Errors
    /// When the system has no thread left.
    pub(crate) fn start(self) -> std::io::Result<Vec<JoinHandle<()>>> {
        let writing = Arc::new(self);
        let spawn = |index| {
            let writing = Arc::clone(&writing);
            std::thread::Builder::new().name(format!("writer-{index}")).spawn(move || writing.run(index))
        };
        (0..writing.writers).map(spawn).collect()
    }

    fn run(&self, index: usize) {
        let mut rest = SHORTEST_REST;
        let mut give_up = None;
        loop {
            let (heard, begun) = (self.cache.bell().rung(), Instant::now());
            // Asked before the pass: what arrived until then is seen by it.
            let ended = self.ended.is_cancelled();
            let waiting = self.cache.waiting(index, self.writers);
            if ended && waiting.is_empty() {
                return;
            }
            let refused = self.pass(&waiting);
            if ended && refused {
                let until = *give_up.get_or_insert_with(|| Instant::now() + self.drain_for);
                if Instant::now() >= until {
                    return;
                }
            }
            if refused {
                self.cache.bell().wait(heard, rest);
                rest = (rest * 2).min(LONGEST_REST);
            } else {
                rest = SHORTEST_REST;
                if !ended {
                    self.cache.bell().wait(heard, self.max_wait.saturating_sub(begun.elapsed()));
                }
            }
        }
    }

    /// Hands all these series to the store; `true` when some of it is to be tried again.
    fn pass(&self, waiting: &[SeriesId]) -> bool {
        let mut refused = false;
        for ids in waiting.chunks(BATCH) {
            let taken = self.cache.take(ids);
            if !taken.batch.is_empty() {
                refused |= self.write(taken);
            }
        }
        refused
    }

    fn write(&self, taken: Taken) -> bool {
        let begun = Instant::now();
        let now = Timestamp::saturating_from(now() as i64);
        let report = catch_unwind(AssertUnwindSafe(|| self.runtime.block_on(self.store.write(&taken.batch, now))));
        self.stats.update_micros.fetch_add(begun.elapsed().as_micros() as u64, Relaxed);
        match report {
            Ok(report) => self.settle(&taken, report),
            Err(_) => self.isolate(taken),
        }
    }

    /// Takes from the cache what is stored, lets wait what was refused for now, and gives up what never will be stored.
    fn settle(&self, taken: &Taken, report: WriteReport) -> bool {
        self.stats.creates.fetch_add(report.created as u64, Relaxed);
        let mut refusals: Vec<Option<Refusal>> = taken.ids.iter().map(|_| None).collect();
        for refusal in report.refusals {
            if let Some(place) = refusals.get_mut(refusal.index) {
                *place = Some(refusal);
            }
        }
        let mut again = false;
        for ((id, pending), refusal) in taken.ids.iter().zip(&taken.batch).zip(refusals) {
            let Some(refusal) = refusal else {
                self.stats.updates.fetch_add(1, Relaxed);
                self.stats.stored.fetch_add(self.cache.confirm(*id) as u64, Relaxed);
                continue;
            };
            self.stats.errors.fetch_add(1, Relaxed);
            self.log(&pending.name, &refusal);
            if refusal.retry {
                again = true;
                self.cache.put_back(*id);
            } else {
                self.stats.dropped.fetch_add(self.cache.confirm(*id) as u64, Relaxed);
            }
        }
        again
    }

    /// After a panic in the store: each series alone, so that only the one at fault is given up.
    fn isolate(&self, taken: Taken) -> bool {
        if let [pending] = &taken.batch[..] {
            error!(metric = %pending.name, points = pending.points.len(),
                "The store panicked over this series; its waiting points are lost. This is a bug.");
            let error = StorageError::WorkerLost;
            let refusals = vec![Refusal { index: 0, retry: false, error }];
            return self.settle(&taken, WriteReport { refusals, ..WriteReport::default() });
        }
        let mut refused = false;
        for (id, pending) in taken.ids.into_iter().zip(taken.batch) {
            refused |= self.write(Taken { ids: vec![id], batch: vec![pending] });
        }
        refused
    }

    fn log(&self, metric: &str, refusal: &Refusal) {
        if !self.log.pass() {
            return;
        }
        let mut error = refusal.error.to_string();
        let mut source = std::error::Error::source(&refusal.error);
        while let Some(cause) = source {
            error = format!("{error}: {cause}");
            source = cause.source();
        }
        if refusal.retry {
            warn!(%metric, %error, "A write was refused; the points wait and are tried again.");
        } else {
            error!(%metric, %error, "A write was refused for good; its points are lost.");
        }
    }
}
