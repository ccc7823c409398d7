//! The tables of the index, and how a question is answered from them.

use std::collections::BTreeMap;

use carbon_line::MetricName;
use carbon_line::tags::Tagged;
use hashbrown::HashMap;

use super::bits::Bits;
use crate::{TagEntry, TagExpression, TagQuery, ValueEntry, ValueTest};

/// What a series takes beside its name: its places in two tables, with the room that they keep for growth.
const SERIES_BYTES: usize = 70;

/// What a value takes beside its text.
const VALUE_BYTES: usize = 100;

/// All series and their tags.
#[derive(Debug, Default)]
pub(super) struct State {
    /// By number; a series that was taken out leaves its place empty.
    names: Vec<Option<MetricName>>,
    numbers: HashMap<MetricName, u32>,
    /// Empty places.
    free: Vec<u32>,
    tags: BTreeMap<Box<str>, Tag>,
    /// The next number for a tag or a value.
    next_id: u32,
    bytes: usize,
    /// How many names of carbon's table were looked at.
    pub(super) seen: usize,
    /// What the list beside the archives does not tell yet, where there is one.
    pub(super) unlisted: Option<Unlisted>,
}

/// Changes that are not in the list yet.
#[derive(Debug, Default)]
pub(super) struct Unlisted {
    /// Series that are new.
    pub(super) added: Vec<MetricName>,
    /// Whether any was taken out, or the list may be damaged.
    pub(super) stale: bool,
}

#[derive(Debug)]
struct Tag {
    id: u32,
    values: BTreeMap<Box<str>, Value>,
}

#[derive(Debug)]
struct Value {
    id: u32,
    /// Numbers of the series that carry it, ascending.
    series: Vec<u32>,
}

impl Value {
    fn insert(&mut self, number: u32) {
        if let Err(at) = self.series.binary_search(&number) {
            self.series.insert(at, number);
        }
    }
}

impl State {
    pub(super) fn len(&self) -> usize {
        self.numbers.len()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.numbers.contains_key(name)
    }

    /// Enters a series that is not there yet. A name whose tags cannot be read is not entered, as in graphite-web.
    pub(super) fn add(&mut self, name: &MetricName) {
        if self.has(name) {
            return;
        }
        let Ok(tagged) = Tagged::parse(name) else { return };
        let number = match self.free.pop() {
            Some(number) => number,
            None => {
                let Ok(number) = u32::try_from(self.names.len()) else { return };
                self.names.push(None);
                number
            }
        };
        for (tag, value) in pairs(&tagged) {
            self.bytes += size_of::<u32>();
            self.value(tag, value).insert(number);
        }
        self.bytes += name.len() + SERIES_BYTES;
        self.names[number as usize] = Some(name.clone());
        self.numbers.insert(name.clone(), number);
        if let Some(unlisted) = &mut self.unlisted {
            unlisted.added.push(name.clone());
        }
    }

    pub(super) fn remove(&mut self, name: &MetricName) {
        let Some(number) = self.numbers.remove(&**name) else { return };
        if let Some(unlisted) = &mut self.unlisted {
            unlisted.stale = true;
        }
        self.names[number as usize] = None;
        self.free.push(number);
        let Ok(tagged) = Tagged::parse(name) else { return };
        for (tag, value) in pairs(&tagged) {
            let Some(known) = self.tags.get_mut(tag) else { continue };
            let Some(carriers) = known.values.get_mut(value) else { continue };
            if let Ok(at) = carriers.series.binary_search(&number) {
                carriers.series.remove(at);
                self.bytes = self.bytes.saturating_sub(size_of::<u32>());
            }
            if carriers.series.is_empty() {
                known.values.remove(value);
                self.bytes = self.bytes.saturating_sub(value.len() + VALUE_BYTES);
            }
            if known.values.is_empty() {
                self.tags.remove(tag);
            }
        }
        self.bytes = self.bytes.saturating_sub(name.len() + SERIES_BYTES);
    }

    /// The entry of a value, made if it is new.
    fn value(&mut self, tag: &str, value: &str) -> &mut Value {
        let State { tags, next_id, bytes, .. } = self;
        let mut id = || {
            *next_id += 1;
            *next_id
        };
        let tag = tags.entry(tag.into()).or_insert_with(|| Tag { id: id(), values: BTreeMap::new() });
        tag.values.entry(value.into()).or_insert_with(|| {
            *bytes += value.len() + VALUE_BYTES;
            Value { id: id(), series: Vec::new() }
        })
    }

    /// Every series.
    pub(super) fn all(&self) -> Vec<MetricName> {
        self.names.iter().flatten().cloned().collect()
    }

    pub(super) fn series(&self, wanted: &[TagExpression], limit: usize) -> Option<Vec<MetricName>> {
        let found = self.select(wanted);
        if found.count() > limit {
            return None;
        }
        let mut names: Vec<MetricName> = found.iter().filter_map(|number| self.names[number].clone()).collect();
        names.sort_unstable();
        Some(names)
    }

    pub(super) fn tags(&self, query: &TagQuery) -> Vec<TagEntry> {
        let found = (!query.wanted.is_empty()).then(|| self.select(&query.wanted));
        let occurs = |tag: &Tag| {
            found.as_ref().is_none_or(|found| tag.values.values().any(|value| found.has_any(&value.series)))
        };
        let entries = self.tags.iter().filter(|(name, tag)| query.takes(name) && occurs(tag));
        let entries = entries.map(|(name, tag)| TagEntry { id: tag.id, tag: name.to_string() });
        entries.take(query.limit.unwrap_or(usize::MAX)).collect()
    }

    pub(super) fn values(&self, tag: &str, query: &TagQuery) -> Vec<ValueEntry> {
        let Some(tag) = self.tags.get(tag) else { return Vec::new() };
        let found = (!query.wanted.is_empty()).then(|| self.select(&query.wanted));
        let occurs = |value: &Value| found.as_ref().is_none_or(|found| found.has_any(&value.series));
        let entries = tag.values.iter().filter(|(text, value)| query.takes(text) && occurs(value));
        let entries = entries.map(|(text, value)| ValueEntry {
            id: value.id,
            value: text.to_string(),
            count: value.series.len(),
        });
        entries.take(query.limit.unwrap_or(usize::MAX)).collect()
    }

    /// The series that meet all expressions. Each narrows the set by those that carry a fitting value, or, where the tag
    /// may be absent, by those that carry another one.
    fn select(&self, wanted: &[TagExpression]) -> Bits {
        let mut found = Bits::all(self.names.len());
        for expression in wanted {
            let narrowing = !expression.holds_for_absent();
            let mut carriers = Bits::none(self.names.len());
            for value in self.values_where(expression, narrowing) {
                carriers.insert(&value.series);
            }
            if narrowing { found.keep(&carriers) } else { found.drop(&carriers) }
        }
        found
    }

    /// The values of the expression's tag for which it holds, or does not.
    fn values_where<'s>(
        &'s self,
        expression: &'s TagExpression,
        holds: bool,
    ) -> Box<dyn Iterator<Item = &'s Value> + 's> {
        let Some(tag) = self.tags.get(&*expression.tag) else { return Box::new(std::iter::empty()) };
        if let ValueTest::Equals(wanted) = &expression.test
            && expression.negated != holds
        {
            return Box::new(tag.values.get(&**wanted).into_iter());
        }
        let values = tag.values.iter().filter(move |(text, _)| expression.holds_for(text) == holds);
        Box::new(values.map(|(_, value)| value))
    }
}

/// All tags of a series, its metric name as `name`.
fn pairs(tagged: &Tagged) -> impl Iterator<Item = (&str, &str)> {
    let tags = tagged.tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str()));
    tags.chain([("name", tagged.name.as_str())])
}
