//! A connection that its task lends while it has nothing to do: whoever has lines then hands them to the kernel himself,
//! without waking anybody. For an agent that speaks each ten seconds a task that wakes up is a fifth of what all costs.
//! What does not go at once is left to the task: nobody waits here.

use std::fmt;
use std::sync::{Arc, MutexGuard, PoisonError};

use super::{Held, Outlet};

/// Gives lines to a connection without waiting.
pub(crate) trait Way: Send {
    /// Hands over whole lines.
    fn hand(&mut self, lines: &[u8]) -> Handover;
}

/// How much a connection took at once.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Handover {
    /// All of it.
    Whole,
    /// All but these bytes, as they look on the way.
    Part(Vec<u8>),
    /// Nothing: it is full or broken, which its task finds out.
    Nothing,
}

/// See the module.
pub(super) struct Lent {
    way: Box<dyn Way>,
    begun: Option<Begun>,
}

/// Lines that went in part.
#[derive(Debug)]
pub(crate) struct Begun {
    pub(crate) held: Held,
    /// What is left of them, as it looks on the way.
    pub(crate) rest: Vec<u8>,
}

impl fmt::Debug for Lent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lent").field("begun", &self.begun).finish_non_exhaustive()
    }
}

/// The time for which a way is lent; it ends with [`end`](Loan::end) or when this is dropped.
pub(crate) struct Loan<'a>(&'a Arc<Outlet>);

impl Outlet {
    /// Lends `way` to whoever has lines.
    pub(crate) fn lend(self: &Arc<Self>, way: Box<dyn Way>) -> Loan<'_> {
        *self.lent() = Some(Lent { way, begun: None });
        Loan(self)
    }

    /// Hands over all that waits; `false` when that is left to the task.
    pub(super) fn hand_over(self: &Arc<Self>) -> bool {
        let mut lent = self.lent();
        let Some(Lent { way, begun: begun @ None }) = &mut *lent else { return false };
        while let Some(held) = self.take() {
            match way.hand(held.lines()) {
                Handover::Whole => held.handed(),
                Handover::Part(rest) => {
                    *begun = Some(Begun { held, rest });
                    return false;
                }
                // The lines wait again.
                Handover::Nothing => return false,
            }
        }
        true
    }

    /// Whether a connection is lent.
    #[cfg(test)]
    pub(crate) fn is_lent(&self) -> bool {
        self.lent().is_some()
    }

    fn lent(&self) -> MutexGuard<'_, Option<Lent>> {
        // A way that panicked is given back all the same, and its task goes on.
        self.lent.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Loan<'_> {
    /// Takes the way back, with lines that went in part.
    pub(crate) fn end(self) -> Option<(Box<dyn Way>, Option<Begun>)> {
        self.0.lent().take().map(|Lent { way, begun }| (way, begun))
    }
}

impl Drop for Loan<'_> {
    fn drop(&mut self) {
        // Lines that went in part wait again, whole.
        let lent = self.0.lent().take();
        drop(lent);
    }
}
