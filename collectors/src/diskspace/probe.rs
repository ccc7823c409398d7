//! Asking a file system that may never answer.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::thread;
use std::time::{Duration, Instant};

/// How full a file system is, in bytes and inodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Space {
    pub(super) bytes: f64,
    pub(super) bytes_free: f64,
    pub(super) bytes_avail: f64,
    pub(super) inodes: f64,
    pub(super) inodes_free: f64,
    pub(super) inodes_avail: f64,
}

impl Space {
    /// Of the file system at `point`; may never return.
    pub(super) fn of(point: &Path) -> io::Result<Space> {
        let space = rustix::fs::statvfs(point)?;
        // Blocks are counted in fragments; the block size itself is only a hint for readers.
        let bytes = |blocks: u64| blocks as f64 * space.f_frsize as f64;
        Ok(Space {
            bytes: bytes(space.f_blocks),
            bytes_free: bytes(space.f_bfree),
            bytes_avail: bytes(space.f_bavail),
            inodes: space.f_files as f64,
            inodes_free: space.f_ffree as f64,
            inodes_avail: space.f_favail as f64,
        })
    }
}

/// What came of a question.
#[derive(Debug)]
pub(super) enum Answer {
    Space(Space),
    /// None in time. The next one is asked for only when this one has come.
    Stale,
    Failed(io::Error),
}

/// The threads that ask, those included that may never come back.
#[derive(Clone, Debug)]
pub(super) struct Living {
    threads: Arc<AtomicUsize>,
    most: usize,
}

/// Counts as a thread until it is dropped.
#[derive(Debug)]
pub(super) struct Alive(Arc<AtomicUsize>);

impl Living {
    pub(super) fn at_most(most: usize) -> Living {
        Living { threads: Arc::default(), most }
    }

    /// What one more thread holds; `None` when there are enough.
    pub(super) fn one_more(&self) -> Option<Alive> {
        let more = |threads| Some(threads + 1).filter(|threads| *threads <= self.most);
        self.threads.fetch_update(Relaxed, Relaxed, more).ok()?;
        Some(Alive(Arc::clone(&self.threads)))
    }
}

impl Drop for Alive {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// Asks one mount point, with at most one thread waiting for an answer.
#[derive(Debug)]
pub(super) struct Probe {
    point: PathBuf,
    ask: fn(&Path) -> io::Result<Space>,
    asked: Option<(Receiver<io::Result<Space>>, Instant)>,
}

impl Probe {
    pub(super) fn of(point: PathBuf) -> Probe {
        Probe { point, ask: Space::of, asked: None }
    }

    /// Sends a thread to ask, unless one is still waiting.
    pub(super) fn ask(&mut self, living: &Living) {
        if self.asked.is_some() {
            return;
        }
        // Mounts that hang and are taken away leave their threads behind; there is an end to that.
        let Some(alive) = living.one_more() else { return };
        let (sender, receiver) = sync_channel(1);
        let (point, ask) = (self.point.clone(), self.ask);
        let thread = thread::Builder::new().name("statvfs".to_owned()).spawn(move || {
            let _alive = alive;
            // Whoever asked may have gone.
            let _ = sender.send(ask(&point));
        });
        // Without a thread there is nothing to wait for, and the next run tries again.
        self.asked = thread.ok().map(|_| (receiver, Instant::now()));
    }

    /// The answer, if it comes within `patience` of the question.
    pub(super) fn answer(&mut self, patience: Duration) -> Answer {
        let Some((receiver, since)) = &self.asked else { return Answer::Stale };
        let answer = match receiver.recv_timeout(patience.saturating_sub(since.elapsed())) {
            Ok(Ok(space)) => Answer::Space(space),
            Ok(Err(error)) => Answer::Failed(error),
            Err(RecvTimeoutError::Timeout) => return Answer::Stale,
            Err(RecvTimeoutError::Disconnected) => Answer::Stale,
        };
        self.asked = None;
        answer
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mount_that_hangs_is_stale_and_asked_once() {
        let hang = |_: &Path| loop {
            thread::park();
        };
        let mut probe = Probe { ask: hang, ..Probe::of("/dead".into()) };
        for _ in 0..3 {
            probe.ask(&Living::at_most(1));
            let since = probe.asked.as_ref().unwrap().1;
            assert!(matches!(probe.answer(Duration::from_millis(5)), Answer::Stale));
            assert_eq!(probe.asked.as_ref().unwrap().1, since, "still the first question");
        }
    }

    #[test]
    fn a_mount_that_answers_is_asked_again() {
        let mut probe = Probe::of("/".into());
        for _ in 0..2 {
            probe.ask(&Living::at_most(1));
            assert!(matches!(probe.answer(Duration::from_secs(30)), Answer::Space(_)));
        }
    }

    #[test]
    fn a_mount_that_went_away_says_why() {
        let mut probe = Probe::of("/nowhere".into());
        probe.ask(&Living::at_most(1));
        assert!(matches!(probe.answer(Duration::from_secs(30)), Answer::Failed(_)));
    }
}
