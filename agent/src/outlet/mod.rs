//! One destination as the rest of the agent sees it: lines go in, and nobody who puts them in ever waits.

mod backlog;
mod chunk;
mod counts;
mod handed;
mod lent;
mod lost;
mod queue;
#[cfg(test)]
mod tests;

use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;

pub(crate) use backlog::Replay;
pub(crate) use chunk::Chunk;
pub use counts::Counts;
use lent::Lent;
pub(crate) use lent::{Begun, Handover, Loan, Way};
pub use lost::{Cause, Lost};
pub(crate) use queue::{Limits, Queue, SMALLEST};

/// A queue between the collectors and one destination.
#[derive(Debug)]
pub(crate) struct Outlet {
    name: Box<str>,
    queue: Mutex<Queue>,
    /// The connection, while its task has nothing to do. Locked before the queue where both are.
    lent: Mutex<Option<Lent>>,
    filled: Notify,
    /// Wakes the spool.
    disk: Condvar,
}

impl Outlet {
    pub(crate) fn new(name: &str, limits: Limits) -> Outlet {
        let (queue, lent) = (Mutex::new(Queue::new(limits)), Mutex::new(None));
        Outlet { name: name.into(), queue, lent, filled: Notify::new(), disk: Condvar::new() }
    }

    /// What its destination is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Appends whole lines and has them delivered.
    #[cfg(test)]
    pub(crate) fn push(self: &Arc<Self>, lines: &[u8]) {
        self.append(lines);
        self.send();
    }

    /// Has delivered what waits, if anything does: over a connection that is lent, or else by waking its task. Whoever
    /// has several things to say appends them all first: a call costs more than the lines.
    pub(crate) fn send(self: &Arc<Self>) {
        if !self.queue().nothing_in_memory() && !self.hand_over() {
            self.wake();
        }
    }

    /// Appends whole lines, each ended by a newline, for the next [`send`](Outlet::send).
    pub(crate) fn append(&self, lines: &[u8]) {
        let mut queue = self.queue();
        queue.push(lines);
        let crowded = queue.is_crowded();
        drop(queue);
        if crowded {
            self.disk.notify_one();
        }
    }

    /// The oldest lines, which come back by themselves unless they are said to be delivered.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Held> {
        let chunk = self.queue().pop()?;
        Some(Held { chunk: Some(chunk), outlet: Arc::clone(self) })
    }

    /// The next lines from the spool; unless they are said to be handed over, the spool reads them again.
    pub(crate) fn take_replay(&self) -> Option<Replay> {
        let replay = self.queue().backlog.pop()?;
        self.disk.notify_one();
        Some(replay)
    }

    /// Enters that the destination was handed lines from the spool.
    pub(crate) fn replayed(&self, replay: Replay) {
        self.queue().replayed(replay, Instant::now());
        self.disk.notify_one();
    }

    /// A connection was made.
    pub(crate) fn connected(&self) {
        self.queue().connected();
        self.disk.notify_one();
    }

    /// There is no connection, or no more.
    pub(crate) fn broken(&self) {
        self.queue().broken(Instant::now());
        self.disk.notify_one();
    }

    /// Puts other limits in force. What is beyond them goes when more comes.
    pub(crate) fn limit(&self, limits: Limits) {
        self.queue().limit(limits);
        self.disk.notify_one();
    }

    /// All that was handed over has been read.
    pub(crate) fn confirmed(&self) {
        self.queue().confirmed();
        self.disk.notify_one();
    }

    /// Wakes whoever waits for something to deliver.
    pub(crate) fn wake(&self) {
        self.filled.notify_one();
    }

    /// Wakes the spool, which looks at what made us do so before it sleeps again.
    pub(crate) fn wake_spool(&self) {
        let _looking = self.queue();
        self.disk.notify_one();
    }

    /// Sleeps until the spool may have something to do, if `usable`; `longest` or until `stop` if not.
    pub(crate) fn idle(&self, usable: bool, longest: Duration, stop: &AtomicBool) {
        let queue = self.queue();
        let nap = if usable { queue.nap(Instant::now()) } else { longest };
        if !nap.is_zero() && !stop.load(Relaxed) {
            // A wake-up too many or a poisoned lock only means one more look.
            let _ = self.disk.wait_timeout(queue, nap);
        }
    }

    /// What went through so far, and what was lost.
    pub(crate) fn account(&self) -> (Counts, Lost) {
        let queue = self.queue();
        (queue.counts(), queue.lost())
    }

    /// Waits until there is something to deliver; `false` when `closing` has fired and nothing waits.
    pub(crate) async fn wait(&self, closing: &CancellationToken) -> bool {
        while self.queue().is_empty() {
            if closing.is_cancelled() {
                return false;
            }
            tokio::select! {
                () = self.filled() => {}
                () = closing.cancelled() => {}
            }
        }
        true
    }

    /// Waits until there may be something to take.
    pub(crate) async fn filled(&self) {
        self.filled.notified().await;
    }

    /// What waits and what was handed over; the lock is for short looks and changes.
    pub(crate) fn queue(&self) -> MutexGuard<'_, Queue> {
        // Nothing panics while it holds the lock, and a queue is never half changed.
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lines on their way; dropped undelivered they wait again, even when the task is cut off in the middle.
#[derive(Debug)]
pub(crate) struct Held {
    chunk: Option<Chunk>,
    outlet: Arc<Outlet>,
}

impl Held {
    /// The lines.
    pub(crate) fn lines(&self) -> &[u8] {
        self.chunk.as_ref().map_or(&[], |chunk| &chunk.lines)
    }

    /// The destination will never take them.
    pub(crate) fn refused(mut self) {
        if let Some(chunk) = self.chunk.take() {
            self.outlet.queue().lose(Cause::Refused, chunk.points, chunk.times());
        }
    }

    /// The destination has them, as far as we know.
    pub(crate) fn handed(mut self) {
        if let Some(chunk) = self.chunk.take() {
            self.outlet.queue().handed(chunk, Instant::now());
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(chunk) = self.chunk.take() {
            self.outlet.queue().put_back(chunk);
        }
    }
}
