//! How senders that can wait are kept from filling the cache.
//!
//! Between the question for room and the points' arrival a sender may wait for other things, the journal above all, and
//! ten thousand may do so at once. Room is therefore promised, and promises count as if they were kept already.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use tokio::sync::Notify;

use super::run::Run;
use super::{Cache, bell::Bell};

/// Promised for a point, whose size is not known before: what it takes if it is the first of its series.
const POINT: usize = Run::BYTES;

/// The limit, and those who wait below it.
#[derive(Debug)]
pub(super) struct Limit {
    max_bytes: usize,
    /// Bytes held and bytes promised.
    claimed: AtomicUsize,
    /// Tells senders that there is room again.
    room: Notify,
    /// Senders that wait.
    waiting: AtomicUsize,
}

impl Limit {
    pub(super) fn new(max_bytes: usize) -> Limit {
        Limit { max_bytes, claimed: AtomicUsize::new(0), room: Notify::new(), waiting: AtomicUsize::new(0) }
    }

    /// So many hundredths of the limit.
    pub(super) fn part(&self, percent: usize) -> usize {
        (self.max_bytes / 100 * percent).max(1)
    }

    pub(super) fn max_bytes(&self) -> usize {
        self.max_bytes
    }

    /// Adds a difference, modulo the number range, to what is claimed; rouses senders when it falls below the mark.
    pub(super) fn change(&self, difference: usize) {
        let before = self.claimed.fetch_add(difference, Relaxed);
        let after = before.wrapping_add(difference);
        if before >= self.resume() && after < self.resume() {
            self.room.notify_waiters();
        }
    }

    /// Senders resume a little below where they stopped, so that they do not stop again at once.
    fn resume(&self) -> usize {
        self.part(75)
    }

    fn promise(&self, bytes: usize, below: usize) -> Option<Room<'_>> {
        let claim = |claimed: usize| (claimed < below).then(|| claimed.saturating_add(bytes));
        self.claimed.fetch_update(Relaxed, Relaxed, claim).ok().map(|_| Room { limit: self, bytes })
    }

    async fn wait(&self, bytes: usize, bell: &Bell) -> Room<'_> {
        let _waiting = Counted::new(&self.waiting);
        loop {
            let room = self.room.notified();
            if let Some(room) = self.promise(bytes, self.resume()) {
                return room;
            }
            bell.ring();
            room.await;
        }
    }
}

/// Room promised to a sender, until it is dropped: after the points are filed.
#[derive(Debug)]
#[must_use = "the promise ends when this is dropped"]
pub struct Room<'a> {
    limit: &'a Limit,
    bytes: usize,
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.limit.change(0usize.wrapping_sub(self.bytes));
    }
}

impl Cache {
    /// Waits for room for `points`, if there is little: whoever waits here has stopped reading. To be asked before each
    /// batch, and to be held until it is filed; the last batch that finds room may pass the limit.
    pub async fn room(&self, points: usize) -> Room<'_> {
        let bytes = points.saturating_mul(POINT).min(self.limit.max_bytes());
        if let Some(room) = self.limit.promise(bytes, self.limit.part(80)) {
            return room;
        }
        self.stats.pauses.fetch_add(1, Relaxed);
        self.limit.wait(bytes, &self.bell).await
    }

    /// Whether senders wait for room, so that writers should make some before it is time.
    pub fn is_pressed(&self) -> bool {
        self.limit.waiting.load(Relaxed) > 0
    }
}

/// One of those that are counted.
struct Counted<'a>(&'a AtomicUsize);

impl Counted<'_> {
    fn new(count: &AtomicUsize) -> Counted<'_> {
        count.fetch_add(1, Relaxed);
        Counted(count)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}
