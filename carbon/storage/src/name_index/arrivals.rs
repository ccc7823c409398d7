//! Names that carbon takes in, in the same process.
//!
//! A name is in carbon's table before its first point is in the cache, names of an earlier run may have no points at all,
//! and a name whose file was removed may get points again. So what is in the table and not in the index is remembered by
//! number, and asked after until it holds points.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant};

use carbon_line::tags;
use hashbrown::HashSet;

use super::nodes::{Nodes, WAITING};
use crate::{NameTable, SeriesId, Waiting};

/// Names that are looked at, or entered, under one lock, so that neither listeners nor searches are held up.
pub(super) const AT_ONCE: usize = 1_024;

/// So many absent names are asked after before each search; more of them only now and then.
const FEW: usize = 1_024;
/// So many are asked after where nobody may wait.
const VERY_FEW: usize = 32;
/// How often many are asked after, unless that takes long.
const PAUSE: Duration = Duration::from_millis(500);
/// One part in so many of the time goes into it at most.
const SHARE: u32 = 20;

pub(super) struct Arrivals {
    names: Arc<NameTable>,
    waiting: Arc<dyn Waiting>,
    progress: Mutex<Progress>,
}

#[derive(Default)]
struct Progress {
    /// Names of the table below this were looked at.
    seen: usize,
    /// Those of them that are not in the index.
    absent: HashSet<SeriesId>,
    /// When they are asked after again.
    next: Option<Instant>,
}

impl Arrivals {
    pub(super) fn new(names: Arc<NameTable>, waiting: Arc<dyn Waiting>) -> Arrivals {
        Arrivals { names, waiting, progress: Mutex::default() }
    }

    /// Puts names into the index that hold points and are not there.
    pub(super) fn catch_up(&self, nodes: &RwLock<Nodes>, now: u32) {
        let mut progress = self.progress();
        while progress.seen < self.names.len() {
            self.look_at_new(&mut progress, nodes);
        }
        if progress.absent.is_empty() {
            return;
        }
        let begun = Instant::now();
        if progress.absent.len() > FEW && progress.next.is_some_and(|next| begun < next) {
            return;
        }
        let mut ids: Vec<SeriesId> = progress.absent.iter().copied().collect();
        self.waiting.retain_waiting(&mut ids);
        // As they came, so that neighbours follow one another.
        ids.sort_unstable();
        for some in ids.chunks(AT_ONCE) {
            let table = self.names.read();
            let names: Vec<String> = some.iter().map(|id| table.text(*id).to_owned()).collect();
            drop(table);
            let mut nodes = nodes.write().unwrap_or_else(PoisonError::into_inner);
            nodes.enter(names.iter().map(String::as_str), WAITING, now);
            some.iter().for_each(|id| _ = progress.absent.remove(id));
        }
        progress.next = Some(Instant::now() + PAUSE.max(begun.elapsed() * SHARE));
    }

    /// Whether [`Arrivals::catch_up`] would find nothing to do, as far as that can be told at once.
    pub(super) fn is_caught_up(&self) -> bool {
        let Ok(progress) = self.progress.try_lock() else { return false };
        if progress.seen < self.names.len() {
            return false;
        }
        if progress.absent.len() > FEW && progress.next.is_some_and(|next| Instant::now() < next) {
            return true;
        }
        let mut ids: Vec<SeriesId> = progress.absent.iter().copied().take(VERY_FEW + 1).collect();
        if ids.len() > VERY_FEW {
            return false;
        }
        self.waiting.retain_waiting(&mut ids);
        ids.is_empty()
    }

    fn look_at_new(&self, progress: &mut Progress, nodes: &RwLock<Nodes>) {
        // The table only grows.
        let last = self.names.len().min(progress.seen + AT_ONCE);
        // In this order: listeners must not wait for whoever changes the tree.
        let nodes = nodes.read().unwrap_or_else(PoisonError::into_inner);
        let table = self.names.read();
        // Neighbours mostly lie below the same branch.
        let (mut above, mut branch) = (None, None);
        for id in (progress.seen..last).map(|id| SeriesId::new(id as u32)) {
            let name = table.text(id);
            if tags::is_tagged(name) {
                continue;
            }
            let (path, word) = name.rsplit_once('.').unwrap_or(("", name));
            if above != Some(path) {
                (above, branch) = (Some(path), nodes.branch_named(path));
            }
            let known = branch
                .is_some_and(|number| nodes.parts.find(word).is_some_and(|part| nodes.leaf_at(number, part).is_some()));
            if !known {
                progress.absent.insert(id);
            }
        }
        progress.seen = last;
    }

    /// Which of `names` hold points that are not in the store.
    pub(super) fn are_waiting(&self, names: &[String]) -> Vec<bool> {
        let ids: Vec<Option<SeriesId>> = {
            let table = self.names.read();
            names.iter().map(|name| table.lookup(name.as_bytes())).collect()
        };
        let mut waiting: Vec<SeriesId> = ids.iter().flatten().copied().collect();
        self.waiting.retain_waiting(&mut waiting);
        let waiting: HashSet<SeriesId> = waiting.into_iter().collect();
        ids.iter().map(|id| id.is_some_and(|id| waiting.contains(&id))).collect()
    }

    /// These are not in the index any more.
    pub(super) fn note_absent<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        let mut progress = self.progress();
        let table = self.names.read();
        let ids = names.into_iter().filter_map(|name| table.lookup(name.as_bytes()));
        let seen = progress.seen;
        // What was not looked at yet will be.
        progress.absent.extend(ids.filter(|id| id.index() < seen));
    }

    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
