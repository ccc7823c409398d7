//! A text and a value as JSON, wherever they stand.

use super::number::{Cell, ROOM};
use crate::series::Series;

/// `text` in quotes, ASCII only, safe inside a script as well: `<`, `>` and `&` are escaped like everything odd.
pub(crate) fn quote(out: &mut Vec<u8>, text: &str) {
    out.push(b'"');
    for c in text.chars() {
        match c {
            '"' => out.extend_from_slice(b"\\\""),
            '\\' => out.extend_from_slice(b"\\\\"),
            '\n' => out.extend_from_slice(b"\\n"),
            '\r' => out.extend_from_slice(b"\\r"),
            '\t' => out.extend_from_slice(b"\\t"),
            ' '..='~' if !matches!(c, '<' | '>' | '&') => out.push(c as u8),
            _ => {
                for unit in c.encode_utf16(&mut [0; 2]) {
                    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
                }
            }
        }
    }
    out.push(b'"');
}

/// The value of a series at a place.
pub(super) fn json_value(out: &mut Vec<u8>, one: &Series, at: usize, value: f64) {
    match one.values.word() {
        Some(word) => quote(out, word),
        None => json_number(out, value, one.integers || one.values.is_whole(at)),
    }
}

/// A figure, with a decimal point unless it is an `integer`; `null` where it is none.
pub(super) fn json_number(out: &mut Vec<u8>, value: f64, integer: bool) {
    let mut room = [0; ROOM];
    let mut cell = Cell::of(&mut room);
    cell.json(value, integer);
    let length = cell.length();
    out.extend_from_slice(&room[..length]);
}
