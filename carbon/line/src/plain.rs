//! Graphite's plaintext protocol: `name value timestamp`, one datapoint a line.
//!
//! ```
//! let point = carbon_line::plain::parse(b"servers.web01.load.1 0.25 1700000000")?;
//! assert_eq!((point.name, point.value, point.time), ("servers.web01.load.1", 0.25, 1_700_000_000.0));
//! # Ok::<(), carbon_line::Reject>(())
//! ```

use std::fmt;

use crate::{Numbers, Reject, number, simple};

/// What one line or one item of a pickle says, before any rule about names and times is applied.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Datapoint<'a> {
    /// The name as it was sent.
    pub name: &'a str,
    /// Never NaN.
    pub value: f64,
    /// Seconds since the epoch, finite; may be negative, fractional, or far away.
    pub time: f64,
}

/// Reads one line, without its newline, as carbon does: UTF-8, split at any Unicode white space into exactly three
/// fields, numbers as Python writes them.
///
/// Hot path: one line of printable ASCII parted by single spaces allocates nothing (tests/allocation.rs) and is
/// measured by benches/decode.rs. Everything unusual takes `exactly`, which decides alone. Where many lines lie in one
/// chunk, [`crate::decoder::Lines`] reads the simple ones without coming here.
///
/// # Errors
/// Names the field at fault.
pub fn parse(line: &[u8]) -> Result<Datapoint<'_>, Reject> {
    match quickly(line) {
        Some(point) => Ok(point),
        None => exactly(line),
    }
}

/// The line every client sends. `None` when it is not that simple, or wrong.
#[inline]
fn quickly(line: &[u8]) -> Option<Datapoint<'_>> {
    let (simple, used) = simple::line(line)?;
    let Numbers { value, time } = simple.numbers;
    let name = str::from_utf8(simple.name).ok()?;
    (used == line.len()).then_some(Datapoint { name, value, time })
}

/// The whole rule: what Python's `line.decode().split()` and `float()` make of it.
#[cold]
pub(crate) fn exactly(line: &[u8]) -> Result<Datapoint<'_>, Reject> {
    let line = str::from_utf8(line).map_err(|_| Reject::NotUtf8)?;
    let mut fields = line.split(is_space).filter(|field| !field.is_empty());
    let name = fields.next().ok_or(Reject::Blank)?;
    let (Some(value), Some(time), None) = (fields.next(), fields.next(), fields.next()) else {
        return Err(Reject::FieldCount);
    };
    let (value, time) = (number::exact(value), number::exact(time));
    datapoint(name, value.ok_or(Reject::Value)?, time.ok_or(Reject::Time)?)
}

/// The rule that every protocol shares: no NaN, and an instant is a finite number. NaN is looked for first, as carbon
/// has it.
pub(crate) fn datapoint(name: &str, value: f64, time: f64) -> Result<Datapoint<'_>, Reject> {
    if value.is_nan() {
        return Err(Reject::Nan);
    }
    if !time.is_finite() {
        return Err(Reject::TimeNotFinite);
    }
    Ok(Datapoint { name, value, time })
}

/// White space as Python's `str.split` has it: Unicode's, and the four information separators of ASCII.
pub(crate) fn is_space(c: char) -> bool {
    c.is_whitespace() || ('\x1c'..='\x1f').contains(&c)
}

impl fmt::Display for Datapoint<'_> {
    /// The line, without a newline, that [`parse`] reads back to the same bits.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} {}", self.name, self.value, self.time)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_printed_datapoint_is_read_back(name in "[^ \\pC\\pZ]{1,40}", value in any::<f64>(), time in any::<f64>()) {
            let point = Datapoint { name: &name, value, time };
            let line = point.to_string();
            match parse(line.as_bytes()) {
                Ok(read) => {
                    prop_assert_eq!(read.name, point.name);
                    prop_assert_eq!((read.value.to_bits(), read.time.to_bits()), (value.to_bits(), time.to_bits()));
                }
                Err(Reject::Nan) => prop_assert!(value.is_nan()),
                Err(reject) => prop_assert!(reject == Reject::TimeNotFinite && !time.is_finite()),
            }
        }

        #[test]
        fn the_quick_way_agrees_with_the_whole_rule(line in "[a.~ \t\r]{0,4} ?[-+0-9._einfa]{0,8} ?[-+0-9.ea_]{0,12}\r?") {
            if let Some(quick) = quickly(line.as_bytes()) {
                prop_assert_eq!(Ok(quick), exactly(line.as_bytes()));
            }
        }
    }

    #[track_caller]
    fn check(line: &str, expected: Result<(&str, f64, f64), Reject>) {
        let found = parse(line.as_bytes()).map(|point| (point.name, point.value, point.time));
        assert_eq!(found, expected, "{line:?}");
    }

    #[test]
    fn three_fields_make_a_datapoint() {
        check("a.b 1 1700000000", Ok(("a.b", 1.0, 1.7e9)));
        check("a.b 1 1700000000\r", Ok(("a.b", 1.0, 1.7e9)));
        check("\ta.b\u{a0}1   1700000000.5 ", Ok(("a.b", 1.0, 1_700_000_000.5)));
        check("größe ١ 1_700_000_000", Ok(("größe", 1.0, 1.7e9)));
    }

    #[test]
    fn the_fault_is_named() {
        check("", Err(Reject::Blank));
        check(" \r", Err(Reject::Blank));
        check("a.b 1", Err(Reject::FieldCount));
        check("a.b 1 2 3", Err(Reject::FieldCount));
        check("a b 1 1700000000", Err(Reject::FieldCount));
        check("a.b one 1700000000", Err(Reject::Value));
        check("a.b nan 1700000000", Err(Reject::Nan));
        check("a.b 1 now", Err(Reject::Time));
        check("a.b 1 inf", Err(Reject::TimeNotFinite));
        assert_eq!(parse(b"\xff 1 1700000000"), Err(Reject::NotUtf8));
        assert_eq!(parse(b"a.b 1 1700000000 \xff"), Err(Reject::NotUtf8));
    }

    #[test]
    fn separators_inside_a_name_part_it() {
        check("a\x1cb 1 1700000000", Err(Reject::FieldCount));
        check("a\x0b1 1700000000", Ok(("a", 1.0, 1.7e9)));
        check("a\0b 1 1700000000", Ok(("a\0b", 1.0, 1.7e9)));
    }
}
