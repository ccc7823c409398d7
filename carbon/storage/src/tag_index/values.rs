//! The values of one tag, found by their text, each with the series that carry it.
//!
//! A tag may have as many values as there are series, such as the number of a request. So values are hashed and have no
//! order; the few that an editor shows are sorted out when it asks.

use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// What a value takes beside its text.
pub(super) const VALUE_BYTES: usize = 90;

#[derive(Debug)]
pub(super) struct Tag {
    pub(super) id: u32,
    /// Places of the values, by the hashes of their texts, which stand beside them: a table that grows while everybody
    /// waits must not hash a million texts anew.
    places: HashTable<(u32, u32)>,
    /// The values, and what is left of those that have gone.
    values: Vec<Value>,
    /// Places that no value has.
    free: Vec<u32>,
    hasher: RandomState,
    /// The place of the value that was looked for last: neighbours mostly share it.
    last: usize,
}

#[derive(Debug)]
pub(super) struct Value {
    pub(super) id: u32,
    pub(super) text: Box<str>,
    /// Numbers of the series that carry it, ascending.
    pub(super) series: Vec<u32>,
}

impl Tag {
    pub(super) fn new(id: u32) -> Tag {
        let (places, hasher) = (HashTable::new(), RandomState::default());
        Tag { id, places, values: Vec::new(), free: Vec::new(), hasher, last: 0 }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.places.is_empty()
    }

    pub(super) fn get(&self, text: &str) -> Option<&Value> {
        self.place(text).map(|place| &self.values[place])
    }

    fn place(&self, text: &str) -> Option<usize> {
        if self.values.get(self.last).is_some_and(|value| *value.text == *text) {
            return Some(self.last);
        }
        let hash = self.hash(text);
        let is_it = |(other, place): &(u32, u32)| *other == hash && *self.values[*place as usize].text == *text;
        self.places.find(spread(hash), is_it).map(|(_, place)| *place as usize)
    }

    fn hash(&self, text: &str) -> u32 {
        self.hasher.hash_one(text) as u32
    }

    /// The value, made with a number if it is new.
    pub(super) fn value(&mut self, text: &str, id: impl FnOnce() -> u32) -> &mut Value {
        self.last = self.place(text).unwrap_or_else(|| self.insert(Value::new(id(), text)));
        &mut self.values[self.last]
    }

    fn insert(&mut self, value: Value) -> usize {
        let hash = self.hash(&value.text);
        let place = match self.free.pop() {
            Some(place) => {
                self.values[place as usize] = value;
                place
            }
            None => {
                self.values.push(value);
                (self.values.len() - 1) as u32 // fewer than there are series
            }
        };
        self.places.insert_unique(spread(hash), (hash, place), |(hash, _)| spread(*hash));
        place as usize
    }

    /// Takes a series off a value: whether it carried it, and whether it was the last one.
    pub(super) fn take_out(&mut self, text: &str, number: u32) -> (bool, bool) {
        let Some(place) = self.place(text) else { return (false, false) };
        let series = &mut self.values[place].series;
        let found = series.binary_search(&number).map(|at| series.remove(at));
        let is_gone = series.is_empty();
        if is_gone {
            let hash = spread(self.hash(text));
            if let Ok(entry) = self.places.find_entry(hash, |(_, other)| *other as usize == place) {
                entry.remove();
            }
            self.values[place] = Value::new(0, "");
            self.last = usize::MAX;
            self.free.push(place as u32);
        }
        (found.is_ok(), is_gone)
    }

    /// All values, in no order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Value> {
        self.values.iter().filter(|value| !value.text.is_empty())
    }

    /// The first `most` of those that are `wanted`, sorted.
    pub(super) fn first(&self, most: usize, wanted: impl Fn(&str, &Value) -> bool) -> Vec<&Value> {
        let mut found: Vec<&Value> = self.iter().filter(|value| wanted(&value.text, value)).collect();
        if most < found.len() {
            found.select_nth_unstable_by(most, |a, b| a.text.cmp(&b.text));
            found.truncate(most);
        }
        found.sort_unstable_by(|a, b| a.text.cmp(&b.text));
        found
    }
}

/// The table looks at bits of both ends.
fn spread(hash: u32) -> u64 {
    u64::from(hash) << 32 | u64::from(hash)
}

impl Value {
    fn new(id: u32, text: &str) -> Value {
        Value { id, text: text.into(), series: Vec::new() }
    }

    pub(super) fn insert(&mut self, number: u32) {
        // New series have the highest numbers.
        if self.series.last().is_none_or(|last| *last < number) {
            if self.series.capacity() == 0 {
                // Many values are carried by one series alone.
                self.series.reserve_exact(1);
            }
            self.series.push(number);
        } else if let Err(at) = self.series.binary_search(&number) {
            self.series.insert(at, number);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_come_and_go_and_are_shown_in_order() {
        let mut tag = Tag::new(1);
        for (number, text) in ["c", "a", "b", "a"].into_iter().enumerate() {
            tag.value(text, || number as u32 + 2).insert(number as u32);
        }
        let shown =
            |tag: &Tag, most| tag.first(most, |_, _| true).iter().map(|v| v.text.to_string()).collect::<String>();
        assert_eq!((shown(&tag, 9), shown(&tag, 2), shown(&tag, 0)), ("abc".into(), "ab".into(), String::new()));
        assert_eq!(tag.get("a").map(|value| (value.id, &value.series[..])), Some((3, &[1, 3][..])));
        assert_eq!(
            (tag.take_out("a", 1), tag.take_out("a", 1), tag.take_out("x", 1)),
            ((true, false), (false, false), (false, false))
        );
        assert_eq!((tag.take_out("a", 3), tag.take_out("c", 0)), ((true, true), (true, true)));
        assert!(tag.get("a").is_none() && tag.get("").is_none() && shown(&tag, 9) == "b");
        tag.value("d", || 9).insert(7);
        assert_eq!((shown(&tag, 9), tag.values.len()), ("bd".into(), 3));
        assert_eq!(tag.take_out("b", 2), (true, true));
        assert!(!tag.is_empty() && tag.take_out("d", 7).1 && tag.is_empty());
    }
}
