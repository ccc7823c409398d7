//! The thread of one spool: takes what memory should not hold, and reads ahead what can be sent. A disk that hangs holds
//! up this thread and nobody else.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::thread;
use std::time::{Duration, Instant};

use tokio::sync::oneshot;
use tracing::{info, warn};

use super::{Loss, Spool};
use crate::outlet::Outlet;

/// How long a disk that refuses is left alone.
const LEFT_ALONE: Duration = Duration::from_secs(30);

/// The spool of one destination at work.
#[derive(Debug)]
pub(crate) struct Worker {
    outlet: Arc<Outlet>,
    stop: Arc<AtomicBool>,
    leave: Arc<AtomicBool>,
    ended: Option<oneshot::Receiver<()>>,
}

struct Work {
    outlet: Arc<Outlet>,
    stop: Arc<AtomicBool>,
    /// A stop leaves in memory what is there.
    leave: Arc<AtomicBool>,
    folder: PathBuf,
    most: u64,
    spool: Option<Spool>,
    /// When to try again, while there is none.
    again: Instant,
    told: bool,
}

impl Worker {
    /// Keeps what `outlet` cannot hold in `folder`, in `most` bytes; begins when `before`, which had the folder, has ended.
    ///
    /// # Errors
    /// The system gives no thread.
    pub(crate) fn start(outlet: &Arc<Outlet>, folder: &Path, most: u64, before: Option<Worker>) -> io::Result<Worker> {
        let (stop, leave) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicBool::new(false)));
        let (end, ended) = oneshot::channel();
        let work = Work {
            outlet: Arc::clone(outlet),
            stop: Arc::clone(&stop),
            leave: Arc::clone(&leave),
            folder: folder.to_owned(),
            most,
            spool: None,
            again: Instant::now(),
            told: false,
        };
        thread::Builder::new().name("spool".to_owned()).stack_size(256 << 10).spawn(move || {
            if let Some(before) = before.and_then(Worker::leave) {
                // A disk that hangs holds the old one up, and then it would hold us up, too.
                let _ = before.blocking_recv();
            }
            work.run();
            // Nobody may be waiting for the end.
            let _ = end.send(());
        })?;
        Ok(Worker { outlet: Arc::clone(outlet), stop, leave, ended: Some(ended) })
    }

    /// Puts all that waits on disk, and waits for the end of that.
    pub(crate) async fn stop(&mut self) {
        self.end();
        if let Some(ended) = self.ended.take() {
            let _ = ended.await;
        }
    }

    /// Ends it without taking anything more to disk; gives what tells of its end.
    fn leave(mut self) -> Option<oneshot::Receiver<()>> {
        self.leave.store(true, Relaxed);
        self.end();
        self.ended.take()
    }

    /// Ends it as [`leave`](Worker::leave) does; what is on disk stays there until there is a spool again.
    pub(crate) fn abandon(self) {
        drop(self.leave());
    }

    fn end(&self) {
        self.stop.store(true, Relaxed);
        self.outlet.wake_spool();
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.end();
    }
}

impl Work {
    fn run(mut self) {
        loop {
            // Read before the look at the queue: what came before the stop is seen.
            let stop = self.stop.load(Relaxed);
            let leave = stop && self.leave.load(Relaxed);
            let outcome = self.round(stop && !leave);
            if let Err(error) = outcome {
                self.refused(&error);
            }
            let usable = self.spool.is_some();
            if stop && (!usable || leave || self.outlet.queue().nothing_in_memory()) {
                if let Some(Err(error)) = self.spool.as_mut().map(Spool::close) {
                    self.refused(&error);
                }
                if leave {
                    // Who has the folder next reads it anew.
                    self.outlet.queue().backlog.closed();
                }
                return;
            }
            if !stop {
                let left_alone = self.again.saturating_duration_since(Instant::now());
                self.outlet.idle(usable, left_alone, &self.stop);
            }
        }
    }

    /// Does what there is to do.
    fn round(&mut self, stop: bool) -> io::Result<()> {
        let mut opened = false;
        if self.spool.is_none() {
            if !stop && Instant::now() < self.again {
                return Ok(());
            }
            self.spool = Some(Spool::open(&self.folder, self.most)?);
            opened = true;
        }
        let Some(spool) = &mut self.spool else { return Ok(()) };
        let now = Instant::now();
        let ((handed, settled, rewind), spilled) = {
            let mut queue = self.outlet.queue();
            (queue.news(now), queue.spill(now, stop))
        };
        handed.iter().for_each(|replay| spool.handed(replay));
        settled.into_iter().for_each(|number| spool.settled(number));
        if rewind {
            spool.rewind();
        }
        let (mut outcome, mut added) = (Ok(()), opened && spool.bytes() > 0);
        let mut chunks = spilled.into_iter();
        let (mut left, mut written) = (Vec::new(), Vec::new());
        for chunk in chunks.by_ref() {
            outcome = spool.append(&chunk);
            if outcome.is_err() {
                left.push(chunk);
                break;
            }
            written.push(chunk);
            added = true;
        }
        left.extend(chunks);
        let read = match outcome.is_ok() && self.outlet.queue().wants_replay() {
            true => Some(spool.next()),
            false => None,
        };
        let (points, bytes, losses) = (spool.points(), spool.bytes(), spool.losses());
        let mut queue = self.outlet.queue();
        left.into_iter().rev().for_each(|chunk| queue.put_back(chunk));
        written.into_iter().for_each(|chunk| queue.reuse(chunk));
        for Loss { cause, points, span } in losses {
            queue.lose_span(cause, points, span);
        }
        queue.backlog.resize(points, bytes, added);
        match read {
            None => {}
            Some(Ok(replay)) => queue.backlog.offer(replay),
            Some(Err(error)) => outcome = Err(error),
        }
        let waits = !queue.backlog.is_empty();
        drop(queue);
        if waits {
            self.outlet.wake();
        }
        // A full disk opens well, and refuses what is written.
        if outcome.is_ok() && std::mem::take(&mut self.told) {
            info!(destination = self.outlet.name(), "The spool can be used again.");
        }
        outcome
    }

    /// The disk does not do its part: lines wait in memory alone, and that is said once.
    fn refused(&mut self, error: &io::Error) {
        self.spool = None;
        self.again = Instant::now() + LEFT_ALONE;
        self.outlet.queue().backlog.closed();
        if !std::mem::replace(&mut self.told, true) {
            let (destination, path) = (self.outlet.name(), self.folder.display());
            warn!(destination, %path, %error, "The spool cannot be used; lines wait in memory alone.");
        }
    }
}
