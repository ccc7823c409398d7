//! Headers that many series share: a tree has a handful of layouts and millions of files.

use std::sync::{Arc, Mutex, PoisonError};

use whisper::{Header, Kept};

/// More layouts than any set of rules has; of a tree with still more each file has its own.
const MOST: usize = 256;

/// The layouts met so far.
#[derive(Debug, Default)]
pub(super) struct Layouts(Mutex<Vec<Arc<Header>>>);

impl Layouts {
    /// Replaces the header by the equal one of another series, if there is one.
    pub(super) fn share(&self, kept: &mut Kept) {
        let mut met = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !met.iter().any(|header| kept.share(header)) && met.len() < MOST {
            met.push(Arc::clone(kept.header()));
        }
    }
}
