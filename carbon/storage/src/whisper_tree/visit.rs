//! Files that are opened together, before the first of them is written.
//!
//! Those of a batch that have to be opened are opened some at a time, and closed after the last of them was written: a
//! processor that does the same thing again finds the kernel's code for it in its nearest cache. Each is locked, looked at
//! and written in one go all the same. Only the moment between opening and locking is longer, some 100 us; a file that
//! loses its name in it is noticed as one that lost it right after it was opened: by having no name left, or by the next
//! write, see [`carry`](super::carry). After a lock that had to be waited for, what was opened before is opened anew.
//!
//! Measured in a loop of nothing but the system calls of an update, 100 000 files on ext4 in folders of ten, eight at a
//! time: 7.4 us of CPU a file instead of 8.1; 16 and 32 at a time are no better.

use std::fs::File;
use std::path::PathBuf;

use super::WhisperTree;
use super::known::Knowledge;
use super::reach::open;
use super::round::Round;
use crate::Pending;

/// Files opened at a time.
const TOGETHER: usize = 8;

/// A series of a batch, with its place there, and what is known of its file.
pub(super) type Next<'a> = (usize, (&'a Pending, Option<Knowledge>));

/// A file that is going to be written.
pub(super) struct Visit<'a> {
    /// Place of its series in the batch.
    pub(super) index: usize,
    pub(super) pending: &'a Pending,
    pub(super) path: PathBuf,
    pub(super) known: Option<Knowledge>,
    /// The file, neither locked nor looked at, if it is known and was not open.
    pub(super) opened: Option<File>,
}

impl WhisperTree {
    /// Opens the next files into `visits`, which is empty, if any are left.
    pub(super) fn next_visits<'a>(
        &self,
        round: &Round<'_>,
        rest: &mut impl Iterator<Item = Next<'a>>,
        visits: &mut Vec<Visit<'a>>,
    ) -> bool {
        round.begin();
        visits.extend(rest.take(TOGETHER).map(|next| self.visit(round, next)));
        !visits.is_empty()
    }

    fn visit<'a>(&self, round: &Round<'_>, (index, (pending, known)): Next<'a>) -> Visit<'a> {
        let path = self.file_of(&pending.name);
        let was_closed = known.as_ref().is_some_and(|known| known.file.is_none());
        // What goes wrong here shows again when it is written.
        let opened = if was_closed { open(&round.way, &path).ok() } else { None };
        Visit { index, pending, path, known, opened }
    }
}
