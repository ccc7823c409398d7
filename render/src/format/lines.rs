//! JSON on one line, in pieces: an answer of megabytes is made while it is sent, and is never in memory as a whole.

use super::Output;
use super::clock::Clock;
use super::json::head_on_a_line;
use super::number::{Cell, ROOM};
use crate::series::Series;

/// Bytes of a piece: what the socket takes in one go, and the processor's cache keeps meanwhile.
const PIECE: usize = 64 * 1024;

/// Points for which room is made at once.
const BLOCK: usize = 64;

/// What [`json`](super::json) gives on one line, piece by piece.
#[derive(Debug)]
pub struct Pieces {
    series: Vec<Series>,
    known_only: bool,
    /// The series that is being written, and its next point.
    at: usize,
    cursor: Cursor,
    state: State,
}

/// How far the points of a series are written.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Cursor {
    at: usize,
    /// Whether one stands there already, which a comma parts from the next.
    is_begun: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Begin,
    /// Before the first series that is shown.
    First,
    Between,
    Points,
    Done,
}

impl Pieces {
    /// With `known_only`, points without a value are left out, and series that have none at all.
    pub fn new(mut series: Vec<Series>, known_only: bool) -> Pieces {
        if known_only {
            series.retain(|one| one.values.iter().any(|value| !value.is_nan()));
        }
        Pieces { series, known_only, at: 0, cursor: Cursor::default(), state: State::Begin }
    }

    /// Writes one more series' head, or a block of points.
    fn go_on(&mut self, out: &mut Output) {
        match (self.state, self.series.get(self.at)) {
            (State::Begin, _) => {
                out.text("[");
                self.state = State::First;
            }
            (State::First | State::Between, Some(one)) => {
                if self.state == State::Between {
                    out.text(", ");
                }
                head_on_a_line(one, out);
                (self.cursor, self.state) = (Cursor::default(), State::Points);
            }
            (State::Points, Some(one)) => {
                if !points_of(one, &mut self.cursor, self.known_only, out.bytes()) {
                    out.text("}");
                    (self.at, self.state) = (self.at + 1, State::Between);
                }
            }
            (_, None) => {
                out.text("]");
                self.state = State::Done;
            }
            (State::Done, Some(_)) => {}
        }
    }
}

/// Bytes that all pieces of `series` have together at most.
pub fn longest(series: &[Series]) -> usize {
    // Each character can become `\uxxxx`; one of four bytes can become two of them.
    let text = |text: &str| 6 * text.len() + 8;
    let tags = |one: &Series| one.tags.iter().map(|(tag, value)| text(tag) + text(value)).sum::<usize>();
    series.iter().map(|one| text(&one.name) + tags(one) + 64 + ROOM * one.values.len()).sum::<usize>() + 2
}

impl Iterator for Pieces {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.state == State::Done {
            return None;
        }
        let mut out = Output::with_room(PIECE + BLOCK * ROOM);
        while self.state != State::Done && out.bytes().len() < PIECE {
            self.go_on(&mut out);
        }
        Some(out.into_bytes())
    }
}

/// Writes the next block of `[[value, epoch], ...]`, and the brackets around all; whether there is more.
///
/// This is what nearly every request ends in: some 10 ns a point.
pub(super) fn points_of(one: &Series, cursor: &mut Cursor, known_only: bool, bytes: &mut Vec<u8>) -> bool {
    let values = shown(one);
    if cursor.at == 0 {
        bytes.push(b'[');
    }
    let block = &values[cursor.at..values.len().min(cursor.at + BLOCK)];
    let mut clock = Clock::new(one.start.saturating_add(one.step.saturating_mul(cursor.at as i64)), one.step);
    let mut end = bytes.len();
    bytes.resize(end + block.len() * ROOM, 0);
    for &value in block {
        if known_only && value.is_nan() {
            clock.go_on();
            continue;
        }
        let room = bytes[end..].first_chunk_mut().expect("a cell's room was made for each value of the block");
        let mut cell = Cell::of(room);
        if cursor.is_begun {
            cell.put(b", [");
        } else {
            cell.put(b"[");
            cursor.is_begun = true;
        }
        cell.json(value, one.integers);
        cell.put(b", ");
        clock.tick(&mut cell);
        cell.put(b"]");
        end += cell.length();
    }
    bytes.truncate(end);
    cursor.at += block.len();
    let is_more = cursor.at < values.len();
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
