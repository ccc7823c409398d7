//! The tables of the index, and how a question is answered from them.

use std::collections::BTreeMap;

use carbon_line::MetricName;
use carbon_line::name::LONGEST_NAME;
use carbon_line::tags::{self, Tagged};
use hashbrown::HashMap;

use super::bits::Bits;
use super::values::{Tag, VALUE_BYTES, Value};
use crate::{NameTable, SeriesId, TagEntry, TagExpression, TagQuery, ValueEntry, ValueTest};

/// What a series takes that was taken out, beside its name.
const REMOVED_BYTES: usize = 16;

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
    removed: HashMap<u32, bool>,
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

/// A line of the list: the number of a series. A million new ones may wait for the disk, so it is no text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Change {
    Added(u32),
    Removed(u32),
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
        match tags::normal(name) {
            Some((own, pairs)) => {
                let number = self.names.enter(name).index() as u32;
                // After a start most are in the list.
                if !self.present.has(number) && !self.removed.contains_key(&number) {
                    self.enter(number, own, pairs.into_iter());
                }
            }
            None if self.names.lookup(name.as_bytes()).is_none() => self.add_other(name),
            None => {}
        }
    }

    /// Enters a series that is not there yet. A name whose tags cannot be read is not entered, as in graphite-web.
    pub(super) fn add(&mut self, name: &str) {
        let Some((own, pairs)) = tags::normal(name) else { return self.add_other(name) };
        let number = self.names.enter(name).index() as u32;
        self.enter(number, own, pairs.into_iter());
    }

    fn add_other(&mut self, name: &str) {
        if let Ok(tagged) = Tagged::parse(name) {
            let number = self.names.enter(name).index() as u32;
            self.enter(number, &tagged.name, pairs(&tagged).filter(|(tag, _)| *tag != "name"));
        }
    }

    fn enter<'t>(&mut self, number: u32, own: &'t str, pairs: impl Iterator<Item = (&'t str, &'t str)>) {
        if self.present.has(number) {
            return;
        }
        if !self.removed.is_empty() {
            self.removed.remove(&number);
        }
        for (tag, value) in pairs.chain([("name", own)]) {
            self.bytes += size_of::<u32>();
            self.value(tag, value).insert(number);
        }
        self.present.set(number);
        self.count += 1;
        if let Some(unlisted) = &mut self.unlisted {
            unlisted.changes.push(Change::Added(number));
        }
    }

    pub(super) fn remove(&mut self, name: &MetricName) {
        let Some(number) = self.number(name) else { return };
        self.present.unset(number);
        self.count -= 1;
        self.removed.insert(number, false);
        if let Some(unlisted) = &mut self.unlisted {
            unlisted.changes.push(Change::Removed(number));
        }
        let Ok(tagged) = Tagged::parse(name) else { return };
        for (tag, value) in pairs(&tagged) {
            let Some(known) = self.tags.get_mut(tag) else { continue };
            let (was_there, is_gone) = known.take_out(value, number);
            self.bytes = self.bytes.saturating_sub(if was_there { size_of::<u32>() } else { 0 });
            self.bytes = self.bytes.saturating_sub(if is_gone { value.len() + VALUE_BYTES } else { 0 });
            if known.is_empty() {
                self.tags.remove(tag);
            }
        }
    }

    /// As [`State::remove`], and no points of it wait.
    pub(super) fn forget(&mut self, name: &MetricName) {
        self.remove(name);
        if let Some(id) = self.names.lookup(name.as_bytes()) {
            self.waits(id.index() as u32, false);
        }
    }

    /// Takes in a line of the list; one that is no name is passed over.
    pub(super) fn apply(&mut self, line: &str) {
        match line.strip_prefix(REMOVED) {
            Some(removed) => {
                let Ok(name) = MetricName::parse(removed) else { return };
                self.remove(&name);
                let number = self.names.enter(&name).index() as u32;
                self.removed.insert(number, false);
            }
            // Lines are in normal form, unless somebody else has written them.
            None => match tags::normal(line).filter(|_| line.len() <= LONGEST_NAME) {
                Some((own, pairs)) => {
                    let number = self.names.enter(line).index() as u32;
                    self.enter(number, own, pairs.into_iter());
                }
                None => _ = MetricName::parse(line).map(|name| self.add(&name)),
            },
        }
    }

    /// Numbers of the series that were taken out.
    pub(super) fn removed(&self) -> impl ExactSizeIterator<Item = u32> {
        self.removed.keys().copied()
    }

    /// Whether points of a series that was taken out wait now: they are new, and it comes back, once none have waited.
    pub(super) fn waits(&mut self, number: u32, waits: bool) {
        match self.removed.get_mut(&number) {
            Some(quiet) if !waits => *quiet = true,
            Some(true) => self.add(&self.names.name(SeriesId::new(number))),
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
            tags.insert(tag.into(), Tag::new(id()));
        }
        let tag = tags.get_mut(tag).expect("it was there, or has just been made");
        tag.value(value, || {
            *bytes += value.len() + VALUE_BYTES;
            id()
        })
    }

    /// Everything a list has to tell.
    pub(super) fn all(&self) -> Vec<Change> {
        let series = self.present.iter().map(|number| Change::Added(number as u32));
        series.chain(self.removed().map(Change::Removed)).collect()
    }

    /// Writes lines of the list.
    pub(super) fn write(&self, changes: &[Change], out: &mut String) {
        let names = self.names.read();
        for change in changes {
            let number = match change {
                Change::Added(number) => number,
                Change::Removed(number) => {
                    out.push(REMOVED);
                    number
                }
            };
            out.push_str(names.text(SeriesId::new(*number)));
            out.push('\n');
        }
    }

    /// Names of these, whether or not they are there.
    pub(super) fn names_of(&self, numbers: &[u32]) -> Vec<MetricName> {
        let names = self.names.read();
        numbers.iter().map(|number| names.name(SeriesId::new(*number))).collect()
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
            |tag: &Tag| found.as_ref().is_none_or(|found| tag.iter().any(|value| found.has_any(&value.series)));
        let entries = self.tags.iter().filter(|(name, tag)| query.takes(name) && occurs(tag));
        let entries = entries.map(|(name, tag)| TagEntry { id: tag.id, tag: name.to_string() });
        entries.take(query.limit.unwrap_or(usize::MAX)).collect()
    }

    pub(super) fn values(&self, tag: &str, query: &TagQuery) -> Vec<ValueEntry> {
        let Some(tag) = self.tags.get(tag) else { return Vec::new() };
        let found = (!query.wanted.is_empty()).then(|| self.select(&query.wanted));
        let occurs = |value: &Value| found.as_ref().is_none_or(|found| found.has_any(&value.series));
        let entries = tag.first(query.limit.unwrap_or(usize::MAX), |text, value| query.takes(text) && occurs(value));
        let entry =
            |value: &Value| ValueEntry { id: value.id, value: value.text.to_string(), count: value.series.len() };
        entries.into_iter().map(entry).collect()
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
        Box::new(tag.iter().filter(move |value| expression.holds_for(&value.text) == holds))
    }
}

/// All tags of a series, its metric name as `name`.
fn pairs(tagged: &Tagged) -> impl Iterator<Item = (&str, &str)> {
    let tags = tagged.tags.iter().map(|(tag, value)| (tag.as_str(), value.as_str()));
    tags.chain([("name", tagged.name.as_str())])
}
