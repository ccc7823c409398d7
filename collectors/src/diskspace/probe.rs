//! Asking a file system that may never answer.

use std::io;
use std::path::{Path, PathBuf};
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
    pub(super) fn ask(&mut self) {
        if self.asked.is_some() {
            return;
        }
        let (sender, receiver) = sync_channel(1);
        let (point, ask) = (self.point.clone(), self.ask);
        let thread = thread::Builder::new().name("statvfs".to_owned()).spawn(move || {
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
            probe.ask();
            let since = probe.asked.as_ref().unwrap().1;
            assert!(matches!(probe.answer(Duration::from_millis(5)), Answer::Stale));
            assert_eq!(probe.asked.as_ref().unwrap().1, since, "still the first question");
        }
    }

    #[test]
    fn a_mount_that_answers_is_asked_again() {
        let mut probe = Probe::of("/".into());
        for _ in 0..2 {
            probe.ask();
            assert!(matches!(probe.answer(Duration::from_secs(30)), Answer::Space(_)));
        }
    }

    #[test]
    fn a_mount_that_went_away_says_why() {
        let mut probe = Probe::of("/nowhere".into());
        probe.ask();
        assert!(matches!(probe.answer(Duration::from_secs(30)), Answer::Failed(_)));
    }
}
