//! Memory for lines and frames that have not arrived whole: bounded for all connections together.
//!
//! What fits one read takes none of it, and a few KiB are every connection's own. Beyond that connections share a bound,
//! and who passes it ends the connection that has been unfinished for longest: a peer that means well is done within
//! moments.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio_util::sync::CancellationToken;

use crate::stats::Stats;

/// Bytes that a connection may hold without asking.
const FREE: usize = 4096;

/// The shared bound.
#[derive(Debug)]
pub(crate) struct Unfinished {
    most: usize,
    stats: Arc<Stats>,
    claims: Mutex<Claims>,
}

#[derive(Debug, Default)]
struct Claims {
    held: usize,
    next: u64,
    /// The oldest first.
    by_age: BTreeMap<u64, (usize, CancellationToken)>,
}

/// What one connection holds of it; given back when dropped.
#[derive(Debug)]
pub(crate) struct Claim {
    of: Arc<Unfinished>,
    number: u64,
    /// Fires when others need the memory.
    pub(crate) ended: CancellationToken,
}

impl Unfinished {
    /// At most `most` bytes for all.
    pub(crate) fn new(most: usize, stats: Arc<Stats>) -> Arc<Unfinished> {
        Arc::new(Unfinished { most, stats, claims: Mutex::default() })
    }

    /// Files what a connection holds now under its claim, which comes and goes with the need for one.
    pub(crate) fn note(self: &Arc<Unfinished>, claim: &mut Option<Claim>, bytes: usize) {
        if bytes <= FREE {
            *claim = None;
            return;
        }
        let mut claims = self.lock();
        let number = claim.as_ref().map_or(claims.next, |claim| claim.number);
        let mine = claim.get_or_insert_with(|| {
            claims.next += 1;
            Claim { of: Arc::clone(self), number, ended: CancellationToken::new() }
        });
        if mine.ended.is_cancelled() {
            return;
        }
        let (before, _) = claims.by_age.insert(number, (bytes, mine.ended.clone())).unwrap_or_default();
        claims.held = claims.held - before + bytes;
        while claims.held > self.most
            && let Some((_, (freed, ended))) = claims.by_age.pop_first()
        {
            claims.held -= freed;
            self.stats.evicted.fetch_add(1, Relaxed);
            ended.cancel();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Claims> {
        self.claims.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Claim {
    fn drop(&mut self) {
        let mut claims = self.of.lock();
        if let Some((bytes, _)) = claims.by_age.remove(&self.number) {
            claims.held -= bytes;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_oldest_claim_gives_way() {
        let unfinished = Unfinished::new(3 * FREE, Arc::default());
        let [mut free, mut old, mut young] = [None, None, None];
        unfinished.note(&mut free, FREE);
        unfinished.note(&mut old, FREE + 1);
        unfinished.note(&mut young, FREE + 1);
        unfinished.note(&mut young, 2 * FREE);
        assert!(free.is_none() && old.as_ref().unwrap().ended.is_cancelled());
        assert!(!young.as_ref().unwrap().ended.is_cancelled());
        unfinished.note(&mut old, FREE + 2);
        assert_eq!(unfinished.lock().held, 2 * FREE, "what is ended claims nothing");
        unfinished.note(&mut young, 0);
        drop(old);
        assert_eq!(unfinished.lock().held, 0);
        assert!(unfinished.lock().by_age.is_empty());
        assert_eq!(unfinished.stats.snapshot().evicted, 1);
    }
}
