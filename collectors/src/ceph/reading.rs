//! One number of a dump, and the keys before them, read where they stand.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A number of a dump.
#[derive(Clone, Copy, Debug)]
pub(super) enum Reading {
    Whole(u64),
    Real(f64),
    Pair {
        sum: f64,
        count: u64,
        /// The average over the daemon's whole life, which must never be charted as a latency.
        lifetime: Option<f64>,
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
        let (mut total, mut events, mut lifetime) = (None, None, None);
        while let Some(part) = map.next_key_seed(Key(Part::of))? {
            match part {
                Part::Sum => total = Some(map.next_value::<f64>()?),
                Part::Count => events = Some(map.next_value::<u64>()?),
                Part::Lifetime => lifetime = Some(map.next_value::<f64>()?),
                Part::Other => drop(map.next_value::<IgnoredAny>()?),
            }
        }
        Ok(total.zip(events).map_or(Reading::Other, |(sum, count)| Reading::Pair { sum, count, lifetime }))
    }
}

enum Part {
    Sum,
    Count,
    Lifetime,
    Other,
}

impl Part {
    fn of(name: &str) -> Part {
        match name {
            "sum" => Part::Sum,
            "avgcount" => Part::Count,
            "avgtime" => Part::Lifetime,
            _ => Part::Other,
        }
    }
}

/// Looks a key up where it stands, without a copy of it.
pub(super) struct Key<F>(pub(super) F);

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
