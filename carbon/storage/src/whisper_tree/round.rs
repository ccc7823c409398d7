//! What the writes of one batch share, and what becomes of the files that they leave.

use std::cell::{Cell, RefCell};
use std::fs::File;

use whisper::Timestamp;

use super::way::Way;

/// One batch on its way into the files.
#[derive(Debug)]
pub(super) struct Round<'a> {
    pub(super) way: Way<'a>,
    pub(super) now: Timestamp,
    /// Whether pages leave memory between two writes.
    pub(super) away: bool,
    /// Files that are not kept open. Those that were written have our lock until they are closed.
    finished: RefCell<Vec<File>>,
    /// Whether somebody else's lock was waited for, so that what was opened before may have lost its name since.
    waited: Cell<bool>,
}

impl<'a> Round<'a> {
    pub(super) fn new(way: Way<'a>, now: Timestamp, away: bool) -> Round<'a> {
        Round { way, now, away, finished: RefCell::default(), waited: Cell::default() }
    }

    /// Begins with files that are going to be opened together.
    pub(super) fn begin(&self) {
        self.waited.set(false);
    }

    /// To be called before a lock is waited for, which takes any time.
    pub(super) fn will_wait(&self) {
        // It may be the lock of a file that is finished, under another name. And nobody is to wait for us meanwhile.
        self.close_finished();
        self.waited.set(true);
    }

    /// What was opened before, unless that may be long ago.
    pub(super) fn still(&self, opened: Option<File>) -> Option<File> {
        opened.filter(|_| !self.waited.get())
    }

    /// Takes files that can be closed when the last of those that were opened with them is written.
    pub(super) fn finish(&self, files: impl IntoIterator<Item = File>) {
        self.finished.borrow_mut().extend(files);
    }

    /// Closes what is finished.
    pub(super) fn close_finished(&self) {
        self.finished.borrow_mut().clear();
    }
}
