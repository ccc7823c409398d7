//! The points of a series as JSON on one line, block by block.

use super::clock::Clock;
use super::number::{self, Cell, ROOM};
use super::value::json_value;
use crate::series::Series;

/// Points for which room is made at once.
pub(super) const BLOCK: usize = 64;

/// How far the points of a series are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Cursor {
    at: usize,
    clock: Clock,
    /// Whether one stands there already, which a comma parts from the next.
    is_begun: bool,
}

impl Cursor {
    /// Before the first.
    pub(super) fn of(one: &Series) -> Cursor {
        Cursor { at: 0, clock: Clock::new(one.start, one.step), is_begun: false }
    }
}

/// What a time leaves behind for the point that may follow.
const AFTER: usize = ", [".len();

/// Writes the next block of `[[value, epoch], ...]`, and the brackets around all; whether there is more.
///
/// This is what nearly every request ends in: some 10 ns a point on a busy machine.
pub(super) fn points_of(one: &Series, cursor: &mut Cursor, known_only: bool, bytes: &mut Vec<u8>) -> bool {
    let values = shown(one);
    if cursor.at == 0 {
        bytes.push(b'[');
    }
    let block = &values[cursor.at..values.len().min(cursor.at + BLOCK)];
    if one.values.is_spelled() {
        return spelled_points_of(one, block, cursor, known_only, bytes);
    }
    // The clock lives in registers meanwhile.
    let mut clock = cursor.clock;
    let before = bytes.len();
    let begin: &[u8] = if cursor.is_begun { b", [" } else { b"[" };
    bytes.extend_from_slice(begin);
    let mut end = bytes.len();
    bytes.resize(end + block.len() * ROOM, 0);
    for &value in block {
        if known_only && value.is_nan() {
            clock.go_on();
            continue;
        }
        let room = bytes[end..].first_chunk_mut().expect("a cell's room was made for each value of the block");
        let mut cell = Cell::of(room);
        cell.json(value, one.integers);
        clock.tick(&mut cell);
        end += cell.length();
    }
    let is_any = end > before + begin.len();
    bytes.truncate(if is_any { end - AFTER } else { before });
    cursor.is_begun |= is_any;
    cursor.clock = clock;
    cursor.at += block.len();
    let is_more = cursor.at < values.len();
    if !is_more {
        bytes.push(b']');
    }
    is_more
}

/// As [`points_of`], where values are written in a way of their own.
#[cold]
fn spelled_points_of(one: &Series, block: &[f64], cursor: &mut Cursor, known_only: bool, bytes: &mut Vec<u8>) -> bool {
    for (at, &value) in (cursor.at..).zip(block) {
        if !known_only || !value.is_nan() {
            bytes.extend_from_slice(if cursor.is_begun { b", [" } else { b"[" });
            json_value(bytes, one, at, value);
            bytes.extend_from_slice(b", ");
            number::whole(bytes, one.start.saturating_add(one.step.saturating_mul(at as i64)));
            bytes.push(b']');
            cursor.is_begun = true;
        }
    }
    cursor.at += block.len();
    let is_more = cursor.at < shown(one).len();
    if !is_more {
        bytes.push(b']');
    }
    is_more
}

/// The values whose times do not lie past the end, as graphite-web's `datapoints`.
pub(super) fn shown(one: &Series) -> &[f64] {
    let Ok(reach) = usize::try_from(one.end.saturating_sub(one.start).div_euclid(one.step.max(1))) else { return &[] };
    &one.values[..one.values.len().min(reach.saturating_add(1))]
}
