//! Keeps the index of names beside whoever answers queries, and true by a thread in the background.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, SyncSender, sync_channel};
use std::thread::JoinHandle;

use carbon::Carbon;
use carbon_storage::{Find, NameIndex, NameTable, Recent, WhisperTree};
use tracing::error;

use crate::config::Config;
use crate::serve::overlay;

/// An index and the thread that tends it.
pub(crate) struct KeptNames {
    pub(crate) index: NameIndex,
    follows: bool,
    thread: Option<JoinHandle<()>>,
    stop: SyncSender<()>,
}

impl KeptNames {
    /// Starts the index of a process that reads `tree`, and has what waits in `recent` if it is its own.
    pub(crate) fn start(config: &Config, tree: &WhisperTree, recent: Option<Arc<dyn Recent>>) -> KeptNames {
        let walk: Arc<dyn Find> = Arc::new(tree.clone());
        let fallback = match recent {
            Some(recent) => Arc::new(overlay(tree, walk, recent)),
            None => walk,
        };
        let index = NameIndex::new(tree.clone(), fallback, config.memory.shares().index);
        let (stop, stopped) = sync_channel(1);
        let mut tending = index.tending();
        let work = move || {
            let mut pause = tending.step();
            while stopped.recv_timeout(pause) == Err(RecvTimeoutError::Timeout) {
                pause = tending.step();
            }
        };
        let thread = std::thread::Builder::new().name("names".to_owned()).spawn(work);
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
