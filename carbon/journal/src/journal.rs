//! The journal as the daemon sees it: its folder locked, its threads running.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use carbon_storage::{NameTable, SeriesId};
use whisper::Point;

use crate::chunk::{Position, Segment};
use crate::core::{Core, Ticket};
use crate::disk::Folder;
use crate::error::JournalError;
use crate::lock::Lock;
use crate::options::Options;
use crate::replay::Replayed;
use crate::snapshot::Snapshot;
use crate::threads;

/// An open journal. Dropping it writes what was appended; [`close`](Journal::close) also says whether that worked.
#[derive(Debug)]
pub struct Journal {
    core: Arc<Core>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    _lock: Lock,
}

impl Journal {
    /// Locks the folder, reads what an earlier process left, and starts.
    ///
    /// Each sound batch is handed to `each` with its segment, in the order in which it was appended; its points' names
    /// are in `names` by then. Damaged bytes are skipped, logged, and counted in the answer. The segments stay on disk
    /// until they are [released](Journal::release).
    ///
    /// # Errors
    /// When another process has the folder, when a newer program wrote it (nothing is touched then), or when the disk
    /// refuses.
    pub fn open(
        options: Options,
        names: Arc<NameTable>,
        mut each: impl FnMut(Segment, &[(SeriesId, Point)]),
    ) -> Result<(Arc<Journal>, Replayed), JournalError> {
        let failed = |source: io::Error| JournalError::Disk { path: options.dir.clone(), source };
        let folder = Folder::open(&options.dir).map_err(failed)?;
        let lock = Lock::take(&options.dir)?;
        let dir = options.dir.clone();
        let (core, replayed) = Core::open(options, Box::new(folder), names, &mut each)?;
        let threads = threads::start(&core).map_err(|source| JournalError::Disk { path: dir, source })?;
        Ok((Arc::new(Journal { core, threads: Mutex::new(threads), _lock: lock }), replayed))
    }

    /// Adds a batch behind all before it. The points are with the kernel, safe from `kill -9`, within a tenth of a
    /// second, and safe from a power cut at the next sync.
    ///
    /// To be called when the journal [is ready](Journal::is_ready), and not while the name table is locked by the caller.
    /// Hot path: encodes into memory under one lock; no system call but a wake-up of the writer, at most ten times a
    /// second and once a MiB.
    pub fn append(&self, batch: &[(SeriesId, Point)]) -> Ticket {
        self.core.append(batch, Instant::now(), false)
    }

    /// As [`append`](Journal::append), by a caller who calls [`write`](Journal::write) before it sleeps: one thread less
    /// that has to wake up.
    pub fn append_to_write(&self, batch: &[(SeriesId, Point)]) -> Ticket {
        self.core.append(batch, Instant::now(), true)
    }

    /// Hands the kernel what was appended until now, if there is anything; blocks as long as a write does. What cannot be
    /// written is left to the journal's own thread, which tries again.
    pub fn write(&self) {
        threads::write_now(&self.core);
    }

    /// Whether listeners may go on. They may not while the oldest point that is not safe is too old, too many bytes are
    /// not safe, the disk is full or fails, or the journal has its full size; [`Snapshot::wait`] says which.
    pub fn is_ready(&self) -> bool {
        let now = Instant::now();
        self.core.state().wait(&self.core.options, now).is_none()
    }

    /// Waits until the journal is ready.
    pub async fn ready(&self) {
        self.until(|| self.is_ready()).await;
    }

    /// Waits until everything up to `position` is safe from a power cut.
    pub async fn synced(&self, position: Position) {
        self.until(|| self.core.state().synced >= position.0).await;
    }

    /// Makes safe what was appended until now; blocks.
    ///
    /// # Errors
    /// At the first write or sync that fails. The points stay in memory and are tried again.
    pub fn sync(&self) -> Result<(), JournalError> {
        self.core.sync()
    }

    /// The lowest segment that a live [`Ticket`] names, else the current one. A checkpoint asks this first and the cache
    /// second: a batch that leaves the one in between is in the other by then.
    pub fn oldest_in_transit(&self) -> Segment {
        Segment::new(self.core.state().oldest_in_transit())
    }

    /// Later appends go to a new segment, so that the current one can be released; nothing while it is empty.
    pub fn roll(&self) {
        self.core.state().roll();
    }

    /// Removes the segments below `below`, whose points the archives hold and have synced; blocks. Returns how many.
    ///
    /// # Errors
    /// When the disk refuses; what is left is removed by the next call.
    pub fn release(&self, below: Segment) -> Result<usize, JournalError> {
        let dir = &self.core.options.dir;
        self.core.release(below).map_err(|source| JournalError::Disk { path: dir.clone(), source })
    }

    /// The journal's figures.
    pub fn snapshot(&self) -> Snapshot {
        self.core.snapshot(Instant::now())
    }

    /// Makes everything safe and ends the threads; blocks. Nothing may be appended afterwards. A journal whose segments
    /// have all been released leaves no names behind either.
    ///
    /// # Errors
    /// When not everything could be made safe. What could stays for the next start.
    pub fn close(&self) -> Result<(), JournalError> {
        let synced = self.sync();
        self.stop();
        let dir = &self.core.options.dir;
        synced.and(self.core.forget_names().map_err(|source| JournalError::Disk { path: dir.clone(), source }))
    }

    /// Waits for a condition that changes only when a write, a sync or a release ends.
    async fn until(&self, condition: impl Fn() -> bool) {
        loop {
            // Asked for before the look, so that no change falls in between.
            let changed = self.core.changed.notified();
            if condition() {
                return;
            }
            changed.await;
        }
    }

    /// Ends the threads after a last write and sync.
    fn stop(&self) {
        self.core.state().closing = true;
        self.core.to_write.notify_all();
        self.core.to_sync.notify_all();
        let threads = std::mem::take(&mut *self.threads.lock().unwrap_or_else(PoisonError::into_inner));
        for thread in threads {
            // A panic there was printed when it happened, and `sync` has told what is not safe.
            let _ = thread.join();
        }
        // The syncer may have ended before the writer did. What fails here was tried, and stays for the next start.
        let _ = self.core.sync_step();
    }
}

impl Drop for Journal {
    fn drop(&mut self) {
        self.stop();
    }
}
