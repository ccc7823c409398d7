//! Lines by distance: a pixel is covered as its centre is near.
//!
//! Pieces of a line are merged by the greatest coverage, which makes joins round and never darkens an overlap. Beside
//! outlines this costs a third: no edge is walked, and four neighbours are computed at once.

use super::coverage::{BLOCK, Coverage};
use super::lanes::{LANES, greater, lesser};
use crate::draw::surface::Point;

/// Steps shorter than this show nothing, and their direction means nothing.
const LEAST_STEP: f32 = 0.02;
/// More than any distance within a picture.
const FAR: f32 = 1e9;

/// Traces a line of `width` device pixels, at least one, through `points` into `coverage`; its ends are cut straight.
pub(super) fn line(coverage: &mut Coverage, width: f32, points: impl Iterator<Item = Point>) {
    let half = width / 2.0;
    let (mut last, mut waiting): (Option<Point>, Option<Piece>) = (None, None);
    for to in points {
        let Some(from) = last else {
            last = Some(to);
            continue;
        };
        let length = (to.x - from.x).hypot(to.y - from.y);
        if !(LEAST_STEP..FAR).contains(&length) {
            continue;
        }
        // The piece before turned out not to be the last.
        let is_first = waiting.is_none();
        if let Some(piece) = waiting.take() {
            piece.trace(coverage, half);
        }
        let room = if is_first { 0.5 } else { FAR };
        waiting = Some(Piece { from, to, length, room: [room, FAR] });
        last = Some(to);
    }
    if let Some(mut piece) = waiting {
        piece.room[1] = 0.5;
        piece.trace(coverage, half);
    }
}

/// A straight piece of a line.
struct Piece {
    from: Point,
    to: Point,
    length: f32,
    /// How far from its start and from its end a pixel may lie outside; [`FAR`] where the line goes on.
    room: [f32; 2],
}

impl Piece {
    fn trace(&self, coverage: &mut Coverage, half: f32) {
        let Piece { from, to, length, room: [before, after] } = *self;
        let reach = half + 0.5;
        let clip = coverage.clip;
        // Whole numbers by cutting: `floor` and `ceil` are calls on processors of the oldest kind.
        let within = |value: f32, most: usize| lesser(greater(value, 0.0), most as f32) as i32 as usize;
        let first = within(lesser(from.y, to.y) - reach, clip.bottom).max(clip.top);
        let end = within(greater(from.y, to.y) + reach + 1.0, clip.bottom);
        let (least, most) = (lesser(from.x, to.x) - reach, greater(from.x, to.x) + reach);
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        // Where the line is in a row, and how far pixels beside it are touched; all of it where the line is level.
        let is_level = dy.abs() < 1e-3;
        let slope = if is_level { 0.0 } else { dx / dy };
        let beside = if is_level { FAR } else { reach * (1.0 + slope * slope).sqrt() };
        let brush = Brush {
            along: Point::new(dx / length, dy / length),
            lowest: if before < FAR { -FAR } else { 0.0 },
            highest: if after < FAR { FAR } else { length },
            before,
            after: length + after,
            reach,
        };
        for row in first..end {
            let y = row as f32 + 0.5 - from.y;
            let middle = from.x + y * slope;
            let start = within(greater(middle - beside, least) + 0.5, clip.right).max(clip.left);
            let stop = within(lesser(middle + beside, most) + 0.5, clip.right);
            if start >= stop {
                continue;
            }
            coverage.mark(row, start / BLOCK, (stop + LANES - 1) / BLOCK);
            let cells = coverage.row_mut(row);
            let mut at = start;
            while at < stop {
                let Some(cells) = cells.get_mut(at..at + LANES) else { break };
                brush.four(cells, at as f32 + 0.5 - from.x, y);
                at += LANES;
            }
        }
        if first < end {
            coverage.top = coverage.top.min(first);
            coverage.bottom = coverage.bottom.max(end);
        }
    }
}

/// What the pixels along a piece have in common.
struct Brush {
    /// Its direction.
    along: Point,
    /// Bounds of the nearest place on it, from its start.
    lowest: f32,
    highest: f32,
    /// Where it is cut, before its start and after it.
    before: f32,
    after: f32,
    reach: f32,
}

impl Brush {
    /// Covers four cells whose first centre lies at `x`, `y` from the start of the piece.
    #[inline]
    fn four(&self, cells: &mut [f32], x: f32, y: f32) {
        let mut covered = [0.0_f32; LANES];
        for (lane, covered) in covered.iter_mut().enumerate() {
            let x = x + lane as f32;
            let along = x * self.along.x + y * self.along.y;
            let nearest = greater(lesser(along, self.highest), self.lowest);
            let (away_x, away_y) = (x - nearest * self.along.x, y - nearest * self.along.y);
            let distance = (away_x * away_x + away_y * away_y).sqrt();
            let ends = lesser(along + self.before, self.after - along);
            *covered = lesser(lesser(self.reach - distance, ends), 1.0);
        }
        for (cell, covered) in cells.iter_mut().zip(covered) {
            *cell = greater(*cell, covered);
        }
    }
}
