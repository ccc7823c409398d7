//! [`Tags`] in memory: for each value of each tag the series that carry it, as ascending numbers.
//!
//! Series come from three sides: names that carbon takes in, which are looked up in its name table before each answer, as
//! far as that is soon done, so that a series is found as soon as its first point is accepted; names that clients post; and the list of an
//! earlier run. An answer sets one bit a series and expression and touches no name but those it gives.
//!
//! A series takes its name, 18 to 24 bytes beside it, and 4 to 8 bytes a tag. One that is taken out stays known as such, so that
//! it comes back only with new points, or when somebody enters it.

mod bits;
mod expiry;
mod list;
mod values;
mod state;

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use carbon_line::{MetricName, tags};
use hashbrown::HashSet;

use crate::off_worker::off_worker;
use crate::{Answer, NameTable, SeriesId, StorageError, TagEntry, TagExpression, TagQuery, Tags, ValueEntry, Waiting};
pub use expiry::Expiry;
use list::List;
use state::{Change, State, Unlisted};

/// Names that are taken in under one lock, so that neither listeners nor questions are held up.
const AT_ONCE: usize = 1_024;

/// Names that are entered before an answer at most. Who keeps the index enters them as they come, so that no more are
/// left over but in a flood of new series; those are shown a moment later then, and nobody waits for all of them.
const BEFORE_ANSWER: usize = 8_192;

/// Lines that may mean nothing any more before the list is written anew for their sake, beside as many as mean something.
const LINES_TO_SPARE: usize = 1_000;

/// The index, cheap to clone; clones share it.
#[derive(Clone)]
pub struct TagIndex {
    shared: Arc<Shared>,
}

struct Shared {
    state: RwLock<State>,
    /// Carbon's names, where carbon runs in this process.
    names: Option<Arc<NameTable>>,
    /// Bytes that series posted by clients may bring the index to.
    limit: usize,
    /// The list beside the archives.
    list: Option<Mutex<List>>,
    /// Whether another process keeps the list.
    reads_only: bool,
    /// What tells that a series has points, where carbon runs in this process.
    waiting: OnceLock<Arc<dyn Waiting>>,
}

impl TagIndex {
    /// An empty index that follows `names`, refuses series of clients once it takes `limit` bytes, and is forgotten with
    /// the process.
    pub fn new(names: Option<Arc<NameTable>>, limit: usize) -> TagIndex {
        TagIndex::with(names, limit, None, false)
    }

    /// As [`TagIndex::new`], with the series of the list at `path`; [`TagIndex::save`] brings it up to date.
    ///
    /// # Errors
    /// Names the list when it is there and cannot be read.
    pub fn open(path: &Path, names: Option<Arc<NameTable>>, limit: usize) -> Result<TagIndex, StorageError> {
        let index = TagIndex::with(names, limit, Some(List::at(path)), false);
        index.read_list()?;
        index.shared.state_mut().unlisted = Some(Unlisted::default());
        Ok(index)
    }

    /// An index that follows the list at `path`, which another process keeps, and takes no changes.
    pub fn follow(path: &Path) -> TagIndex {
        TagIndex::with(None, 0, Some(List::at(path)), true)
    }

    fn with(names: Option<Arc<NameTable>>, limit: usize, list: Option<List>, reads_only: bool) -> TagIndex {
        let list = list.map(Mutex::new);
        TagIndex {
            shared: Arc::new(Shared {
                state: RwLock::default(),
                names,
                limit,
                list,
                reads_only,
                waiting: OnceLock::new(),
            }),
        }
    }

    /// Enters series that were found elsewhere, such as in the tree. Blocks.
    pub fn enter(&self, names: &[MetricName]) {
        for some in names.chunks(AT_ONCE) {
            let mut state = self.shared.state_mut();
            some.iter().for_each(|name| state.add(name));
        }
    }

    /// Lets series that were taken out come back with new points, as `waiting` tells of those. Only the first call counts.
    pub fn watch(&self, waiting: Arc<dyn Waiting>) {
        // A second cache would be a fault of the caller's; the first one stays.
        let _ = self.shared.waiting.set(waiting);
    }

    /// Brings the list up to date, and on disk. Blocks.
    ///
    /// # Errors
    /// When the list cannot be written; the next call tries again.
    pub fn save(&self) -> Result<(), StorageError> {
        self.catch_up();
        self.revive();
        let Some(mut list) = self.shared.list() else { return Ok(()) };
        let Some(mut unlisted) = self.shared.state_mut().unlisted.as_mut().map(std::mem::take) else { return Ok(()) };
        // A process whose place we have taken may have written after we read.
        let mut news = Vec::new();
        let read = list.read(|_, line| news.push(line.to_owned()));
        let all = {
            let mut state = self.shared.state_mut();
            // What comes from the list is in it.
            let since = state.unlisted.take();
            news.iter().for_each(|line| state.apply(line));
            state.unlisted = since;
            let live = state.len() + state.removed().len();
            unlisted.stale |= matches!(read, Ok(true)) || list.lines() > 2 * live + LINES_TO_SPARE;
            unlisted.stale.then(|| state.all())
        };
        let tell = |some: &[Change], text: &mut String| self.shared.state().write(some, text);
        let saved = match (read, &all) {
            (Err(error), _) => Err(error),
            (Ok(_), Some(all)) => list.replace(all, &tell),
            (Ok(_), None) if unlisted.changes.is_empty() => return Ok(()),
            (Ok(_), None) => list.append(&unlisted.changes, &tell),
        };
        if saved.is_err()
            && let Some(unlisted) = &mut self.shared.state_mut().unlisted
        {
            unlisted.stale = true;
        }
        saved
    }

    /// Whether [`TagIndex::save`] would have nothing to write.
    pub fn is_listed(&self) -> bool {
        let state = self.shared.state();
        let nothing_new = state.unlisted.as_ref().is_none_or(|unlisted| !unlisted.stale && unlisted.changes.is_empty());
        nothing_new
            && state.removed().len() == 0
            && self.shared.names.as_ref().is_none_or(|names| state.seen >= names.len())
    }

    /// Takes in what the list holds that was not read before.
    fn read_list(&self) -> Result<(), StorageError> {
        let Some(mut list) = self.shared.list() else { return Ok(()) };
        let (mut state, mut begun) = (self.shared.state_mut(), false);
        let whole = list.read(|whole, line| {
            if whole && !begun {
                *state = State::default();
            }
            begun = true;
            state.apply(line);
        })?;
        if whole && !begun {
            *state = State::default();
        }
        Ok(())
    }

    /// Enters series again that were taken out and have got points since.
    fn revive(&self) {
        let (Some(waiting), Some(names)) = (self.shared.waiting.get(), &self.shared.names) else { return };
        let removed: Vec<u32> = self.shared.state().removed().collect();
        for some in removed.chunks(AT_ONCE) {
            let texts = self.shared.state().names_of(some);
            let known: Vec<(SeriesId, u32)> = {
                let table = names.read();
                let pairs = texts.iter().zip(some);
                pairs.filter_map(|(name, number)| Some((table.lookup(name.as_bytes())?, *number))).collect()
            };
            let mut waits: Vec<SeriesId> = known.iter().map(|(id, _)| *id).collect();
            waiting.retain_waiting(&mut waits);
            let waits: HashSet<SeriesId> = waits.into_iter().collect();
            let mut state = self.shared.state_mut();
            known.iter().for_each(|(id, number)| state.waits(*number, waits.contains(id)));
        }
    }

    /// # Errors
    /// When another process keeps the list.
    fn changeable(&self) -> Result<(), StorageError> {
        let reason = "the tag index is kept by the process that takes points in; send changes there".to_owned();
        if self.shared.reads_only { Err(StorageError::Declined { reason }) } else { Ok(()) }
    }

    /// Enters the tagged names that carbon has met since the last time. About a microsecond a name, so it is not to be
    /// called from an async worker when there may be many.
    pub fn catch_up(&self) {
        self.catch_up_by(usize::MAX);
    }

    /// Whether carbon has met names that were not looked at.
    pub fn is_behind(&self) -> bool {
        self.shared.names.as_ref().is_some_and(|names| self.shared.state().seen < names.len())
    }

    /// As [`TagIndex::catch_up`], for about so many names.
    fn catch_up_by(&self, most: usize) {
        let Some(names) = &self.shared.names else { return };
        let mut taken = 0;
        while taken < most && self.is_behind() {
            let mut state = self.shared.state_mut();
            let first = state.seen;
            // The table only grows.
            let last = names.len().min(first + AT_ONCE);
            let reader = names.read();
            let ids = (first..last).map(|id| SeriesId::new(id as u32));
            let texts = ids.map(|id| reader.text(id));
            let tagged: Vec<String> = texts.filter(|name| tags::is_tagged(name)).map(str::to_owned).collect();
            drop(reader);
            state.seen = last;
            tagged.iter().for_each(|name| state.meet(name));
            taken += last - first;
        }
    }

    /// How many series there are.
    pub fn len(&self) -> usize {
        self.shared.state().len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Memory that the index takes, about.
    pub fn bytes(&self) -> usize {
        self.shared.state().bytes()
    }

    fn take_out(
        &self,
        names: &[MetricName],
        each: impl Fn(&mut State, &MetricName) + Send + 'static,
    ) -> Answer<'_, Result<(), StorageError>> {
        let names = names.to_vec();
        let removed = self.ask(move |index| {
            index.changeable()?;
            let mut state = index.shared.state_mut();
            names.iter().for_each(|name| each(&mut state, name));
            Ok(())
        });
        Box::pin(async move { removed.await? })
    }

    /// Answers on a thread that may block.
    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&TagIndex) -> T + Send + 'static,
    ) -> Answer<'_, Result<T, StorageError>> {
        let index = self.clone();
        Box::pin(async move {
            let answer = off_worker(move || {
                if index.shared.reads_only {
                    index.read_list()?;
                }
                index.catch_up_by(BEFORE_ANSWER);
                Ok(question(&index))
            });
            answer.await?
        })
    }
}

impl Shared {
    // Each change leaves the state whole at every step that can panic.
    fn state(&self) -> RwLockReadGuard<'_, State> {
        self.state.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn list(&self) -> Option<MutexGuard<'_, List>> {
        self.list.as_ref().map(|list| list.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn state_mut(&self) -> RwLockWriteGuard<'_, State> {
        self.state.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl std::fmt::Debug for TagIndex {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TagIndex").field("series", &self.len()).finish_non_exhaustive()
    }
}

impl Tags for TagIndex {
    fn series<'a>(
        &'a self,
        wanted: &'a [TagExpression],
        limit: usize,
    ) -> Answer<'a, Result<Option<Vec<MetricName>>, StorageError>> {
        let wanted = wanted.to_vec();
        self.ask(move |index| index.shared.state().series(&wanted, limit))
    }

    fn tags<'a>(&'a self, query: &'a TagQuery) -> Answer<'a, Result<Vec<TagEntry>, StorageError>> {
        let query = query.clone();
        self.ask(move |index| index.shared.state().tags(&query))
    }

    fn values<'a>(&'a self, tag: &'a str, query: &'a TagQuery) -> Answer<'a, Result<Vec<ValueEntry>, StorageError>> {
        let (tag, query) = (tag.to_owned(), query.clone());
        self.ask(move |index| index.shared.state().values(&tag, &query))
    }

    fn add<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<(), StorageError>> {
        let names = names.to_vec();
        let added = self.ask(move |index| {
            index.changeable()?;
            let mut state = index.shared.state_mut();
            for name in &names {
                if state.bytes() >= index.shared.limit && !state.has(name) {
                    let reason = "the tag index holds as much as it may; raise `[memory] max`".to_owned();
                    return Err(StorageError::Declined { reason });
                }
                state.add(name);
            }
            Ok(())
        });
        Box::pin(async move { added.await? })
    }

    fn remove<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<(), StorageError>> {
        self.take_out(names, State::remove)
    }

    fn forget<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<(), StorageError>> {
        self.take_out(names, State::forget)
    }
}

#[cfg(test)]
mod tests;
