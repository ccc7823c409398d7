//! What is appended between two visits of the writer, and where it stands.

use std::time::Instant;

use crate::frames::Frames;

/// A stretch of points, counted up from 1 as they fill; the unit in which the journal lets go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Segment(u32);

impl Segment {
    /// The segment with this number.
    pub const fn new(number: u32) -> Segment {
        Segment(number)
    }

    /// Its number.
    pub const fn number(self) -> u32 {
        self.0
    }
}

/// A place in all that was appended since the start, in bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub(crate) u64);

/// Points of one segment on their way to its file, with the names that they are the first to use.
#[derive(Debug)]
pub(crate) struct Chunk {
    /// The segment that tickets name; the file may be that of a later one.
    pub(crate) segment: u32,
    pub(crate) names: Frames,
    pub(crate) points: Frames,
    /// Position behind the last point.
    pub(crate) end: u64,
    /// When the first of them was appended.
    pub(crate) since: Instant,
}
