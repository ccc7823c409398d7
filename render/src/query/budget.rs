//! The memory that all requests share for what they have read.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

use tokio::sync::{Mutex, Notify};

use super::EvalError;

/// Bytes that requests may hold together; clones are of the same account.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: usize,
    account: Arc<Account>,
}

#[derive(Debug, Default)]
struct Account {
    used: AtomicUsize,
    /// Told when something is given back.
    given: Notify,
    /// Held by the one who waits for memory; the others wait behind it.
    turn: Mutex<()>,
}

/// One part in so many is not for those who wait for much, so that small requests find some.
const FOR_SMALL: usize = 8;

impl Default for Budget {
    /// As much as there is.
    fn default() -> Budget {
        Budget::new(usize::MAX)
    }
}

impl Budget {
    /// An account of `limit` bytes.
    pub fn new(limit: usize) -> Budget {
        Budget { limit, account: Arc::default() }
    }

    /// What may be held.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What is held now.
    pub fn used(&self) -> usize {
        self.account.used.load(SeqCst)
    }

    fn give_back(&self, bytes: usize) {
        if bytes > 0 {
            self.account.used.fetch_sub(bytes, SeqCst);
            self.account.given.notify_waiters();
        }
    }
}

/// What one request holds; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Budget,
    bytes: usize,
    /// Those of `bytes` that nothing is in so far.
    empty: usize,
}

impl Held {
    pub(crate) fn nothing_of(budget: &Budget) -> Held {
        Held { budget: budget.clone(), bytes: 0, empty: 0 }
    }

    /// Bytes that nobody else holds now, and that nothing is in.
    pub(crate) fn room(&self) -> usize {
        self.empty + self.budget.limit.saturating_sub(self.budget.used())
    }

    /// Sees to it that `bytes` more can be entered, and waits until others have given back as much. Whoever would be too
    /// much also alone does not wait. Called while little is held: two who hold much would wait for each other.
    pub(crate) async fn reserve(&mut self, bytes: usize) {
        let Budget { limit, account } = &self.budget;
        let needed = bytes.saturating_sub(self.empty);
        let alone = self.bytes.saturating_add(needed);
        if needed == 0 || alone > *limit {
            return;
        }
        let most = (limit - limit / FOR_SMALL).max((*limit).min(alone + limit / FOR_SMALL / 2));
        let _turn = account.turn.lock().await;
        loop {
            let mut given = pin!(account.given.notified());
            // From here on it is told, so that nothing given back between the look and the wait is missed.
            given.as_mut().enable();
            let take = |used: usize| used.checked_add(needed).filter(|sum| *sum <= most);
            if account.used.fetch_update(SeqCst, SeqCst, take).is_ok() {
                self.bytes += needed;
                self.empty += needed;
                return;
            }
            given.await;
        }
    }

    /// Gives back what was reserved and not needed.
    pub(crate) fn give_rest_back(&mut self) {
        let rest = std::mem::take(&mut self.empty);
        self.bytes -= rest;
        self.budget.give_back(rest);
    }

    /// Enters more bytes, which are there already.
    ///
    /// # Errors
    /// All requests together hold too much now; the request is to end, which gives back what it holds.
    pub(crate) fn more(&mut self, bytes: usize) -> Result<(), EvalError> {
        // What a client can ask for at once is far from what would wrap around.
        let bytes = bytes.min(usize::MAX >> 8);
        let reserved = bytes.min(self.empty);
        self.empty -= reserved;
        let bytes = bytes - reserved;
        if bytes == 0 {
            return Ok(());
        }
        self.bytes += bytes;
        let used = self.budget.account.used.fetch_add(bytes, SeqCst) + bytes;
        if used > self.budget.limit { Err(EvalError::Memory { allowed: self.budget.limit }) } else { Ok(()) }
    }

    /// Holds `bytes` from now on.
    ///
    /// # Errors
    /// As [`Held::more`].
    pub(crate) fn set(&mut self, bytes: usize) -> Result<(), EvalError> {
        if bytes > self.bytes {
            return self.more(bytes - self.bytes);
        }
        self.budget.give_back(self.bytes - bytes);
        self.bytes = bytes;
        Ok(())
    }

    /// The same with what `other` holds of the same account.
    pub(crate) fn and(mut self, mut other: Held) -> Held {
        self.bytes += std::mem::take(&mut other.bytes);
        self.empty += std::mem::take(&mut other.empty);
        self
    }

    /// The same, with what is beyond `bytes` given back.
    pub(crate) fn at_most(mut self, bytes: usize) -> Held {
        let beyond = self.bytes.saturating_sub(bytes);
        self.bytes -= beyond;
        self.budget.give_back(beyond);
        self
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.give_back(self.bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_request_held_is_given_back_also_when_it_was_too_much() {
        let budget = Budget::new(100);
        let (mut one, mut two) = (Held::nothing_of(&budget), Held::nothing_of(&budget));
        assert!(one.more(60).is_ok() && two.more(40).is_ok());
        assert!(matches!(two.more(1), Err(EvalError::Memory { allowed: 100 })));
        assert_eq!(budget.used(), 101);
        drop(two);
        assert!(one.more(40).is_ok());
        let mut three = Held::nothing_of(&budget);
        assert!(three.more(0).is_ok() && three.more(20).is_err());
        let both = one.and(three);
        assert_eq!(budget.used(), 120);
        let mut both = both.at_most(70);
        assert_eq!(budget.used(), 70);
        assert!(both.set(30).is_ok() && budget.used() == 30 && both.set(101).is_err());
        drop(both);
        assert_eq!(budget.used(), 0);
    }

    #[tokio::test]
    async fn what_is_reserved_is_waited_for_in_turn() {
        let budget = Budget::new(1_600);
        let (mut one, mut two) = (Held::nothing_of(&budget), Held::nothing_of(&budget));
        one.reserve(1_400).await;
        assert_eq!((budget.used(), one.room()), (1_400, 1_600));
        two.more(100).unwrap();
        let waiting = tokio::spawn(async move {
            two.reserve(900).await;
            two
        });
        while budget.account.turn.try_lock().is_ok() {
            tokio::task::yield_now().await;
        }
        assert!(one.more(1_000).is_ok(), "what is entered was reserved");
        assert_eq!(budget.used(), 1_500);
        one.give_rest_back();
        tokio::task::yield_now().await;
        assert_eq!((budget.used(), waiting.is_finished()), (1_100, false));
        drop(one);
        let two = waiting.await.unwrap();
        assert_eq!(budget.used(), 1_000);
        let mut hopeless = Held::nothing_of(&budget);
        hopeless.reserve(1_601).await;
        assert_eq!(hopeless.bytes, 0);
        let mut all = Held::nothing_of(&budget);
        drop(two);
        all.reserve(1_600).await;
        assert_eq!(budget.used(), 1_600, "alone it may have all");
    }
}
