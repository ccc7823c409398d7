//! The tables of the index, and how a question is answered from them.

use std::collections::BTreeMap;

use carbon_line::MetricName;
use carbon_line::name::LONGEST_NAME;
use carbon_line::tags::{self, Tagged};
use hashbrown::HashMap;

use super::bits::Bits;
use crate::{NameTable, SeriesId, TagEntry, TagExpression, TagQuery, ValueEntry, ValueTest};

/// What a series takes that was taken out, with its name.
const REMOVED_BYTES: usize = 150;

/// What a value takes beside its text.
const VALUE_BYTES: usize = 100;

/// All series and their tags.
#[derive(Debug, Default)]
pub(super) struct State {
    /// Every series that ever was here; its place is its number.
    names: NameTable,
    /// Those that are.
    present: Bits,
    count: usize,
    /// Those that were taken out, so that what still knows their names does not bring them back; and whether no points of
    /// one have waited at some moment since, so that points which wait now are new.
    removed: HashMap<MetricName, bool>,
    tags: BTreeMap<Box<str>, Tag>,
    /// The next number for a tag or a value.
    next_id: u32,
    /// Bytes of values and of the lists of series.
    bytes: usize,
    /// How many names of carbon's table were looked at.
    pub(super) seen: usize,
    /// What the list beside the archives does not tell yet, where there is one.
    pub(super) unlisted: Option<Unlisted>,
}

/// Changes that are not in the list yet.
#[derive(Debug, Default)]
pub(super) struct Unlisted {
    /// What came and what was taken out, in order.
    pub(super) changes: Vec<Change>,
    /// Whether the list is to be written anew.
    pub(super) stale: bool,
}

/// Stands in a line before what was taken out; no name holds one.
pub(super) const REMOVED: char = '\t';

/// A line of the list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Added(MetricName),
    Removed(MetricName),
}

#[derive(Debug, Default)]
struct Tag {
    id: u32,
    /// Each value's place in the carriers.
    values: BTreeMap<Box<str>, u32>,
    carriers: Vec<Value>,
    /// Places that no value has.
    free: Vec<u32>,
    /// The value that was looked for last: neighbours mostly share it.
    last: String,
    last_place: u32,
}

#[derive(Debug)]
struct Value {
    id: u32,
    /// Numbers of the series that carry it, ascending.
    series: Vec<u32>,
}

impl Tag {
    fn place(&mut self, value: &str) -> Option<u32> {
        // No value is empty.
        if self.last != value {
            self.last_place = *self.values.get(value)?;
            self.last.clear();
            self.last.push_str(value);
        }
        Some(self.last_place)
    }

    fn get(&self, value: &str) -> Option<&Value> {
        self.values.get(value).map(|place| self.carried(*place))
    }

    fn carried(&self, place: u32) -> &Value {
        &self.carriers[place as usize]
    }

    /// Each value with what carries it, in order.
    fn iter(&self) -> impl Iterator<Item = (&str, &Value)> {
        self.values.iter().map(|(text, place)| (&**text, self.carried(*place)))
    }

    fn insert(&mut self, value: &str, new: Value) -> u32 {
        let place = match self.free.pop() {
            Some(place) => place,
            None => self.carriers.len() as u32, // fewer than there are series
        };
        match self.carriers.get_mut(place as usize) {
            Some(free) => *free = new,
            None => self.carriers.push(new),
        }
        self.values.insert(value.into(), place);
        place
    }

    fn forget(&mut self, value: &str) {
        self.last.clear();
        if let Some(place) = self.values.remove(value) {
            self.carriers[place as usize].series = Vec::new();
            self.free.push(place);
        }
    }
}

impl Value {
    fn insert(&mut self, number: u32) {
        // New series have the highest numbers.
        if self.series.last().is_none_or(|last| *last < number) {
            self.series.push(number);
        } else if let Err(at) = self.series.binary_search(&number) {
            self.series.insert(at, number);
        }
    }
}

impl State {
    pub(super) fn len(&self) -> usize {
        self.count
    }

    pub(super) fn bytes(&self) -> usize {
        self.names.bytes() + self.bytes + self.removed.len() * REMOVED_BYTES
    }

    pub(super) fn has(&self, name: &str) -> bool {
        self.number(name).is_some()
    }

    fn number(&self, name: &str) -> Option<u32> {
        let number = self.names.lookup(name.as_bytes())?.index() as u32;
        self.present.has(number).then_some(number)
    }

    /// Enters a series that carbon's table knows, unless it was taken out.
    pub(super) fn meet(&mut self, name: &str) {
        // After a start most are in the list.
        if !self.has(name) && !self.removed.contains_key(name) {
            self.add(name);
        }
    }

    /// Enters a series that is not there yet. A name whose tags cannot be read is not entered, as in graphite-web.
    pub(super) fn add(&mut self, name: &str) {
        let Some((own, pairs)) = tags::normal(name) else { return self.add_other(name) };
        self.enter(name, own, pairs.into_iter());
    }

    fn add_other(&mut self, name: &str) {
        if let Ok(tagged) = Tagged::parse(name) {
            self.enter(name, &tagged.name, pairs(&tagged).filter(|(tag, _)| *tag != "name"));
        }
    }

    fn enter<'t>(&mut self, name: &str, own: &'t str, pairs: impl Iterator<Item = (&'t str, &'t str)>) {
        let number = self.names.enter(name).index() as u32;
        if self.present.has(number) {
            return;
        }
        if !self.removed.is_empty() {
            self.removed.remove(name);
        }
        for (tag, value) in pairs.chain([("name", own)]) {
            self.bytes += size_of::<u32>();
            self.value(tag, value).insert(number);
        }
        self.present.set(number);
        self.count += 1;
        if let Some(unlisted) = &mut self.unlisted {
            unlisted.changes.push(Change::Added(MetricName::from_checked(name)));
        }
    }

    pub(super) fn remove(&mut self, name: &MetricName) {
        let Some(number) = self.number(name) else { return };
        self.present.unset(number);
        self.count -= 1;
        self.removed.insert(name.clone(), false);
        if let Some(unlisted) = &mut self.unlisted {
            unlisted.changes.push(Change::Removed(name.clone()));
        }
        let Ok(tagged) = Tagged::parse(name) else { return };
        for (tag, value) in pairs(&tagged) {
            let Some(known) = self.tags.get_mut(tag) else { continue };
            let Some(place) = known.place(value) else { continue };
            let carriers = &mut known.carriers[place as usize];
            if let Ok(at) = carriers.series.binary_search(&number) {
                carriers.series.remove(at);
                self.bytes = self.bytes.saturating_sub(size_of::<u32>());
            }
            if carriers.series.is_empty() {
                known.forget(value);
                self.bytes = self.bytes.saturating_sub(value.len() + VALUE_BYTES);
            }
            if known.values.is_empty() {
                self.tags.remove(tag);
            }
        }
    }

    /// As [`State::remove`], and no points of it wait.
    pub(super) fn forget(&mut self, name: &MetricName) {
        self.remove(name);
        self.waits(name, false);
    }

    /// Takes in a line of the list; one that is no name is passed over.
    pub(super) fn apply(&mut self, line: &str) {
        match line.strip_prefix(REMOVED) {
            Some(removed) => {
                let Ok(name) = MetricName::parse(removed) else { return };
                self.remove(&name);
                self.removed.insert(name, false);
            }
            // Lines are in normal form, unless somebody else has written them.
            None => match tags::normal(line).filter(|_| line.len() <= LONGEST_NAME) {
                Some((own, pairs)) => self.enter(line, own, pairs.into_iter()),
                None => _ = MetricName::parse(line).map(|name| self.add(&name)),
            },
        }
    }

    /// Series that were taken out.
    pub(super) fn removed(&self) -> impl Iterator<Item = &MetricName> {
        self.removed.keys()
    }

    /// Whether points of a series that was taken out wait now: they are new, and it comes back, once none have waited.
    pub(super) fn waits(&mut self, name: &MetricName, waits: bool) {
        match self.removed.get_mut(name) {
            Some(quiet) if !waits => *quiet = true,
            Some(true) => self.add(name),
            _ => {}
        }
    }

    /// The entry of a value, made if it is new.
    fn value(&mut self, tag: &str, value: &str) -> &mut Value {
        let State { tags, next_id, bytes, .. } = self;
        let mut id = || {
            *next_id += 1;
            *next_id
        };
        // Most are known, and then nothing is allocated.
        if !tags.contains_key(tag) {
            tags.insert(tag.into(), Tag { id: id(), ..Tag::default() });
        }
        let tag = tags.get_mut(tag).expect("it was there, or has just been made");
        let place = tag.place(value).unwrap_or_else(|| {
            *bytes += value.len() + VALUE_BYTES;
            tag.insert(value, Value { id: id(), series: Vec::new() })
        });
        &mut tag.carriers[place as usize]
    }

    /// Everything a list has to tell.
    pub(super) fn all(&self) -> Vec<Change> {
        let names = self.names.read();
        let series = self.present.iter().map(|number| Change::Added(names.name(SeriesId::new(number as u32))));
        series.chain(self.removed.keys().cloned().map(Change::Removed)).collect()
    }

    /// Up to `most` series from the number `first` on, with their numbers.
    pub(super) fn some(&self, first: usize, most: usize) -> Vec<(u32, MetricName)> {
        let names = self.names.read();
        let numbers = (first..names.len()).map(|number| number as u32).filter(|number| self.present.has(*number));
        numbers.take(most).map(|number| (number, names.name(SeriesId::new(number)))).collect()
    }

    /// The series with this number, if it is there.
    pub(super) fn name(&self, number: u32) -> Option<MetricName> {
        self.present.has(number).then(|| self.names.name(SeriesId::new(number)))
    }

    pub(super) fn series(&self, wanted: &[TagExpression], limit: usize) -> Option<Vec<MetricName>> {
        let found = self.select(wanted);
        if found.count() > limit {
            return None;
        }
        let table = self.names.read();
        let mut names: Vec<MetricName> = found.iter().map(|number| table.name(SeriesId::new(number as u32))).collect();
        names.sort_unstable();
        Some(names)
    }

    pub(super) fn tags(&self, query: &TagQuery) -> Vec<TagEntry> {
        let found = (!query.wanted.is_empty()).then(|| self.select(&query.wanted));
        let occurs =
            |tag: &Tag| found.as_ref().is_none_or(|found| tag.iter().any(|(_, value)| found.has_any(&value.series)));
        let entries = self.tags.iter().filter(|(name, tag)| query.takes(name) && occurs(tag));
        let entries = entries.map(|(name, tag)| TagEntry { id: tag.id, tag: name.to_string() });
        entries.take(query.limit.unwrap_or(usize::MAX)).collect()
    }

    pub(super) fn values(&self, tag: &str, query: &TagQuery) -> Vec<ValueEntry> {
        let Some(tag) = self.tags.get(tag) else { return Vec::new() };
        let found = (!query.wanted.is_empty()).then(|| self.select(&query.wanted));
        let occurs = |value: &Value| found.as_ref().is_none_or(|found| found.has_any(&value.series));
        let entries = tag.iter().filter(|(text, value)| query.takes(text) && occurs(value));
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
        let mut found = self.present.clone();
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
            return Box::new(tag.get(wanted).into_iter());
        }
        let values = tag.iter().filter(move |(text, _)| expression.holds_for(text) == holds);
        Box::new(values.map(|(_, value)| value))
    }
}

/// All tags of a series, its metric name as `name`.
fn pairs(tagged: &Tagged) -> impl Iterator<Item = (&str, &str)> {
    let tags = tagged.tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str()));
    tags.chain([("name", tagged.name.as_str())])
}
