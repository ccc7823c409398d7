//! JSON to values, while it is read: no tree of it is ever held.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, IgnoredAny, MapAccess, SeqAccess, Visitor};

use crate::{Out, Style};

/// Keys that lie deeper are none of a metric.
const DEEPEST: usize = 16;
/// A longer name is none of Graphite's.
const LONGEST_NAME: usize = 1000;

/// Publishes every number in the objects of `json` below `httpjson`, or `httpjson.TARGET`. Numbers in quotes count, and
/// `true` is 1; lists, other text and `null` are passed over. What has a fraction is printed as `fraction` says.
///
/// # Errors
/// What is wrong with the JSON, or that it holds more than `most` numbers.
pub(super) fn publish(
    target: Option<&str>,
    json: &[u8],
    (most, fraction): (usize, Style),
    out: &mut Out,
) -> serde_json::Result<()> {
    let mut path = vec!["httpjson".to_owned()];
    path.extend(target.map(str::to_owned));
    let mut left = most;
    let mut input = serde_json::Deserializer::from_slice(json);
    Flatten { path: &mut path, left: &mut left, fraction, out }.deserialize(&mut input)?;
    input.end()
}

/// The value whose keys are in `path`.
struct Flatten<'a> {
    path: &'a mut Vec<String>,
    left: &'a mut usize,
    fraction: Style,
    out: &'a mut Out,
}

impl Flatten<'_> {
    fn number<E: Error>(self, value: f64, whole: bool) -> Result<(), E> {
        let length: usize = self.path.iter().map(|part| part.len() + 1).sum();
        // A number alone has no name.
        if self.path.len() < 2 || self.path.len() > DEEPEST || length > LONGEST_NAME {
            return Ok(());
        }
        *self.left = self.left.checked_sub(1).ok_or_else(|| E::custom("more numbers than `most` says"))?;
        let parts: Vec<&str> = self.path.iter().map(String::as_str).collect();
        self.out.gauge(&parts, value).style(if whole { Style::Decimals(0) } else { self.fraction });
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Flatten<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, input: D) -> Result<(), D::Error> {
        input.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Flatten<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<(), M::Error> {
        while let Some(key) = map.next_key()? {
            self.path.push(key);
            map.next_value_seed(Flatten { path: self.path, left: self.left, fraction: self.fraction, out: self.out })?;
            self.path.pop();
        }
        Ok(())
    }

    fn visit_seq<S: SeqAccess<'de>>(self, mut list: S) -> Result<(), S::Error> {
        while list.next_element::<IgnoredAny>()?.is_some() {}
        Ok(())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<(), E> {
        self.number(f64::from(u8::from(value)), true)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<(), E> {
        self.number(value as f64, true)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<(), E> {
        self.number(value as f64, true)
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<(), E> {
        self.number(value, false)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<(), E> {
        match value.trim().parse::<i64>() {
            Ok(number) => self.number(number as f64, true),
            Err(_) => Ok(()),
        }
    }

    fn visit_unit<E: Error>(self) -> Result<(), E> {
        Ok(())
    }
}
