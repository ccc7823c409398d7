//! All names of a tree in memory, as a tree of interned words: [`Find`] without walking directories.
//!
//! A branch stands for a folder and remembers what told the folder's state when it was listed. Before a branch is used
//! for the first time since the start it is compared with its folder, by one `stat` when nothing has changed: so answers
//! are right from the first one, whatever the [snapshot](NameIndex::load) of an earlier run said, and an index that
//! begins empty fills itself with what is asked for. Later a [`Tending`] compares all branches in turn, and a search that
//! meets few branches compares those once more.
//!
//! Names come from folders, from files that the tree of this process has just made, and, where carbon runs in this
//! process, from its table of names: what holds points in the cache is shown before it has a file. A name goes when its
//! file is gone and no points of it wait.
//!
//! Searches and changes take turns at one lock. A search gives it back after some thousand nodes and goes on from the
//! branches that it still has to visit; a change holds it for one folder. Nobody does I/O under it.

mod parts;
mod nodes;
mod compare;
mod search;
mod ends;
mod wanted;
mod alive;
mod arrivals;
mod tending;
mod snapshot;

use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::Instant;

use carbon_line::MetricName;

use crate::off_worker::off_worker;
use crate::whisper_tree::Change;
use crate::{
    Answer, Find, FindQuery, ListQuery, NameTable, Node, NodeEnds, NodeList, Partial, StorageError, Waiting,
    WhisperTree,
};
use arrivals::{AT_ONCE, Arrivals};
use nodes::Nodes;

pub use tending::Tending;

/// Branches that may be compared with their folders at the same time.
const TURNS: usize = 64;

/// The index, cheap to clone; clones share it.
#[derive(Clone)]
pub struct NameIndex {
    shared: Arc<Shared>,
}

struct Shared {
    tree: WhisperTree,
    /// Answers what the index cannot: links that lead in circles, and everything once memory is used up.
    fallback: Arc<dyn Find>,
    nodes: RwLock<Nodes>,
    /// Whoever compares a branch holds the one for its number.
    turns: Vec<Mutex<()>>,
    begun: Instant,
    arrivals: OnceLock<Arrivals>,
    /// Bytes that it may take.
    limit: usize,
    full: AtomicBool,
    /// Since when all files have been looked at, in seconds since the epoch; 0 while they never were.
    looked: AtomicU32,
}

impl NameIndex {
    /// An empty index of `tree` that takes `limit` bytes at most; `fallback` answers in its place when it cannot.
    pub fn new(tree: WhisperTree, fallback: Arc<dyn Find>, limit: usize) -> NameIndex {
        // From now on the tree takes notes.
        tree.take_changes();
        let shared = Shared {
            tree,
            fallback,
            nodes: RwLock::default(),
            turns: (0..TURNS).map(|_| Mutex::default()).collect(),
            begun: Instant::now(),
            arrivals: OnceLock::new(),
            limit,
            full: AtomicBool::new(false),
            looked: AtomicU32::new(0),
        };
        NameIndex { shared: Arc::new(shared) }
    }

    /// Shows the names of `names`, too, while `waiting` says that they hold points. Only the first call counts.
    pub fn follow(&self, names: Arc<NameTable>, waiting: Arc<dyn Waiting>) {
        // A second table would be a fault of the caller's; the first one stays.
        let _ = self.shared.arrivals.set(Arrivals::new(names, waiting));
    }

    /// Takes names out whose files are gone. One that holds points comes back with the next search. Blocks.
    pub fn remove(&self, names: &[MetricName]) {
        for name in names {
            self.shared.remove(name);
        }
    }

    /// Shows names whose files have just come to be, as a rename makes them. Blocks.
    pub fn add(&self, names: &[MetricName]) {
        let now = self.shared.seconds();
        self.shared.enter(names.iter().map(|name| &**name), now);
    }

    /// How many names there are, as far as they were met.
    pub fn len(&self) -> usize {
        self.shared.nodes().leaves()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// A number that grows with what a snapshot should hold.
    pub fn version(&self) -> u64 {
        self.shared.nodes().version
    }

    /// Memory that the index takes, about.
    pub fn bytes(&self) -> usize {
        self.shared.nodes().bytes()
    }

    /// Takes in what the process itself knows to be new. Blocks.
    pub fn catch_up(&self) {
        self.shared.catch_up();
    }
}

impl Shared {
    /// Seconds since the index began, from 1.
    fn seconds(&self) -> u32 {
        u32::try_from(self.begun.elapsed().as_secs()).unwrap_or(u32::MAX - 1).saturating_add(1)
    }

    // Every change leaves the tree whole at each step that can panic, or loses at most what the next comparison finds.
    fn nodes(&self) -> RwLockReadGuard<'_, Nodes> {
        self.nodes.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn nodes_mut(&self) -> RwLockWriteGuard<'_, Nodes> {
        self.nodes.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn turn(&self, number: u32) -> MutexGuard<'_, ()> {
        self.turns[number as usize % TURNS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remove(&self, name: &str) {
        let Some((number, part)) = self.nodes().locate(name) else { return };
        // Somebody may have listed the file just before it went, and must not put it back.
        let _turn = self.turn(number);
        let mut nodes = self.nodes_mut();
        if nodes.locate(name) == Some((number, part)) && nodes.remove_leaf(number, part) {
            nodes.prune(number);
        }
        drop(nodes);
        self.note_absent([name]);
    }

    fn catch_up(&self) {
        let now = self.seconds();
        let changes = self.tree.take_changes();
        let those = |kind: Change| changes.iter().filter(move |(change, _)| *change == kind).map(|(_, name)| &**name);
        self.enter(those(Change::Created), now);
        those(Change::Missed).for_each(|name| self.suspect(name));
        if let Some(arrivals) = self.arrivals.get() {
            arrivals.catch_up(&self.nodes, now);
        }
    }

    /// Puts names into the tree whose files are there, not so many at a time that searches are held up.
    fn enter<'a>(&self, names: impl Iterator<Item = &'a str>, now: u32) {
        let mut names = names.peekable();
        while names.peek().is_some() {
            self.nodes_mut().enter(names.by_ref().take(AT_ONCE), nodes::UNKNOWN, now);
        }
    }

    /// Whether there is nothing to take in, as far as that can be told at once.
    fn is_caught_up(&self) -> bool {
        !self.tree.has_changes() && self.arrivals.get().is_none_or(Arrivals::is_caught_up)
    }

    /// Has the branch of a name compared before it is used again.
    fn suspect(&self, name: &str) {
        let located = self.nodes().locate(name);
        if let Some((number, part)) = located {
            let mut nodes = self.nodes_mut();
            if let Some(at) = nodes.leaf_at(number, part)
                && nodes.at(number).leaves[at].seen != nodes::WAITING
            {
                nodes.at_mut(number).suspect();
            }
        }
    }

    fn note_absent<'a>(&self, names: impl IntoIterator<Item = &'a str>) {
        if let Some(arrivals) = self.arrivals.get() {
            arrivals.note_absent(names);
        }
    }
}

impl std::fmt::Debug for NameIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NameIndex").field("names", &self.len()).finish_non_exhaustive()
    }
}

impl Find for NameIndex {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Partial<Vec<Node>>, StorageError>> {
        Box::pin(async move {
            let found = self.list(&ListQuery::all(query.pattern.clone())).await?;
            Ok(Partial { value: found.value.into(), failures: found.failures })
        })
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Result<Partial<NodeList>, StorageError>> {
        Box::pin(async move {
            if let Some(found) = search::search_little(&self.shared, query) {
                return Ok(Partial::whole(found));
            }
            match self.search(query, search::search).await? {
                Some(found) => Ok(found),
                None => self.shared.fallback.list(query).await,
            }
        })
    }

    fn ends<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Result<Partial<NodeEnds>, StorageError>> {
        Box::pin(async move {
            if let Some(found) = search::search_little(&self.shared, query) {
                return Ok(Partial::whole(NodeEnds::of(&found)));
            }
            match self.search(query, search::search_ends).await? {
                Some(found) => Ok(found),
                None => self.shared.fallback.ends(query).await,
            }
        })
    }
}

impl NameIndex {
    /// Searches on a thread that may block, until nobody waits for it any more.
    async fn search<T: Send + 'static>(
        &self,
        query: &ListQuery,
        search: fn(&Shared, &ListQuery, &AtomicBool) -> Option<T>,
    ) -> Result<Option<T>, StorageError> {
        let (shared, query) = (Arc::clone(&self.shared), query.clone());
        let stop = StopOnDrop(Arc::new(AtomicBool::new(false)));
        let stopped = Arc::clone(&stop.0);
        off_worker(move || search(&shared, &query, &stopped)).await
    }
}

/// Ends a search that nobody waits for any more.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

#[cfg(test)]
mod tests;
