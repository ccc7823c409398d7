//! What a daemon's counters are: `perf schema` or `counter schema`, turned into names and kinds that a dump is looked up
//! in. Sections and counters are kept in the daemon's order, which is also that of its dumps.
//!
//! ```text
//! perf     {"osd": {"op_latency": {"type": 5, "priority": 10, "units": "none", "description": ..}, ..}, ..}
//! counter  {"osd": [{"labels": {..}, "counters": {"op_latency": {..}, ..}}, ..], ..}
//! type: 1 time  2 u64  4 long running average (a pair of sum and count)  8 counter  16 histogram
//! ```

use std::collections::HashMap;
use std::fmt;
use std::marker::PhantomData;
use std::sync::Arc;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::names::{Addresses, Naming};
use crate::Unit;

const TIME: u32 = 1;
const AVERAGE: u32 = 4;
const COUNTER: u32 = 8;
const HISTOGRAM: u32 = 16;

/// Which counters are wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted<'a> {
    /// At least this priority.
    pub(super) min_priority: u8,
    /// Or named here: `SECTION.COUNTER` or `SECTION.*`.
    pub(super) include: &'a [String],
}

/// The counters of a daemon, by section and name as the daemon writes them.
#[derive(Debug)]
pub(super) struct Schema {
    pub(super) sections: Table<Section>,
}

/// The schemas of one round. Daemons of a kind have the same one, which is read once for all of them.
#[derive(Debug, Default)]
pub(super) struct Schemas(Vec<(Vec<u8>, Arc<Schema>)>);

/// Schemas that are compared with; a host has few kinds of daemons.
const MOST_KINDS: usize = 4;

/// Longer answers than any daemon's are not kept.
const LONGEST_KEPT: usize = 512 << 10;

/// One section of a schema.
#[derive(Debug)]
pub(super) struct Section {
    /// As it stands in our names.
    pub(super) name: Box<str>,
    /// `None` for one that is not wanted.
    pub(super) counters: Table<Option<Counter>>,
    /// Whether any is wanted.
    pub(super) wanted: bool,
}

/// One counter of a schema.
#[derive(Debug)]
pub(super) struct Counter {
    /// As it stands in our names.
    pub(super) name: Box<str>,
    pub(super) kind: Kind,
    pub(super) unit: Unit,
}

/// How a counter is to be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A number as it is.
    Gauge,
    /// A whole number that grows.
    Counter,
    /// Seconds that grow: the schema calls it a gauge, the daemons only ever add to it.
    Seconds,
    /// A pair of sum and count.
    Average,
}

/// Things by name, in an order in which they are nearly always asked for.
#[derive(Debug)]
pub(super) struct Table<T> {
    rows: Vec<(Box<str>, T)>,
    by_name: HashMap<Box<str>, usize>,
}

impl<T> Table<T> {
    fn new(rows: Vec<(Box<str>, T)>) -> Table<T> {
        let by_name = rows.iter().enumerate().map(|(at, (name, _))| (name.clone(), at)).collect();
        Table { rows, by_name }
    }

    /// What is called `name`. `next` is where it is looked for first; afterwards it is the place behind it.
    pub(super) fn find(&self, name: &str, next: &mut usize) -> Option<&T> {
        if self.rows.get(*next).is_none_or(|(found, _)| **found != *name) {
            *next = *self.by_name.get(name)?;
        }
        *next += 1;
        self.rows.get(*next - 1).map(|(_, thing)| thing)
    }
}

#[derive(Deserialize)]
struct Described {
    r#type: u32,
    /// Absent before Ceph 13, which had no priorities to choose by.
    priority: Option<u8>,
    #[serde(default)]
    units: String,
}

/// The counters of a section: one set of them, or one for each set of labels. All sets have the same counters.
struct Counters(Pairs<Described>);

#[derive(Deserialize)]
struct Labelled {
    counters: Pairs<Described>,
}

impl Schema {
    /// Reads an answer to `perf schema` or `counter schema`.
    ///
    /// # Errors
    /// When it is no JSON of that form.
    pub(super) fn parse(
        answer: &[u8],
        wanted: Wanted<'_>,
        naming: Naming,
        mut addresses: Option<&mut Addresses>,
    ) -> serde_json::Result<Schema> {
        let described: Pairs<Counters> = serde_json::from_slice(answer)?;
        let mut sections = Vec::with_capacity(described.0.len());
        for (section, counters) in described.0 {
            let counters = counters.0.0.into_iter().map(|(name, described)| {
                let counter = described.understood(&name, naming);
                let counter = counter.filter(|_| wanted.includes(&section, &name, &described));
                (name.into_boxed_str(), counter)
            });
            let counters: Vec<_> = counters.collect();
            let name = match &mut addresses {
                Some(addresses) => naming.section(&addresses.numbered(&section)),
                None => naming.section(&section),
            };
            let wanted = counters.iter().any(|(_, counter)| counter.is_some());
            let counters = Table::new(counters);
            sections.push((section.into_boxed_str(), Section { name, counters, wanted }));
        }
        Ok(Schema { sections: Table::new(sections) })
    }
}

impl Schemas {
    /// As [`Schema::parse`], or what that gave for the same answer of another daemon.
    pub(super) fn parse(
        &mut self,
        answer: &[u8],
        wanted: Wanted<'_>,
        naming: Naming,
        addresses: &mut Addresses,
    ) -> serde_json::Result<Arc<Schema>> {
        if let Some((_, schema)) = self.0.iter().find(|(known, _)| known == answer) {
            return Ok(Arc::clone(schema));
        }
        let schema = Arc::new(Schema::parse(answer, wanted, naming, Some(addresses))?);
        // Addresses are numbered for each daemon by itself.
        if addresses.is_empty() && answer.len() <= LONGEST_KEPT && self.0.len() < MOST_KINDS {
            self.0.push((answer.to_vec(), Arc::clone(&schema)));
        }
        Ok(schema)
    }
}

impl Wanted<'_> {
    fn includes(self, section: &str, name: &str, counter: &Described) -> bool {
        let named = |pattern: &String| {
            let rest = pattern.strip_prefix(section).and_then(|rest| rest.strip_prefix('.'));
            rest.is_some_and(|rest| rest == "*" || rest == name)
        };
        counter.priority.is_none_or(|priority| priority >= self.min_priority) || self.include.iter().any(named)
    }
}

impl Described {
    fn understood(&self, name: &str, naming: Naming) -> Option<Counter> {
        let kind = match self.r#type {
            bits if bits & HISTOGRAM != 0 => return None,
            bits if bits & AVERAGE != 0 => Kind::Average,
            bits if bits & TIME != 0 => Kind::Seconds,
            bits if bits & COUNTER != 0 => Kind::Counter,
            _ => Kind::Gauge,
        };
        let unit = match (self.units.as_str(), self.r#type & TIME != 0) {
            ("bytes", _) => Unit::Bytes,
            (_, true) => Unit::Seconds,
            _ => Unit::None,
        };
        Some(Counter { name: naming.counter(name, kind == Kind::Average), kind, unit })
    }
}

/// A JSON object in its own order.
struct Pairs<T>(Vec<(String, T)>);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Pairs<T> {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Pairs<T>, D::Error> {
        input.deserialize_map(InOrder(PhantomData))
    }
}

struct InOrder<T>(PhantomData<T>);

impl<'de, T: Deserialize<'de>> Visitor<'de> for InOrder<T> {
    type Value = Pairs<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Pairs<T>, A::Error> {
        let mut pairs = Vec::new();
        while let Some(pair) = map.next_entry()? {
            pairs.push(pair);
        }
        Ok(Pairs(pairs))
    }
}

impl<'de> Deserialize<'de> for Counters {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Counters, D::Error> {
        input.deserialize_any(OneOrMany)
    }
}

struct OneOrMany;

impl<'de> Visitor<'de> for OneOrMany {
    type Value = Counters;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of counters, or a list of them with labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Counters, A::Error> {
        InOrder(PhantomData).visit_map(map).map(Counters)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Counters, A::Error> {
        let first = list.next_element::<Labelled>()?;
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Counters(first.map_or(Pairs(Vec::new()), |first| first.counters)))
    }
}
