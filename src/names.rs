//! Keeps the index of names beside whoever answers queries, and true by a thread in the background.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use carbon::Carbon;
use carbon_storage::{Find, NameIndex, NameTable, Recent, Tending, WhisperTree};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::store::overlay;

/// Name of the snapshot below the data folder.
const SNAPSHOT: &str = "names.index";

/// How often what has changed is saved, unless that takes long.
const EVERY: Duration = Duration::from_secs(60);
/// One part in so many of the time goes into saving at most.
const SHARE: u32 = 50;

/// An index and the thread that tends it.
pub(crate) struct KeptNames {
    pub(crate) index: NameIndex,
    follows: bool,
    thread: Option<JoinHandle<()>>,
    stop: SyncSender<()>,
}

impl KeptNames {
    /// Starts the index of a process that reads `tree`, and has what waits in `recent` if it is its own.
    pub(crate) async fn start(config: &Config, tree: &WhisperTree, recent: Option<Arc<dyn Recent>>) -> KeptNames {
        let walk: Arc<dyn Find> = Arc::new(tree.clone());
        let fallback = match recent {
            Some(recent) => Arc::new(overlay(tree, walk, recent)),
            None => walk,
        };
        let index = NameIndex::new(tree.clone(), fallback, config.memory.shares().index);
        let (loaded, path) = (index.clone(), config.store.data.join(SNAPSHOT));
        let snapshot = path.clone();
        // A panic in there leaves an empty index, which the tree fills.
        let _ = tokio::task::spawn_blocking(move || load(&loaded, &snapshot)).await;
        let (stop, stopped) = sync_channel(1);
        let keeper = Keeper::new(&index, path);
        let thread = std::thread::Builder::new().name("names".to_owned()).spawn(move || keeper.run(&stopped));
        let thread = thread.map_err(|error| {
            let error = &error as &dyn std::error::Error;
            error!(
                error,
                "The thread that keeps the index of names true cannot be started; wide searches may be stale."
            );
        });
        KeptNames { index, follows: false, thread: thread.ok(), stop }
    }

    /// Shows what `carbon` takes in, too.
    pub(crate) fn follow(&mut self, names: &Arc<NameTable>, carbon: &Carbon) {
        self.index.follow(Arc::clone(names), carbon.waiting());
        self.follows = true;
    }

    /// Whether the index knows what waits in the cache.
    pub(crate) fn follows(&self) -> bool {
        self.follows
    }

    /// Ends the thread.
    pub(crate) async fn stop(mut self) {
        // Full means that it was told already.
        let _ = self.stop.try_send(());
        if let Some(thread) = self.thread.take() {
            // One that panicked has told so itself.
            let _ = tokio::task::spawn_blocking(move || thread.join()).await;
        }
    }
}

fn load(index: &NameIndex, path: &Path) {
    let begun = Instant::now();
    match index.load(path) {
        Ok(true) => {
            let elapsed_ms = begun.elapsed().as_millis() as u64;
            info!(names = index.len(), elapsed_ms, "The index of names is loaded.");
        }
        Ok(false) => {}
        Err(error) => {
            let error = &error as &dyn std::error::Error;
            warn!(error, "The saved index of names is of no use; it is made anew from the tree.");
        }
    }
}

/// The thread's work: what the index wants done, and a snapshot now and then.
struct Keeper {
    index: NameIndex,
    tending: Tending,
    path: PathBuf,
    /// The version that was saved last.
    saved: u64,
    next: Instant,
    /// Whether the last snapshot could be written.
    well: bool,
}

impl Keeper {
    fn new(index: &NameIndex, path: PathBuf) -> Keeper {
        let (index, tending) = (index.clone(), index.tending());
        Keeper { saved: index.version(), index, tending, path, next: Instant::now(), well: true }
    }

    /// Works until told to stop, or left alone.
    fn run(mut self, stopped: &Receiver<()>) {
        loop {
            let pause = self.tending.step();
            if self.tending.is_complete() && Instant::now() >= self.next {
                self.save();
            }
            if stopped.recv_timeout(pause) != Err(RecvTimeoutError::Timeout) {
                // Half an index would be taken for a whole one only until it is compared, but saves nothing.
                return if self.tending.is_complete() {
                    self.save()
                };
            }
        }
    }

    fn save(&mut self) {
        let (begun, version) = (Instant::now(), self.index.version());
        if version == self.saved {
            return;
        }
        let saved = self.index.save(&self.path);
        match &saved {
            Ok(()) => self.saved = version,
            Err(error) if self.well => {
                let error = error as &dyn std::error::Error;
                warn!(error, "The index of names cannot be saved; the next start has to list the whole tree.");
            }
            Err(_) => {}
        }
        self.well = saved.is_ok();
        self.next = Instant::now() + EVERY.max(begun.elapsed() * SHARE);
    }
}
