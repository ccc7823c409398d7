//! What a daemon's counters are: `perf schema`, turned into names and kinds that a dump is looked up in.
//!
//! ```text
//! {"osd": {"op_latency": {"type": 5, "priority": 10, "units": "none", "description": ..}, ..}, ..}
//! type: 1 time  2 u64  4 long running average (a pair of sum and count)  8 counter  16 histogram
//! ```

use std::collections::{BTreeMap, HashMap};

use serde::Deserialize;

use super::discover::cleaned;
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

/// What becomes of a memory address in the name of a section (`objecter-0x7f82…`), which is another at each start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Addresses {
    /// A number in its place, in the order of the addresses: `objecter-1`.
    Numbered,
    /// Kept, as the daemon writes it.
    Kept,
}

/// The counters of a daemon that are wanted, by section and name as the daemon writes them.
#[derive(Debug)]
pub(super) struct Schema {
    sections: HashMap<Box<str>, Section>,
}

/// One section of a schema.
#[derive(Debug)]
pub(super) struct Section {
    /// As it stands in our names.
    pub(super) name: Box<str>,
    counters: HashMap<Box<str>, Counter>,
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

#[derive(Deserialize)]
struct Described {
    r#type: u32,
    /// Absent before Ceph 13, which had no priorities to choose by.
    priority: Option<u8>,
    #[serde(default)]
    units: String,
}

impl Schema {
    /// Reads an answer to `perf schema`.
    ///
    /// # Errors
    /// When it is no JSON of that form.
    pub(super) fn parse(answer: &[u8], wanted: Wanted<'_>, addresses: Addresses) -> serde_json::Result<Schema> {
        let described: BTreeMap<String, BTreeMap<String, Described>> = serde_json::from_slice(answer)?;
        let mut numbers = HashMap::new();
        let mut sections = HashMap::with_capacity(described.len());
        for (section, counters) in described {
            let name = match addresses {
                Addresses::Numbered => numbered(&section, &mut numbers),
                Addresses::Kept => section.clone(),
            };
            let wanted = counters.into_iter().filter(|(name, counter)| wanted.includes(&section, name, counter));
            let understood = wanted.filter_map(|(name, counter)| {
                let counter = counter.understood(&name)?;
                Some((name.into(), counter))
            });
            let counters = understood.collect();
            sections.insert(section.into(), Section { name: cleaned(&name).into(), counters });
        }
        Ok(Schema { sections })
    }

    /// The section that the daemon calls `name`.
    pub(super) fn section(&self, name: &str) -> Option<&Section> {
        self.sections.get(name)
    }
}

impl Section {
    /// The counter that the daemon calls `name`, if it is wanted.
    pub(super) fn counter(&self, name: &str) -> Option<&Counter> {
        self.counters.get(name)
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
    fn understood(&self, name: &str) -> Option<Counter> {
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
        Some(Counter { name: cleaned(name).into(), kind, unit })
    }
}

/// `section` with a number for a memory address at its end.
fn numbered(section: &str, numbers: &mut HashMap<String, u32>) -> String {
    let address = section
        .rsplit_once("-0x")
        .filter(|(_, digits)| digits.len() >= 6 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()));
    let Some((plain, _)) = address else { return section.to_owned() };
    let number = numbers.entry(plain.to_owned()).or_default();
    *number += 1;
    format!("{plain}-{number}")
}
