//! Deleting and renaming series of a running daemon: in journal, cache, archives and indexes, in an order in which a crash
//! at any point leaves each series either as it was or as it was to be.
//!
//! 1. The journal begins a new segment, and [`Changes`] writes down which series change, up to the segment before.
//! 2. What waits of a series is taken out of the cache, once no writer has some of it.
//! 3. Its archive is removed or renamed. If that fails what waited waits again, and the line of 1 is taken back.
//! 4. What waited goes on under the new name; indexes follow.
//!
//! Checkpoints wait meanwhile: between 2 and 4 nothing but the journal has those points. A point that arrives meanwhile
//! under the old name belongs to either side; one that arrives later begins a new series.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use carbon_journal::Journal;
use carbon_line::{MetricName, tags};
use carbon_storage::{Answer, Changed, Find, Housekeeping, ListQuery, NameIndex, NameTable, Rearrange, Selection};
use carbon_storage::{SeriesId, StorageError, Store, Tags};
use tokio::runtime::Handle;
use tracing::{debug, warn};

use crate::cache::{Cache, Withdrawn};
use crate::changes::{Change, Changes};
use crate::checkpoint::Checkpoint;

/// Series changed between two checkpoints.
const AT_ONCE: usize = 1_000;

/// How long a writer is waited for that has points of a series.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK: Duration = Duration::from_millis(5);

/// Changes which series a daemon has; cheap to clone.
#[derive(Clone)]
pub struct Housekeeper {
    house: Arc<House>,
    /// Where changes are made to their end, whoever has asked for them.
    runtime: Handle,
}

/// Who lists names, and follows a change.
#[derive(Clone)]
pub struct Indexes {
    /// Lists what is stored and what waits.
    pub find: Arc<dyn Find>,
    /// The index of names, where there is one.
    pub names: Option<NameIndex>,
    /// The index of tags.
    pub tags: Option<Arc<dyn Tags>>,
}

/// What is changed.
pub(crate) struct House {
    pub(crate) cache: Arc<Cache>,
    pub(crate) names: Arc<NameTable>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) journal: Option<Arc<Journal>>,
    pub(crate) checkpoint: Option<Arc<Checkpoint>>,
    /// The list beside the journal; without a journal nothing can come back.
    pub(crate) changes: Option<Mutex<Changes>>,
    pub(crate) indexes: Indexes,
    /// Held by the one who changes.
    pub(crate) turn: tokio::sync::Mutex<()>,
}

impl Housekeeper {
    /// Must be called within a runtime.
    pub(crate) fn new(house: House) -> Housekeeper {
        let house = Arc::new(house);
        tokio::spawn(forget_given_up(Arc::clone(&house)));
        Housekeeper { house, runtime: Handle::current() }
    }

    fn change(&self, list: Vec<(MetricName, Option<MetricName>)>) -> Answer<'_, Result<Changed, StorageError>> {
        let house = Arc::clone(&self.house);
        // A task of its own, beside the connection's runtime: a client that leaves does not leave half a change.
        let changing = self.runtime.spawn(async move { house.change_all(list).await });
        Box::pin(async move { changing.await.map_err(|_| StorageError::WorkerLost)? })
    }
}

impl Housekeeping for Housekeeper {
    fn list<'a>(
        &'a self,
        wanted: &'a Selection,
        limit: usize,
    ) -> Answer<'a, Result<Option<Vec<MetricName>>, StorageError>> {
        Box::pin(async move {
            let pattern = match (wanted, &self.house.indexes.tags) {
                (Selection::Names(pattern), _) => pattern,
                (Selection::Tagged(expressions), Some(tags)) => return tags.series(expressions, limit).await,
                (Selection::Tagged(_), None) => return Ok(Some(Vec::new())),
            };
            let query = ListQuery { leaves_only: true, most: limit, ..ListQuery::all(pattern.clone()) };
            let mut found = self.house.indexes.find.list(&query).await?;
            if let Some(failure) = found.failures.into_iter().next() {
                // What cannot be listed would be left out without a word.
                return Err(failure.error);
            }
            found.value.sort();
            let names = found.value.iter().filter_map(|(path, _)| MetricName::parse(path).ok());
            Ok(if found.value.is_cut() { None } else { Some(names.collect()) })
        })
    }

    fn present(&self, names: Vec<MetricName>) -> Answer<'_, Result<Vec<bool>, StorageError>> {
        let house = Arc::clone(&self.house);
        Box::pin(async move {
            let look = move || {
                let store = house.archives()?;
                Ok(names.iter().map(|name| house.waits(name) || store.has(name)).collect())
            };
            tokio::task::spawn_blocking(look).await.map_err(|_| StorageError::WorkerLost)?
        })
    }

    fn delete(&self, names: Vec<MetricName>) -> Answer<'_, Result<Changed, StorageError>> {
        self.change(names.into_iter().map(|name| (name, None)).collect())
    }

    fn rename(&self, names: Vec<(MetricName, MetricName)>) -> Answer<'_, Result<Changed, StorageError>> {
        self.change(names.into_iter().map(|(from, to)| (from, Some(to))).collect())
    }
}

impl House {
    async fn change_all(self: Arc<Self>, list: Vec<(MetricName, Option<MetricName>)>) -> Result<Changed, StorageError> {
        let _turn = self.turn.lock().await;
        let mut changed = Changed::default();
        for some in list.chunks(AT_ONCE) {
            let _still = match &self.checkpoint {
                Some(checkpoint) => Some(checkpoint.hold().await),
                None => None,
            };
            let (house, some) = (Arc::clone(&self), some.to_vec());
            let done = tokio::task::spawn_blocking(move || house.change_some(some)).await;
            let (done, failed) = done.map_err(|_| StorageError::WorkerLost)??;
            self.tell_indexes(&done).await;
            changed.done.extend(done.into_iter().map(|(from, _)| from));
            changed.failed.extend(failed);
        }
        Ok(changed)
    }

    /// Changes all of these, or says why not, series by series.
    fn change_some(&self, list: Vec<(MetricName, Option<MetricName>)>) -> Result<Outcome, StorageError> {
        let store = self.archives()?;
        self.begin(&list)?;
        let (mut done, mut failed) = (Vec::new(), Vec::new());
        for (from, to) in list {
            match self.change_one(store, &from, to.as_ref()) {
                Ok(()) => {
                    debug!(metric = %from, to = to.as_ref().map(MetricName::as_str), "A series was deleted or renamed.");
                    done.push((from, to));
                }
                Err(error) => {
                    warn!(metric = %from, error = &error as &dyn std::error::Error, "A series stays as it is.");
                    failed.push((from, error));
                }
            }
        }
        let names: Vec<MetricName> = failed.iter().map(|(name, _)| name.clone()).collect();
        if let Some(mut changes) = self.changes()
            && let Err(error) = changes.end(&names)
        {
            warn!(%error, "The list of changes beside the journal cannot be written; the next start makes them again.");
        }
        Ok((done, failed))
    }

    /// Makes the changes outlive a crash before they are made.
    fn begin(&self, list: &[(MetricName, Option<MetricName>)]) -> Result<(), StorageError> {
        let (Some(journal), Some(mut changes)) = (&self.journal, self.changes()) else { return Ok(()) };
        journal.roll();
        // Until then a segment may have no file yet, and would count as released. A disk that is full lets all lines stay.
        let is_safe = journal.sync().is_ok();
        let held = journal.snapshot();
        let oldest = if is_safe { held.oldest.number() } else { 0 };
        let until = held.current.number().saturating_sub(1);
        let list: Vec<Change> =
            list.iter().map(|(from, to)| Change { until, from: from.clone(), to: to.clone() }).collect();
        changes.begin(&list, oldest).map_err(|error| StorageError::Declined {
            reason: format!("nothing is changed, because the list beside the journal cannot be written: {error}"),
        })
    }

    fn change_one(
        &self,
        store: &dyn Rearrange,
        from: &MetricName,
        to: Option<&MetricName>,
    ) -> Result<(), StorageError> {
        let id = self.names.lookup(from.as_bytes());
        if let Some(to) = to.filter(|to| self.waits(to)) {
            return Err(StorageError::Declined { reason: format!("there is a series `{to}` already") });
        }
        let waited = id.map(|id| self.withdraw(id, from)).transpose()?.flatten();
        let made = match to {
            None => store.remove(id, from),
            Some(to) => store.rename(id, from, to),
        };
        match (&made, waited, id) {
            (Ok(_), Some((points, segment)), _) if let Some(to) = to => {
                self.cache.return_as(self.names.intern(to), &points, segment);
            }
            (Err(_), Some((points, segment)), Some(id)) => self.cache.return_as(id, &points, segment),
            _ => {}
        }
        made.map(|_| ())
    }

    /// Takes out what waits of a series, and waits for a writer that has some of it.
    fn withdraw(&self, id: SeriesId, name: &MetricName) -> Result<Option<Waited>, StorageError> {
        let until = Instant::now() + PATIENCE;
        loop {
            match self.cache.withdraw(id) {
                Withdrawn::Nothing => return Ok(None),
                Withdrawn::Points(points, segment) => return Ok(Some((points, segment))),
                Withdrawn::Busy if Instant::now() >= until => {
                    let reason = format!("`{name}` has been written to for {PATIENCE:?}; try again");
                    return Err(StorageError::Declined { reason });
                }
                Withdrawn::Busy => std::thread::sleep(LOOK),
            }
        }
    }

    async fn tell_indexes(&self, done: &[(MetricName, Option<MetricName>)]) {
        if let Some(index) = self.indexes.names.clone() {
            let gone: Vec<MetricName> = done.iter().map(|(from, _)| from.clone()).collect();
            let new: Vec<MetricName> = done.iter().filter_map(|(_, to)| to.clone()).collect();
            let told = tokio::task::spawn_blocking(move || {
                index.remove(&gone);
                index.add(&new);
            });
            // A panic there was printed, and a comparison with the folder finds the same.
            let _ = told.await;
        }
        let tagged = |name: &&MetricName| tags::is_tagged(name);
        let gone: Vec<MetricName> = done.iter().map(|(from, _)| from).filter(tagged).cloned().collect();
        let new: Vec<MetricName> = done.iter().filter_map(|(_, to)| to.as_ref()).filter(tagged).cloned().collect();
        let Some(tags) = &self.indexes.tags else { return };
        for told in [tags.forget(&gone).await, tags.add(&new).await] {
            if let Err(error) = told {
                warn!(error = &error as &dyn std::error::Error, "The index of tags does not follow a change.");
            }
        }
    }

    fn archives(&self) -> Result<&dyn Rearrange, StorageError> {
        let reason = "this store cannot delete or rename series";
        self.store.rearrange().ok_or_else(|| StorageError::Declined { reason: reason.to_owned() })
    }

    fn waits(&self, name: &str) -> bool {
        self.names.lookup(name.as_bytes()).is_some_and(|id| self.cache.holds(id))
    }

    fn changes(&self) -> Option<std::sync::MutexGuard<'_, Changes>> {
        // Only ever changed in whole steps.
        self.changes.as_ref().map(|changes| changes.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Points that waited, and the oldest segment of the journal that holds some of them.
type Waited = (Vec<whisper::Point>, u32);

/// What was changed, and what was not.
type Outcome = (Vec<(MetricName, Option<MetricName>)>, Vec<(MetricName, StorageError)>);

/// The replay has met the names of series that were deleted before a crash; the index of tags is not to keep them,
/// unless they began anew: what the replay brings of them is of later.
async fn forget_given_up(house: Arc<House>) {
    let look = {
        let house = Arc::clone(&house);
        move || {
            let mut given_up = house.changes().map(|changes| changes.given_up()).unwrap_or_default();
            given_up.retain(|name| tags::is_tagged(name));
            let (back, mut gone): (Vec<_>, Vec<_>) = given_up.into_iter().partition(|name| house.waits(name));
            match house.archives() {
                Ok(store) => gone.retain(|name| !store.has(name)),
                Err(_) => gone.clear(),
            }
            (gone.into_iter().map(|name| (name, None)).collect::<Vec<_>>(), back)
        }
    };
    let Ok((gone, back)) = tokio::task::spawn_blocking(look).await else { return };
    house.tell_indexes(&gone).await;
    let Some(tags) = &house.indexes.tags else { return };
    if let Err(error) = tags.add(&back).await {
        warn!(error = &error as &dyn std::error::Error, "The index of tags does not take series that are back.");
    }
}
