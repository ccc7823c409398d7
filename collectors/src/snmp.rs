//! The form of `/proc/net/snmp` and `/proc/net/netstat`: a line of names, then a line of values, both after the name
//! of their group. Three collectors read it.

use std::path::Path;

use crate::proc::{fields, lines, number, text};
use crate::{Bits, Fail, Out};

/// Calls `found` with each name of `group` (`Tcp:`) that is among `names`, and its value, in the order of the file. A group that
/// the kernel does not have gives nothing; names without a value are passed over.
///
/// # Errors
/// [`Fail::Parse`] at the first of these values that is no whole number.
pub(crate) fn group<'a>(
    path: &Path,
    table: &'a [u8],
    group: &[u8],
    names: &[String],
    mut found: impl FnMut(&'a str, i128),
) -> Result<(), Fail> {
    let mut rows = lines(table).filter(|(_, line)| fields(line).next() == Some(group));
    while let (Some((_, columns)), Some((at, values))) = (rows.next(), rows.next()) {
        for (name, value) in fields(columns).zip(fields(values)).skip(1) {
            if let Some(name) = text(name).filter(|name| wanted(names, name)) {
                let count = integer(value).ok_or_else(|| Fail::parse(path, at, "a count", value))?;
                found(name, count);
            }
        }
    }
    Ok(())
}

/// A whole number, which may be negative, as `MaxConn` is where there is no limit; counters take all of 64 bits.
fn integer(digits: &[u8]) -> Option<i128> {
    number(digits).map(i128::from).or_else(|| text(digits)?.parse().ok())
}

/// Publishes a count as a rate; a negative one is none.
pub(crate) fn publish_count(path: &[&str], count: i128, out: &mut Out) {
    if let Ok(count) = count.try_into() {
        out.counter(path, count, Bits::B64);
    }
}

/// Whether `name` is one of `names`; an empty list wants all, as Diamond's `allowed_names`.
pub(crate) fn wanted(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|wanted| wanted == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(table: &str, expected: Result<&[(&str, i128)], &str>) {
        let mut found = Vec::new();
        let result = group(Path::new("/proc/net/snmp"), table.as_bytes(), b"Tcp:", &[], |name, value| {
            found.push((name, value));
        });
        match expected {
            Ok(expected) => assert_eq!((result.is_ok(), &found[..]), (true, expected)),
            Err(expected) => assert!(result.unwrap_err().to_string().contains(expected)),
        }
    }

    #[test]
    fn names_meet_their_values() {
        check("Ip: A\nIp: 1\nTcp: MaxConn In\nTcp: -1 7\n", Ok(&[("MaxConn", -1), ("In", 7)]));
    }

    #[test]
    fn a_cut_or_empty_table_gives_what_it_has() {
        check("", Ok(&[]));
        check("Tcp: A B\n", Ok(&[]));
        check("Tcp: A B\nTcp: 5", Ok(&[("A", 5)]));
        check("Tcp:\nTcp:\n", Ok(&[]));
    }

    #[test]
    fn a_negative_count_is_none() {
        let mut out = Out::default();
        publish_count(&["a"], -1, &mut out);
        publish_count(&["b"], u64::MAX.into(), &mut out);
        assert_eq!(out.len(), 1);
    }

    #[test]
    fn a_value_that_is_none_is_named() {
        check("Tcp: A B\nTcp: 5 many\n", Err("line 2: expected a count, found `many`"));
    }
}
