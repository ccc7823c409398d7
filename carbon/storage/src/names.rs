//! The one table of names: cache, and later journal and index, speak of a series by its number.
//!
//! Names lie one behind the other in a byte arena, found through hash tables of 32-bit ids. Looking up a known name
//! allocates nothing. Readers do not block each other; a batch takes the lock once.
//!
//! A hash table that grows hashes all of its names anew, 0.3 s for a million of them, and nobody gets in meanwhile. So
//! there are many small ones, which grow one at a time.
//!
//! Senders repeat themselves: what came after a name in one round comes after it in the next. The table remembers that
//! order, so a listener compares the bytes of a line with one name and needs neither hash nor probing. A wrong guess
//! costs the comparison and is mended by [`NameReader::learn`].
//!
//! A name takes its bytes in the arena, 8 for its end, 4 for who follows, and 6 to 12 in the hash table.

use std::hash::BuildHasher;
use std::hint::black_box;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::sync::{PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use carbon_line::{MetricName, Reject};
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
#[derive(Debug)]
pub struct NameTable {
    names: RwLock<Names>,
    hasher: RandomState,
    /// Bytes that names of peers may take.
    limit: usize,
}

#[derive(Debug, Default)]
struct Names {
    arena: String,
    /// Where each name ends in the arena; it begins where the one before ends.
    ends: Vec<usize>,
    /// Which id came after each, the last time it was not the one that stood here. A guess, so relaxed.
    following: Vec<AtomicU32>,
    ids: Ids,
}

/// Ids by the hashes of their names, dealt out to tables by bits of the hash that the tables themselves look at last.
#[derive(Debug)]
struct Ids {
    tables: Box<[HashTable<u32>]>,
    /// Memory that all of them take.
    bytes: usize,
}

/// How many tables there are. Ten million names are 40 000 in each.
const TABLES: usize = 256;

impl Default for Ids {
    fn default() -> Ids {
        Ids { tables: (0..TABLES).map(|_| HashTable::new()).collect(), bytes: 0 }
    }
}

impl Ids {
    fn place(hash: u64) -> usize {
        (hash >> 40) as usize % TABLES
    }

    #[inline]
    fn of(&self, hash: u64) -> &HashTable<u32> {
        &self.tables[Ids::place(hash)]
    }

    fn insert(&mut self, hash: u64, id: SeriesId, hash_of: impl Fn(&u32) -> u64) {
        let table = &mut self.tables[Ids::place(hash)];
        let before = table.allocation_size();
        table.insert_unique(hash, id.0, hash_of);
        self.bytes += table.allocation_size() - before;
    }
}

impl Default for NameTable {
    fn default() -> NameTable {
        NameTable::with_limit(usize::MAX)
    }
}

impl NameTable {
    /// An empty table.
    pub fn new() -> NameTable {
        NameTable::default()
    }

    /// An empty table that refuses peers' new names once it takes `bytes`.
    pub fn with_limit(bytes: usize) -> NameTable {
        NameTable { names: RwLock::default(), hasher: RandomState::default(), limit: bytes }
    }

    /// The table for a run of look-ups under one lock. Not to be held across anything slow.
    pub fn read(&self) -> NameReader<'_> {
        NameReader { names: self.shared(), hasher: &self.hasher }
    }

    /// The id of a known name, given as the bytes a peer sent.
    pub fn lookup(&self, name: &[u8]) -> Option<SeriesId> {
        self.read().lookup(name)
    }

    /// The id of a name that a peer sent, known or new.
    ///
    /// # Errors
    /// [`Reject::TooManyNames`] when it is new and the table has reached its limit.
    pub fn admit(&self, name: &MetricName) -> Result<SeriesId, Reject> {
        if let Some(id) = self.lookup(name.as_bytes()) {
            return Ok(id);
        }
        if self.bytes() >= self.limit { Err(Reject::TooManyNames) } else { Ok(self.intern(name)) }
    }

    /// The id of `name`, known or new, whatever the limit: for names of our own and those of an earlier run.
    pub fn intern(&self, name: &MetricName) -> SeriesId {
        self.enter(name)
    }

    /// As [`NameTable::intern`], for text that was checked and is no `MetricName` yet.
    pub(crate) fn enter(&self, name: &str) -> SeriesId {
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

    /// Memory that the names take.
    pub fn bytes(&self) -> usize {
        self.shared().bytes()
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

    /// The series that is likely to come after `before`, with the bytes of its name, which hold no white space.
    #[inline]
    pub fn after(&self, before: SeriesId) -> Option<(SeriesId, &[u8])> {
        let id = SeriesId(self.names.following.get(before.index())?.load(Relaxed));
        Some((id, self.names.bytes_of(id)?))
    }

    /// Has the processor fetch the name that is likely to come after `id` while it is busy with something else: of many
    /// names the next one is in no cache when its turn comes, and the look-up would wait for it.
    #[inline]
    pub fn fetch_after(&self, id: SeriesId) {
        if let Some((_, name)) = self.after(id) {
            // Read and not used, so that nothing waits for it.
            black_box((name.first(), name.last()));
        }
    }

    /// Remembers that `id` came after `before`. Only for protocols that part fields by white space: a name from a
    /// pickle may hold some, and must not be expected at the start of a line.
    pub fn learn(&self, before: SeriesId, id: SeriesId) {
        if let Some(following) = self.names.following.get(before.index()) {
            following.store(id.0, Relaxed);
        }
    }

    /// How many names there are.
    pub fn len(&self) -> usize {
        self.names.ends.len()
    }

    /// Whether no name was seen yet.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
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

    #[inline]
    fn bytes_of(&self, id: SeriesId) -> Option<&[u8]> {
        let index = id.index();
        let start = if index == 0 { 0 } else { *self.ends.get(index - 1)? };
        self.arena.as_bytes().get(start..*self.ends.get(index)?)
    }

    fn bytes(&self) -> usize {
        // Lengths, not capacities: what was never touched beyond them is no memory yet.
        let tables = self.ends.len() * (size_of::<usize>() + size_of::<AtomicU32>());
        self.arena.len() + tables + self.ids.bytes
    }

    fn find(&self, hash: u64, name: &[u8]) -> Option<SeriesId> {
        self.ids.of(hash).find(hash, |id| self.text(SeriesId(*id)).as_bytes() == name).map(|id| SeriesId(*id))
    }

    fn add(&mut self, hash: u64, name: &str, hasher: &RandomState) -> SeriesId {
        let id = SeriesId(u32::try_from(self.ends.len()).expect("memory ends long before four billion names do"));
        self.arena.push_str(name);
        self.ends.push(self.arena.len());
        // Until it is known better: names come again in the order in which they came first.
        if let Some(before) = self.following.last_mut()
            && name.bytes().all(|byte| byte.is_ascii_graphic())
        {
            *before.get_mut() = id.0;
        }
        self.following.push(AtomicU32::new(u32::MAX));
        let Names { arena, ends, ids, .. } = self;
        let hash_of = |id: &u32| {
            let index = *id as usize;
            let start = if index == 0 { 0 } else { ends[index - 1] };
            hasher.hash_one(&arena.as_bytes()[start..ends[index]])
        };
        ids.insert(hash, id, hash_of);
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

    #[test]
    fn the_order_of_names_is_remembered() {
        let table = NameTable::new();
        let [a, b, c] = ["a", "b", "c"].map(|name| table.intern(&MetricName::parse(name).unwrap()));
        let reader = table.read();
        assert_eq!(reader.after(a), Some((b, &b"b"[..])), "as they came first");
        assert_eq!(reader.after(c), None);
        reader.learn(a, c);
        reader.learn(c, a);
        assert_eq!(reader.after(a), Some((c, &b"c"[..])));
        assert_eq!(reader.after(c), Some((a, &b"a"[..])));
        drop(reader);
        table.intern(&MetricName::parse("d 1 2").unwrap());
        let e = table.intern(&MetricName::parse("e").unwrap());
        table.intern(&MetricName::parse("f g").unwrap());
        assert_eq!(table.read().after(e), None, "what may come from a pickle is no start of a line");
    }

    #[test]
    fn a_full_table_refuses_new_names_of_peers() {
        let table = NameTable::with_limit(4096);
        let name = |n: usize| MetricName::parse(&format!("a.b{n}")).unwrap();
        let entered = (0..5_000).take_while(|n| table.admit(&name(*n)).is_ok()).count();
        assert!((10..1000).contains(&entered), "{entered}");
        assert_eq!(table.admit(&name(entered)), Err(Reject::TooManyNames));
        assert_eq!(table.admit(&name(3)), Ok(SeriesId(3)), "known names go on");
        assert_eq!(table.intern(&name(entered)).index(), entered, "our own always fit");
        assert!(table.bytes() < 3 * 4096);
    }
}
