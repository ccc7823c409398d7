//! From an answer to `perf dump` to samples: the schema says what each number is, names are
//! `ceph.CLUSTER.TYPE.ID.SECTION.COUNTER`, with `.rate` for what grows and `.rate` and `.avg` for pairs.
//!
//! The JSON is walked once and nothing of it is kept.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::discover::Daemon;
use super::schema::{Counter, Kind, Schema, Section};
use crate::{Bits, Out};

/// Significant digits of a rate or an average.
const DIGITS: u8 = 6;

/// Significant digits of a value that is told as it is.
const GAUGE_DIGITS: u8 = 10;

/// Puts the counters of `dump` that `schema` wants into `out`. `false` when the dump has sections that the schema lacks:
/// it is older than the daemon's inside.
///
/// # Errors
/// When the dump is no JSON of that form; `out` may then hold a part of it.
pub(super) fn flatten(dump: &[u8], schema: &Schema, daemon: &Daemon, out: &mut Out) -> serde_json::Result<bool> {
    let mut complete = true;
    let mut input = serde_json::Deserializer::from_slice(dump);
    (&mut input).deserialize_map(Sections { schema, daemon, out, complete: &mut complete })?;
    input.end()?;
    Ok(complete)
}

struct Sections<'a> {
    schema: &'a Schema,
    daemon: &'a Daemon,
    out: &'a mut Out,
    complete: &'a mut bool,
}

impl<'de> Visitor<'de> for Sections<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of sections")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        while let Some(section) = map.next_key_seed(Key(|name: &str| self.schema.section(name)))? {
            let Some(section) = section else {
                *self.complete = false;
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            map.next_value_seed(Counters { section, daemon: self.daemon, out: self.out })?;
        }
        Ok(())
    }
}

struct Counters<'a> {
    section: &'a Section,
    daemon: &'a Daemon,
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
        while let Some(counter) = map.next_key_seed(Key(|name: &str| self.section.counter(name)))? {
            let Some(counter) = counter else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let reading = map.next_value_seed(Reading::Other)?;
            publish(self.daemon, &self.section.name, counter, reading, self.out);
        }
        Ok(())
    }
}

/// Looks a key up where it stands, without a copy of it.
struct Key<F>(F);

impl<'de, T, F: FnOnce(&str) -> T> DeserializeSeed<'de> for Key<F> {
    type Value = T;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<T, D::Error> {
        input.deserialize_str(self)
    }
}

impl<T, F: FnOnce(&str) -> T> Visitor<'_> for Key<F> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E>(self, name: &str) -> Result<T, E> {
        Ok((self.0)(name))
    }
}

/// A number of a dump.
#[derive(Clone, Copy, Debug)]
enum Reading {
    Whole(u64),
    Real(f64),
    Pair {
        sum: f64,
        count: u64,
    },
    /// Nothing that a counter can be.
    Other,
}

impl<'de> DeserializeSeed<'de> for Reading {
    type Value = Reading;

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<Reading, D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Reading {
    type Value = Reading;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number or a pair of sum and count")
    }

    fn visit_u64<E>(self, whole: u64) -> Result<Reading, E> {
        Ok(Reading::Whole(whole))
    }

    fn visit_i64<E>(self, whole: i64) -> Result<Reading, E> {
        Ok(Reading::Real(whole as f64))
    }

    fn visit_f64<E>(self, real: f64) -> Result<Reading, E> {
        Ok(Reading::Real(real))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Reading, E> {
        Ok(Reading::Other)
    }

    fn visit_str<E>(self, _: &str) -> Result<Reading, E> {
        Ok(Reading::Other)
    }

    fn visit_unit<E>(self) -> Result<Reading, E> {
        Ok(Reading::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Reading, A::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Reading::Other)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Reading, A::Error> {
        let (mut total, mut events) = (None, None);
        while let Some(field) = map.next_key_seed(Key(Field::of))? {
            match field {
                Field::Sum => total = Some(map.next_value::<f64>()?),
                Field::Count => events = Some(map.next_value::<u64>()?),
                // The average over the daemon's whole life, which must never be charted as a latency.
                Field::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(total.zip(events).map_or(Reading::Other, |(sum, count)| Reading::Pair { sum, count }))
    }
}

enum Field {
    Sum,
    Count,
    Other,
}

impl Field {
    fn of(name: &str) -> Field {
        match name {
            "sum" => Field::Sum,
            "avgcount" => Field::Count,
            _ => Field::Other,
        }
    }
}

/// Adds one counter; a number that does not fit its kind is left out.
fn publish(daemon: &Daemon, section: &str, counter: &Counter, reading: Reading, out: &mut Out) {
    let path = ["ceph", &daemon.cluster, &daemon.kind, &daemon.id, section, &counter.name, "rate"];
    let plain = &path[..path.len() - 1];
    let added = match (counter.kind, reading) {
        (Kind::Gauge, Reading::Whole(whole)) => out.gauge(plain, whole as f64),
        (Kind::Gauge, Reading::Real(real)) => out.gauge(plain, real),
        (Kind::Counter, Reading::Whole(raw)) => out.counter(&path, raw, Bits::B64),
        (Kind::Counter | Kind::Seconds, Reading::Real(sum)) => out.total(&path, sum),
        (Kind::Seconds, Reading::Whole(sum)) => out.total(&path, sum as f64),
        (Kind::Average, Reading::Pair { sum, count }) => out.avg(plain, sum, count),
        _ => return,
    };
    // Sizes in bytes would lose too much with as few digits as a rate deserves.
    let digits = if counter.kind == Kind::Gauge { GAUGE_DIGITS } else { DIGITS };
    added.significant(digits).unit(counter.unit);
}
