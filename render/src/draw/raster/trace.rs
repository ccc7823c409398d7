//! Lines by distance: a pixel is covered as its centre is near.
//!
//! Pieces of a line are merged by the greatest coverage, which makes joins round and never darkens an overlap. Beside
//! outlines this costs a third: no edge is walked, and four neighbours are computed at once.

use std::ops::Range;

use super::coverage::{BLOCK, Coverage};
use super::lanes::{LANES, greater, lesser};
use crate::draw::surface::Point;

/// Steps shorter than this show nothing, and their direction means nothing.
const LEAST_STEP: f32 = 0.02;
/// Columns of a piece that are covered in all of its rows: finding those near it in each row would cost more.
const NARROW: usize = 2 * LANES;
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
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = (dx * dx + dy * dy).sqrt();
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
            is_cut: before < FAR || after < FAR,
            before,
            after: length + after,
            reach,
        };
        if first >= end {
            return;
        }
        coverage.top = coverage.top.min(first);
        coverage.bottom = coverage.bottom.max(end);
        let columns = within(least + 0.5, clip.right).max(clip.left)..within(most + 0.5, clip.right);
        if columns.len() <= NARROW {
            return self.narrow(coverage, &brush, first..end, columns);
        }
        for row in first..end {
            let y = row as i32 as f32 + 0.5 - from.y;
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
    }

    /// All of a piece that is hardly wider than the cells that are computed together: those of a chart, most often.
    fn narrow(&self, coverage: &mut Coverage, brush: &Brush, rows: Range<usize>, columns: Range<usize>) {
        let mut start = columns.start;
        while start < columns.end {
            coverage.mark_rows(rows.clone(), start / BLOCK, (start + LANES - 1) / BLOCK);
            let (mut along, mut across) = ([0.0; LANES], [0.0; LANES]);
            for lane in 0..LANES {
                let x = (start + lane) as i32 as f32 + 0.5 - self.from.x;
                (along[lane], across[lane]) = (x * brush.along.x, x * brush.along.y);
            }
            for row in rows.clone() {
                let y = row as i32 as f32 + 0.5 - self.from.y;
                if let Some(cells) = coverage.row_mut(row).get_mut(start..start + LANES) {
                    brush.cover(cells, &along, &across, Point::new(y * brush.along.x, y * brush.along.y));
                }
            }
            start += LANES;
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
    /// It has an end that is cut straight, so far before its start, or after it.
    is_cut: bool,
    before: f32,
    after: f32,
    reach: f32,
}

impl Brush {
    /// Covers four cells whose first centre lies at `x`, `y` from the start of the piece.
    #[inline]
    fn four(&self, cells: &mut [f32], x: f32, y: f32) {
        let (mut along, mut across) = ([0.0; LANES], [0.0; LANES]);
        for lane in 0..LANES {
            let x = x + lane as f32;
            (along[lane], across[lane]) = (x * self.along.x, x * self.along.y);
        }
        self.cover(cells, &along, &across, Point::new(y * self.along.x, y * self.along.y));
    }

    /// Covers four cells. How far their centres lie from the start of the piece, `along` it and `across` it, is told but
    /// for what their row adds, `far` in the direction of the piece.
    ///
    /// Loops over lanes, not closures over arrays: those are calls wherever the linker does not optimize.
    #[inline]
    fn cover(&self, cells: &mut [f32], along: &[f32; LANES], across: &[f32; LANES], far: Point) {
        let mut covered = [0.0; LANES];
        for lane in 0..LANES {
            let (along, across) = (along[lane] + far.y, across[lane] - far.x);
            let beyond = along - greater(lesser(along, self.highest), self.lowest);
            covered[lane] = lesser(self.reach - (across * across + beyond * beyond).sqrt(), 1.0);
        }
        if self.is_cut {
            for lane in 0..LANES {
                let along = along[lane] + far.y;
                covered[lane] = lesser(covered[lane], lesser(along + self.before, self.after - along));
            }
        }
        for (cell, covered) in cells.iter_mut().zip(covered) {
            *cell = greater(*cell, covered);
        }
    }
}
