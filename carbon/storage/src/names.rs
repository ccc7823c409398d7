//! The one table of names: cache, and later journal and index, speak of a series by its number.
//!
//! Names lie one behind the other in a byte arena, found through a hash table of 32-bit ids. Looking up a known name
//! allocates nothing. Readers do not block each other; a batch takes the lock once.

use std::hash::BuildHasher;
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use carbon_line::MetricName;
use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// A series' place in the [`NameTable`]; ids count up from 0 and are never reused while the program runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SeriesId(u32);

impl SeriesId {
    /// The series at place `index`.
    pub const fn new(index: u32) -> SeriesId {
        SeriesId(index)
    }

    /// As an index into a table kept by series.
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// Every name seen since the start, with its id.
#[derive(Debug, Default)]
pub struct NameTable {
    names: RwLock<Names>,
    hasher: RandomState,
}

#[derive(Debug, Default)]
struct Names {
    arena: String,
    /// Where each name ends in the arena; it begins where the one before ends.
    ends: Vec<usize>,
    ids: HashTable<u32>,
}

impl NameTable {
    /// An empty table.
    pub fn new() -> NameTable {
        NameTable::default()
    }

    /// The table for a run of look-ups under one lock. Not to be held across anything slow.
    pub fn read(&self) -> NameReader<'_> {
        NameReader { names: self.shared(), hasher: &self.hasher }
    }

    /// The id of a known name, given as the bytes a peer sent.
    pub fn lookup(&self, name: &[u8]) -> Option<SeriesId> {
        self.read().lookup(name)
    }

    /// The id of `name`, known or new.
    pub fn intern(&self, name: &MetricName) -> SeriesId {
        let hash = self.hasher.hash_one(name.as_bytes());
        let mut names = self.exclusive();
        if let Some(id) = names.find(hash, name.as_bytes()) {
            return id;
        }
        names.add(hash, name, &self.hasher)
    }

    /// The name behind `id`.
    pub fn name(&self, id: SeriesId) -> MetricName {
        self.read().name(id)
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.shared().ends.len()
    }

    /// Whether no name was seen yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    // A poisoned lock is entered all the same: `add` leaves the table whole at every step that can panic.
    fn shared(&self) -> RwLockReadGuard<'_, Names> {
        self.names.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn exclusive(&self) -> RwLockWriteGuard<'_, Names> {
        self.names.write().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The table, locked for reading.
#[derive(Debug)]
pub struct NameReader<'a> {
    names: RwLockReadGuard<'a, Names>,
    hasher: &'a RandomState,
}

impl NameReader<'_> {
    /// The id of a known name, given as the bytes a peer sent.
    pub fn lookup(&self, name: &[u8]) -> Option<SeriesId> {
        self.names.find(self.hasher.hash_one(name), name)
    }

    /// The name behind `id`.
    pub fn name(&self, id: SeriesId) -> MetricName {
        MetricName::from_checked(self.names.text(id))
    }

    /// The name behind `id`, as text.
    pub fn text(&self, id: SeriesId) -> &str {
        self.names.text(id)
    }
}

impl Names {
    fn text(&self, id: SeriesId) -> &str {
        let index = id.index();
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.arena[start..self.ends[index]]
    }

    fn find(&self, hash: u64, name: &[u8]) -> Option<SeriesId> {
        self.ids.find(hash, |id| self.text(SeriesId(*id)).as_bytes() == name).map(|id| SeriesId(*id))
    }

    fn add(&mut self, hash: u64, name: &str, hasher: &RandomState) -> SeriesId {
        let id = SeriesId(u32::try_from(self.ends.len()).expect("memory ends long before four billion names do"));
        self.arena.push_str(name);
        self.ends.push(self.arena.len());
        let Names { arena, ends, ids } = self;
        let hash_of = |id: &u32| {
            let index = *id as usize;
            let start = if index == 0 { 0 } else { ends[index - 1] };
            hasher.hash_one(&arena.as_bytes()[start..ends[index]])
        };
        ids.insert_unique(hash, id.0, hash_of);
        id
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_keeps_its_id() {
        let table = NameTable::new();
        let names: Vec<MetricName> = (0..5_000).map(|i| MetricName::parse(&format!("a.b{i}")).unwrap()).collect();
        let ids: Vec<SeriesId> = names.iter().map(|name| table.intern(name)).collect();
        for (name, id) in names.iter().zip(&ids) {
            assert_eq!(table.intern(name), *id);
            assert_eq!(table.lookup(name.as_bytes()), Some(*id));
            assert_eq!(table.name(*id), *name);
        }
        assert_eq!(table.len(), 5_000);
        assert_eq!(table.lookup(b"a.b"), None);
    }
}
