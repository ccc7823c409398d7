//! JSON on one line, in pieces: an answer of megabytes is made while it is sent, and is never in memory as a whole.

use super::Output;
use super::json::head_on_a_line;
use super::number::ROOM;
use super::points::{BLOCK, Cursor, points_of, shown};
use crate::series::{Series, Style};

/// Bytes of a piece: what the socket takes in one go, and the processor's cache keeps meanwhile.
const PIECE: usize = 64 * 1024;

/// What [`json`](super::json) gives on one line, piece by piece.
#[derive(Debug)]
pub struct Pieces {
    series: Vec<Series>,
    known_only: bool,
    /// The series that is being written.
    at: usize,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Begin,
    /// Before the first series that is shown.
    First,
    Between,
    Points(Cursor),
    Done,
}

impl Pieces {
    /// With `known_only`, points without a value are left out, and series that have none at all.
    pub fn new(mut series: Vec<Series>, known_only: bool) -> Pieces {
        if known_only {
            series.retain(|one| shown(one).iter().any(|value| !value.is_nan()));
        }
        Pieces { series, known_only, at: 0, state: State::Begin }
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
                self.state = State::Points(Cursor::of(one));
            }
            (State::Points(mut cursor), Some(one)) => {
                if points_of(one, &mut cursor, self.known_only, out.bytes()) {
                    self.state = State::Points(cursor);
                } else {
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
    let style = |Style { color, stack_name, .. }: &Style| {
        256 + [color, stack_name].into_iter().flatten().map(|name| text(name)).sum::<usize>()
    };
    let value = |one: &Series| ROOM + one.values.word().map_or(0, text);
    let one = |one: &Series| text(&one.name) + tags(one) + style(&one.style) + 64 + value(one) * one.values.len();
    series.iter().map(one).sum::<usize>() + 2
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
