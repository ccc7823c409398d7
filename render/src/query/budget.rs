//! The memory that all requests share for what they have read.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use super::EvalError;

/// Bytes that requests may hold together; clones are of the same account.
#[derive(Clone, Debug)]
pub struct Budget {
    limit: usize,
    used: Arc<AtomicUsize>,
}

impl Default for Budget {
    /// As much as there is.
    fn default() -> Budget {
        Budget::new(usize::MAX)
    }
}

impl Budget {
    /// An account of `limit` bytes.
    pub fn new(limit: usize) -> Budget {
        Budget { limit, used: Arc::default() }
    }

    /// What may be held.
    pub fn limit(&self) -> usize {
        self.limit
    }

    /// What is held now.
    pub fn used(&self) -> usize {
        self.used.load(Relaxed)
    }
}

/// What one request holds; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Held {
    budget: Budget,
    bytes: usize,
}

impl Held {
    pub(crate) fn nothing_of(budget: &Budget) -> Held {
        Held { budget: budget.clone(), bytes: 0 }
    }

    /// Bytes that nobody holds now.
    pub(crate) fn room(&self) -> usize {
        self.budget.limit.saturating_sub(self.budget.used())
    }

    /// Enters more bytes, which are there already.
    ///
    /// # Errors
    /// All requests together hold too much now; the request is to end, which gives back what it holds.
    pub(crate) fn more(&mut self, bytes: usize) -> Result<(), EvalError> {
        // What a client can ask for at once is far from what would wrap around.
        let bytes = bytes.min(usize::MAX >> 8);
        self.bytes += bytes;
        let used = self.budget.used.fetch_add(bytes, Relaxed) + bytes;
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
        self.budget.used.fetch_sub(self.bytes - bytes, Relaxed);
        self.bytes = bytes;
        Ok(())
    }

    /// The same with what `other` holds of the same account.
    pub(crate) fn and(mut self, mut other: Held) -> Held {
        self.bytes += std::mem::take(&mut other.bytes);
        self
    }

    /// The same, with what is beyond `bytes` given back.
    pub(crate) fn at_most(mut self, bytes: usize) -> Held {
        let beyond = self.bytes.saturating_sub(bytes);
        self.bytes -= beyond;
        self.budget.used.fetch_sub(beyond, Relaxed);
        self
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.budget.used.fetch_sub(self.bytes, Relaxed);
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
}
