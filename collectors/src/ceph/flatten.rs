//! From an answer to `perf dump` or `counter dump` to samples, by what the schema says about each number.
//!
//! The JSON is walked once and nothing of it is kept. A labelled section is a list; each set of labels becomes a part of
//! the name: `rgw_op.Bucket_photos.put_obj_ops.rate`.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::cleaned::cleaned;
use super::names::Naming;
use super::publish::publish;
use super::reading::{Key, Reading};
use super::schema::{Schema, Section};
use crate::Out;

/// What a dump is read with.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a> {
    pub(super) schema: &'a Schema,
    pub(super) naming: Naming,
    /// What the names of this daemon begin with.
    pub(super) prefix: &'a str,
    /// Sets of labels that are read, of one section.
    pub(super) most_labelled: usize,
}

/// What a dump showed beside its numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// Sections that the schema lacks: it is older than the daemon's inside.
    pub(super) unknown: bool,
    /// Sets of labels that were left out.
    pub(super) left_out: usize,
}

impl Reader<'_> {
    /// Puts the counters of `dump` that the schema wants into `out`.
    ///
    /// # Errors
    /// When the dump is no JSON of that form; `out` may then hold a part of it.
    pub(super) fn flatten(self, dump: &[u8], out: &mut Out) -> serde_json::Result<Seen> {
        let mut seen = Seen::default();
        let mut input = serde_json::Deserializer::from_slice(dump);
        (&mut input).deserialize_map(Sections { reader: self, out, seen: &mut seen })?;
        input.end()?;
        Ok(seen)
    }
}

struct Sections<'a> {
    reader: Reader<'a>,
    out: &'a mut Out,
    seen: &'a mut Seen,
}

impl<'de> Visitor<'de> for Sections<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of sections")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let (reader, mut next) = (self.reader, 0);
        while let Some(section) = map.next_key_seed(Key(|name: &str| reader.schema.sections.find(name, &mut next)))? {
            self.seen.unknown |= section.is_none();
            match section.filter(|section| section.wanted) {
                Some(section) => map.next_value_seed(Sets { reader, section, out: self.out, seen: self.seen })?,
                None => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// The value of a section: its counters, or a list of counters with labels.
struct Sets<'a> {
    reader: Reader<'a>,
    section: &'a Section,
    out: &'a mut Out,
    seen: &'a mut Seen,
}

impl<'de> DeserializeSeed<'de> for Sets<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Sets<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of counters, or a list of them with labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<(), A::Error> {
        Counters { reader: self.reader, section: self.section, labels: "", out: self.out }.visit_map(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        let mut count = 0;
        loop {
            if count == self.reader.most_labelled {
                while list.next_element::<IgnoredAny>()?.is_some() {
                    self.seen.left_out += 1;
                }
                return Ok(());
            }
            let set = Set { reader: self.reader, section: self.section, out: self.out };
            if list.next_element_seed(set)?.is_none() {
                return Ok(());
            }
            count += 1;
        }
    }
}

/// `{"labels": {..}, "counters": {..}}`, the labels first.
struct Set<'a> {
    reader: Reader<'a>,
    section: &'a Section,
    out: &'a mut Out,
}

impl<'de> DeserializeSeed<'de> for Set<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

enum Field {
    Labels,
    Counters,
    Other,
}

impl<'de> Visitor<'de> for Set<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object with `labels` and `counters`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut labels = String::new();
        let field = |name: &str| match name {
            "labels" => Field::Labels,
            "counters" => Field::Counters,
            _ => Field::Other,
        };
        while let Some(field) = map.next_key_seed(Key(field))? {
            match field {
                Field::Labels => labels = map.next_value_seed(Labels)?,
                Field::Counters => {
                    let Set { reader, section, .. } = self;
                    map.next_value_seed(Counters { reader, section, labels: &labels, out: &mut *self.out })?;
                }
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(())
    }
}

/// A set of labels as parts of a name, in the daemon's order; empty when there are none.
struct Labels;

impl<'de> DeserializeSeed<'de> for Labels {
    type Value = String;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<String, D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Labels {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of labels")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<String, A::Error> {
        let mut name = String::new();
        while let Some((label, value)) = map.next_entry::<String, String>()? {
            if !name.is_empty() {
                name.push('.');
            }
            name.push_str(&cleaned(&label));
            name.push('_');
            name.push_str(&cleaned(&value));
        }
        Ok(name)
    }
}

struct Counters<'a> {
    reader: Reader<'a>,
    section: &'a Section,
    labels: &'a str,
    out: &'a mut Out,
}

impl<'de> DeserializeSeed<'de> for Counters<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_map(self)
    }
}

impl<'de> Visitor<'de> for Counters<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of counters")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let Counters { reader, section, labels, out } = self;
        let (path, mut next) = ([reader.prefix, &*section.name, labels], 0);
        while let Some(counter) = map.next_key_seed(Key(|name: &str| section.counters.find(name, &mut next)))? {
            let Some(Some(counter)) = counter else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let reading = map.next_value_seed(Reading::Other)?;
            publish(reader.naming, path, counter, reading, out);
        }
        Ok(())
    }
}
