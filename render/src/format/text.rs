//! Series as lines of text.

use std::io::Write;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::{Output, TooLong, number};
use crate::series::Series;

/// `name,start,end,step|value,value,...`, a series a line; a missing value is `None`, numbers are as Python's `repr`.
///
/// # Errors
/// When it grows too long.
pub fn raw(series: &[Series], out: &mut Output) -> Result<(), TooLong> {
    for one in series {
        out.text(&one.name);
        let _ = write!(out.bytes(), ",{},{},{}|", one.start, one.end, one.step);
        for (at, &value) in one.values.iter().enumerate() {
            if at > 0 {
                out.text(",");
            }
            match one.values.word() {
                Some(word) => out.text(&repr(word)),
                None if value.is_nan() => out.text("None"),
                None => number_of(one, at, value, out),
            }
            out.check()?;
        }
        out.text("\n");
        out.check()?;
    }
    Ok(())
}

/// `name,YYYY-mm-dd HH:MM:SS,value` a point, times in `zone`, lines ended as RFC 4180 wants; a missing value is empty.
///
/// # Errors
/// When it grows too long.
pub fn csv(series: &[Series], zone: &TimeZone, out: &mut Output) -> Result<(), TooLong> {
    for one in series {
        let name = field(&one.name);
        for (at, &value) in one.values.iter().enumerate() {
            out.text(&name);
            out.text(",");
            clock(one.start.saturating_add(one.step.saturating_mul(at as i64)), zone, out);
            out.text(",");
            match one.values.word() {
                Some(word) => out.text(&field(word)),
                None if value.is_nan() => {}
                None => number_of(one, at, value, out),
            }
            out.text("\r\n");
            out.check()?;
        }
    }
    Ok(())
}

fn number_of(one: &Series, at: usize, value: f64, out: &mut Output) {
    if one.integers || one.values.is_whole(at) {
        number::integer(out.bytes(), value)
    } else {
        number::float(out.bytes(), value)
    }
}

/// A text as Python writes it in a program.
fn repr(text: &str) -> String {
    let quote = if text.contains('\'') && !text.contains('"') { '"' } else { '\'' };
    let mut written = String::from(quote);
    for c in text.chars() {
        match c {
            '\n' => written.push_str("\\n"),
            '\r' => written.push_str("\\r"),
            '\t' => written.push_str("\\t"),
            c if c == quote || c == '\\' => written.extend(['\\', c]),
            c if c.is_ascii_control() => written.push_str(&format!("\\x{:02x}", u32::from(c))),
            c => written.push(c),
        }
    }
    written.push(quote);
    written
}

/// A field in quotes where it needs them, with quotes inside doubled.
fn field(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn clock(time: i64, zone: &TimeZone, out: &mut Output) {
    // Times beyond the calendar are outside of any archive; the last representable instant stands for them.
    let time = Timestamp::from_second(time).unwrap_or(Timestamp::MAX);
    let local = zone.to_datetime(time);
    let (date, time) = (local.date(), local.time());
    let _ = write!(
        out.bytes(),
        "{:04}-{:02}-{:02} {:02}:{:02}:{:02}",
        date.year(),
        date.month(),
        date.day(),
        time.hour(),
        time.minute(),
        time.second()
    );
}
