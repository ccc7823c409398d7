//! Keeps the tag index beside the process that takes points in: what it holds is on disk a second later, so that a
//! restart, and a render in another process, know it.

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use carbon::clock::next_second;
use carbon_storage::{EventLog, Expiry, NameTable, TagIndex, WhisperTree};
use render::Sources;
use tokio::sync::Notify;
use tokio::task::JoinHandle;
use tracing::{info, warn};

use crate::config::Config;
use crate::store::{StoreConfig, StoreKind};

/// How soon after new series more of them are looked for, so that no question has many to enter first. When none have
/// come, the next look at the list is soon enough: a process that stands still should not be woken for this.
const NEW_SOON: Duration = Duration::from_millis(50);

/// The list is brought up to date each second, unless that takes long, and read this often where there is nothing to
/// write: a process whose place we have taken may have written after us.
const LOOK_EVERY: Duration = Duration::from_secs(20);

/// Of the time, one part in so many goes into writing the list at most.
const SHARE: u32 = 10;

/// Pause between two looks at all series at most, and for how many times what a step took.
const LONGEST_ROUND: Duration = Duration::from_secs(3_600);
const REST: u32 = 20;

/// Names of the files below the data folder.
const LIST: &str = "tags.index";
const EVENTS: &str = "events.log";

/// An index and the task that saves it.
pub(crate) struct KeptTags {
    pub(crate) index: TagIndex,
    task: JoinHandle<()>,
    entering: JoinHandle<()>,
    expiring: Option<JoinHandle<()>>,
    stop: Arc<Notify>,
}

impl KeptTags {
    /// Opens the index of a process that takes points in.
    ///
    /// Without a list of an earlier run, files of `tree` that are named in words are looked for, beside everything else.
    pub(crate) async fn start(config: &Config, tree: &WhisperTree, names: &Arc<NameTable>) -> anyhow::Result<KeptTags> {
        let (names, limit) = (Some(Arc::clone(names)), config.memory.shares().index / 2);
        let index = if config.store.kind == StoreKind::None {
            TagIndex::new(names, limit)
        } else {
            let data = config.store.data.clone();
            let opened = tokio::task::spawn_blocking(move || open(&data, names, limit));
            opened.await.context("reading the tag index has panicked")??
        };
        if config.store.kind == StoreKind::Whisper && index.is_empty() {
            let (index, tree) = (index.clone(), tree.clone());
            // It ends with the process, if it has not ended before.
            std::thread::spawn(move || index.enter(&tree.tagged_names()));
        }
        let stop = Arc::new(Notify::new());
        let task = tokio::spawn(keep(index.clone(), Arc::clone(&stop)));
        let entering = tokio::spawn(enter(index.clone()));
        let after = config.store.forget_tagged_after.filter(|_| config.store.kind == StoreKind::Whisper);
        let expiring = after.map(|after| tokio::spawn(expire(index.clone(), tree.clone(), after)));
        Ok(KeptTags { index, task, entering, expiring, stop })
    }

    /// Saves for the last time.
    pub(crate) async fn stop(self) {
        self.stop.notify_one();
        self.entering.abort();
        if let Some(expiring) = self.expiring {
            expiring.abort();
        }
        // A task that panicked has nothing more to save.
        let _ = self.task.await;
    }
}

fn open(data: &Path, names: Option<Arc<NameTable>>, limit: usize) -> anyhow::Result<TagIndex> {
    fs::create_dir_all(data).with_context(|| format!("cannot create {}", data.display()))?;
    Ok(TagIndex::open(&data.join(LIST), names, limit)?)
}

/// Enters new series as they come, so that no question has many to enter first.
async fn enter(index: TagIndex) {
    let mut soon = true;
    loop {
        match soon {
            true => tokio::time::sleep(NEW_SOON).await,
            false => tokio::time::sleep_until(next_second().into()).await,
        }
        soon = index.is_behind();
        if !soon {
            continue;
        }
        let entering = index.clone();
        if tokio::task::spawn_blocking(move || entering.catch_up()).await.is_err() {
            return;
        }
    }
}

/// Saves until told to stop, and once more then.
async fn keep(index: TagIndex, stop: Arc<Notify>) {
    let (mut wake, mut well, mut ending) = (Instant::now(), true, false);
    let mut looked: Option<Instant> = None;
    while !ending {
        tokio::select! {
            () = stop.notified() => ending = true,
            () = tokio::time::sleep_until(wake.into()) => {}
        }
        if !ending && index.is_listed() && looked.is_some_and(|looked| looked.elapsed() < LOOK_EVERY) {
            wake = next_second();
            continue;
        }
        let begun = Instant::now();
        looked = Some(begun);
        let saving = index.clone();
        let Ok(saved) = tokio::task::spawn_blocking(move || saving.save()).await else { return };
        match &saved {
            Err(error) if well => {
                let error = error as &dyn std::error::Error;
                warn!(error, "The list of tagged series cannot be written; a restart may not know the latest.");
            }
            Ok(()) if !well => info!("The list of tagged series is written again."),
            _ => {}
        }
        well = saved.is_ok();
        wake = next_second().max(Instant::now() + begun.elapsed() * SHARE);
    }
}

/// Forgets series whose archives have been gone for `after`.
async fn expire(index: TagIndex, tree: WhisperTree, after: Duration) {
    let mut expiry = Expiry::new(after);
    let between = (after / 10).clamp(Duration::from_secs(1), LONGEST_ROUND);
    loop {
        let (index, tree, begun) = (index.clone(), tree.clone(), Instant::now());
        let step = tokio::task::spawn_blocking(move || {
            let forgotten = index.expire(&mut expiry, &|name| tree.has_file(name), Instant::now());
            (expiry, forgotten)
        });
        let Ok((going_on, forgotten)) = step.await else { return };
        expiry = going_on;
        if let Some(first) = forgotten.as_ref().and_then(|names| names.first()) {
            let series = forgotten.as_ref().map_or(0, Vec::len);
            info!(series, first = first.as_str(), "Tagged series whose archives are gone are forgotten.");
        }
        // A part of the time goes into it, as into other work of the background.
        let pause = if forgotten.is_some() { between } else { begun.elapsed() * REST };
        tokio::time::sleep(pause).await;
    }
}

/// Adds events, and the tags of `index` or those that the process which takes points in has listed.
pub(crate) async fn with_tags(sources: Sources, store: &StoreConfig, index: Option<TagIndex>) -> Sources {
    let data = &store.data;
    let index = index.unwrap_or_else(|| TagIndex::follow(&data.join(LIST)));
    let path = data.join(EVENTS);
    let opened = tokio::task::spawn_blocking(move || EventLog::open(&path)).await;
    let events = match opened {
        Ok(Ok(events)) => Some(Arc::new(events) as _),
        Ok(Err(error)) => {
            let error = &error as &dyn std::error::Error;
            warn!(error, "There are no events, because their file cannot be used.");
            None
        }
        Err(_) => None,
    };
    Sources { tags: Some(Arc::new(index)), events, ..sources }
}
