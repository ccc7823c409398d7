//! Threads that hand gathered points to the store. They block, so they are no async workers.
//!
//! Each writer owns a part of the cache's shards and goes over it in passes: the series that are due, in the order of
//! their files, in batches. A series is due when its points have gathered for long enough, when a flush wants it, or when
//! memory or the journal run short; then gathering ends sooner the less there is left. New series that the store holds
//! back, for a limit or a full disk, are offered again with each pass, after all others. On stop a writer passes until
//! nothing waits, or until it is told to leave the rest to the journal.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use carbon_journal::Journal;
use carbon_storage::{Refusal, SeriesId, StorageError, Store, WriteReport};
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};
use whisper::Timestamp;

use crate::activity::Activity;
use crate::cache::{Cache, Due, Taken};
use crate::clock::{now, seconds};
use crate::held::Held;
use crate::limits::{LONGEST_WAIT, Limits, LiveLimits};
use crate::rate::Bucket;
use crate::stats::Stats;

/// Series handed to the store at once: enough to share what a call costs, few enough that what was decoded of them is
/// written soon after.
const BATCH: usize = 32;

/// New series that were held back, offered again at once.
const OFFERED: usize = 256;

/// How often writers look what is due.
const TICK: Duration = Duration::from_secs(1);

/// Rest after a refusal that may pass, doubled each time up to the longest.
const SHORTEST_REST: Duration = Duration::from_millis(50);
const LONGEST_REST: Duration = Duration::from_secs(2);

/// What all writers share.
pub(crate) struct Writing {
    pub(crate) cache: Arc<Cache>,
    pub(crate) store: Arc<dyn Store>,
    /// Set once an earlier run's points have been taken over; never without a journal.
    pub(crate) journal: Arc<OnceLock<Arc<Journal>>>,
    /// What the journal may grow to.
    pub(crate) journal_bytes: u64,
    pub(crate) stats: Arc<Stats>,
    pub(crate) limits: Arc<LiveLimits>,
    /// What is left of this second's updates.
    pub(crate) updates: Mutex<Bucket>,
    pub(crate) writers: usize,
    pub(crate) runtime: Handle,
    pub(crate) ending: Arc<Ending>,
    /// Tells the watchdog what there is to do.
    pub(crate) activity: Arc<Activity>,
    pub(crate) log: LogLimit,
}

/// How the writers' work ends.
#[derive(Debug, Default)]
pub(crate) struct Ending {
    /// Fires when the last listener has ended, so that nothing more arrives.
    pub(crate) ended: CancellationToken,
    /// When to leave to the journal what still waits, or to give up on what a store refuses.
    pub(crate) until: OnceLock<Instant>,
}

impl Ending {
    fn has_begun(&self) -> bool {
        self.ended.is_cancelled()
    }

    fn is_over(&self) -> bool {
        self.has_begun() && self.until.get().is_none_or(|until| Instant::now() >= *until)
    }
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

/// How a pass went, from well to ill.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Passed {
    /// All is written, but for new series that are held back.
    Whole,
    /// Some is to be tried again.
    Refused,
    /// Time was up.
    CutShort,
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
        let (mut rest, mut held) = (SHORTEST_REST, Held::default());
        loop {
            let (heard, begun) = (self.cache.bell().rung(), Instant::now());
            // Asked before the pass: what arrived until then is seen by it.
            let ended = self.ending.has_begun();
            let limits = self.limits.get();
            self.learn_waits(index, &limits);
            let due = self.cache.due(index, self.writers, &self.query(&limits, ended));
            if ended && due.is_empty() {
                return;
            }
            // The last pass has no preferences.
            let due = if ended { due } else { self.in_order(due, &limits) };
            let told = held.len();
            let (due, waiting) = held.part(due);
            // What is held back is nobody's fault, so it is not told.
            self.activity.tell_due(index, !due.is_empty());
            let mut passed = self.pass(&due, &limits, ended, &mut held);
            if passed != Passed::CutShort {
                passed = passed.max(self.offer(&waiting, &limits, ended, &mut held));
            }
            self.stats.held.fetch_add(held.len().wrapping_sub(told) as u64, Relaxed);
            if ended && held.len() > 0 {
                if due.is_empty() && self.journal.get().is_some() {
                    return;
                }
                passed = passed.max(Passed::Refused);
            }
            self.activity.tell_due(index, passed != Passed::Whole);
            if passed == Passed::CutShort || passed == Passed::Refused && self.ending.is_over() {
                return;
            }
            if passed == Passed::Refused {
                self.cache.bell().wait(heard, rest);
                rest = (rest * 2).min(LONGEST_REST);
            } else {
                rest = SHORTEST_REST;
                if !ended {
                    let tick = limits.max_wait.unwrap_or(TICK).min(TICK).max(Duration::from_millis(5));
                    self.cache.bell().wait(heard, tick.saturating_sub(begun.elapsed()));
                }
            }
        }
    }

    fn in_order(&self, due: Vec<SeriesId>, limits: &Limits) -> Vec<SeriesId> {
        let until = now() - limits.min_lag.as_secs_f64();
        self.cache.in_order(due, limits.strategy, Timestamp::saturating_from(until as i64))
    }

    /// Tells the cache how long series gather that it has not seen before.
    fn learn_waits(&self, index: usize, limits: &Limits) {
        for id in self.cache.unknown_waits(index, self.writers) {
            let name = self.cache.name(id);
            self.cache.set_wait(id, limits.wait(self.store.finest(&name)));
        }
    }

    /// What is due now.
    fn query(&self, limits: &Limits, ended: bool) -> Due {
        if ended {
            return Due::everything();
        }
        // Longer waits are known to each series; told here as well, they would have all series looked at in each pass.
        let chosen = if limits.max_wait.is_some_and(|wait| wait < TICK) { 0 } else { u32::MAX };
        let press_segment = self.journal.get().and_then(|journal| {
            let held = journal.snapshot();
            // Three quarters full: the older half of the segments has to go.
            let full = held.is_full() || held.bytes_on_disk > self.journal_bytes / 4 * 3;
            full.then(|| held.oldest.number() + (held.current.number() - held.oldest.number()) / 2)
        });
        Due { now: seconds(), press_segment, longest: chosen.min(self.longest_by_memory()) }
    }

    /// From half of the cache on, points gather the less long the fuller it is; not at all from three quarters on, since
    /// listeners that have stopped reading wait until less is filled.
    fn longest_by_memory(&self) -> u32 {
        let filled = self.cache.bytes() as f64 / self.cache.max_bytes() as f64;
        match filled {
            _ if self.cache.is_pressed() => 0,
            0.5.. => (f64::from(LONGEST_WAIT) * (0.75 - filled).max(0.0) / 0.25) as u32,
            _ => u32::MAX,
        }
    }

    /// Hands all these series to the store.
    fn pass(&self, due: &[SeriesId], limits: &Limits, ended: bool, held: &mut Held) -> Passed {
        let mut passed = Passed::Whole;
        let mut rest = due;
        while !rest.is_empty() {
            // What the journal holds can be left to the next start; what it does not is written as long as it goes on.
            if self.journal.get().is_some() && self.ending.is_over() {
                return Passed::CutShort;
            }
            let wanted = rest.len().min(BATCH);
            let granted = if ended { wanted } else { self.grant(wanted, limits) };
            let (ids, later) = rest.split_at(granted);
            rest = later;
            let taken = self.cache.take(ids);
            if !taken.batch.is_empty() && self.write(taken, held) {
                passed = Passed::Refused;
            }
            if self.ending.has_begun() && !ended {
                // The rest of this pass belongs to the last one, which has no rate and a time to end.
                return passed;
            }
        }
        passed
    }

    /// Hands series to the store that were held back the last time, until some are held back again.
    fn offer(&self, waiting: &[SeriesId], limits: &Limits, ended: bool, held: &mut Held) -> Passed {
        let mut passed = Passed::Whole;
        for batch in waiting.chunks(OFFERED) {
            let others = held.len().saturating_sub(batch.len());
            passed = passed.max(self.pass(batch, limits, ended, held));
            if held.len() > others || passed == Passed::CutShort {
                break;
            }
        }
        passed
    }

    /// How many of `wanted` series may be written now; waits until it is at least one, or the daemon stops.
    fn grant(&self, wanted: usize, limits: &Limits) -> usize {
        let rate = limits.updates_per_second;
        while rate > 0 && !self.ending.has_begun() {
            let mut bucket = self.updates.lock().unwrap_or_else(PoisonError::into_inner);
            let granted = bucket.take(wanted, rate, Instant::now());
            if granted > 0 {
                return granted;
            }
            let patience = bucket.until_next(rate).min(TICK);
            drop(bucket);
            self.cache.bell().wait(self.cache.bell().rung(), patience);
        }
        wanted
    }

    /// `true` when some of it is to be tried again.
    fn write(&self, taken: Taken, held: &mut Held) -> bool {
        let begun = Instant::now();
        let now = Timestamp::saturating_from(now() as i64);
        let report = catch_unwind(AssertUnwindSafe(|| self.runtime.block_on(self.store.write(&taken.batch, now))));
        self.stats.update_micros.fetch_add(begun.elapsed().as_micros() as u64, Relaxed);
        match report {
            Ok(report) => self.settle(&taken, report, held),
            Err(_) => self.isolate(taken, held),
        }
    }

    /// Takes from the cache what is stored, lets wait what was refused for now, and gives up what never will be stored.
    /// Gives whether some of it is to be tried again soon; what is held back has its own time.
    fn settle(&self, taken: &Taken, report: WriteReport, held: &mut Held) -> bool {
        self.stats.creates.fetch_add(report.created as u64, Relaxed);
        self.stats.out_of_range.fetch_add(report.out_of_range as u64, Relaxed);
        let mut refusals = report.refusals.into_iter().peekable();
        let (mut again, mut stored) = (false, 0);
        for (index, (id, pending)) in taken.ids.iter().zip(&taken.batch).enumerate() {
            let Some(refusal) = refusals.next_if(|refusal| refusal.index == index) else {
                self.stats.updates.fetch_add(1, Relaxed);
                stored += self.cache.confirm(*id);
                held.release(*id);
                continue;
            };
            if let StorageError::CreateLimit { .. } = refusal.error {
                // As somebody wished.
                self.cache.put_back(*id);
                held.hold(*id);
                continue;
            }
            self.stats.errors.fetch_add(1, Relaxed);
            self.activity.refused(&refusal, seconds());
            self.log(&pending.name, &refusal);
            if refusal.retry {
                self.cache.put_back(*id);
                if refusal.error.holds_new_series() {
                    held.hold(*id);
                } else {
                    again = true;
                }
            } else {
                held.release(*id);
                self.stats.dropped.fetch_add(self.cache.confirm(*id) as u64, Relaxed);
            }
        }
        self.stats.dropped.fetch_add(report.out_of_range as u64, Relaxed);
        self.stats.stored.fetch_add(stored.saturating_sub(report.out_of_range) as u64, Relaxed);
        again
    }

    /// After a panic in the store: each series alone, so that only the one at fault is given up.
    fn isolate(&self, taken: Taken, held: &mut Held) -> bool {
        if let [pending] = &taken.batch[..] {
            error!(metric = %pending.name, points = pending.points.len(),
                "The store panicked over this series; its waiting points are lost. This is a bug.");
            let error = StorageError::WorkerLost;
            let refusals = vec![Refusal { index: 0, retry: false, error }];
            return self.settle(&taken, WriteReport { refusals, ..WriteReport::default() }, held);
        }
        let mut refused = false;
        for (id, pending) in taken.ids.into_iter().zip(taken.batch) {
            refused |= self.write(Taken { ids: vec![id], batch: vec![pending] }, held);
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
