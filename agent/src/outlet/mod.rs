//! One destination as the rest of the agent sees it: lines go in, and nobody who puts them in ever waits.

mod chunk;
mod lost;
mod queue;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use tokio::sync::Notify;

use chunk::Chunk;
pub use lost::{Cause, Lost};
pub use queue::Counts;
pub(crate) use queue::{Limits, Queue, SMALLEST};

/// A queue between the collectors and one destination.
#[derive(Debug)]
pub(crate) struct Outlet {
    name: Box<str>,
    queue: Mutex<Queue>,
    filled: Notify,
}

impl Outlet {
    pub(crate) fn new(name: &str, limits: Limits) -> Outlet {
        Outlet { name: name.into(), queue: Mutex::new(Queue::new(limits)), filled: Notify::new() }
    }

    /// What its destination is called.
    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    /// Appends whole lines, each ended by a newline.
    pub(crate) fn push(&self, lines: &[u8]) {
        if !lines.is_empty() {
            self.queue().push(lines);
            self.filled.notify_one();
        }
    }

    /// The oldest lines, which come back by themselves unless they are said to be delivered.
    pub(crate) fn take(self: &Arc<Self>) -> Option<Held> {
        let chunk = self.queue().pop()?;
        Some(Held { chunk: Some(chunk), outlet: Arc::clone(self) })
    }

    /// What went through so far, and what was lost.
    pub(crate) fn account(&self) -> (Counts, Lost) {
        let queue = self.queue();
        (queue.counts(), queue.lost())
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
