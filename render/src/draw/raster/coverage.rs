//! How much of each pixel a shape covers, by signed areas.
//!
//! Every edge adds to each cell it touches the change of coverage from the cell to its left; one sweep along a row then
//! sums the changes up and paints. Cells are marked by blocks, so that a sweep passes over what no edge has touched: a
//! thin line costs what it covers, not what it spans.

use std::ops::Range;

use super::ink::{SHADES, Stamps};
use super::lanes::{LANES, lesser};
use crate::draw::surface::Point;

/// Whole device pixels that may be painted.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Clip {
    pub(super) left: usize,
    pub(super) top: usize,
    pub(super) right: usize,
    pub(super) bottom: usize,
}

impl Clip {
    pub(super) fn holds(self, x: i32, y: i32) -> bool {
        let inside = |value: i32, from: usize, to: usize| usize::try_from(value).is_ok_and(|v| v >= from && v < to);
        inside(x, self.left, self.right) && inside(y, self.top, self.bottom)
    }
}

/// Changes of coverage along each row, and where they are.
#[derive(Default)]
pub(super) struct Coverage {
    stride: usize,
    cells: Vec<f32>,
    /// A bit for each block of a row that has changes.
    marks: Vec<u64>,
    /// Words of `marks` in a row.
    words: usize,
    /// Touched rows.
    pub(super) top: usize,
    pub(super) bottom: usize,
    pub(super) clip: Clip,
}

/// Cells that are swept together. A steep line covers three or four of a row; more than eight are mostly empty ones.
pub(super) const BLOCK: usize = 8;

impl Coverage {
    /// Changes its size; there must be no shape in it.
    pub(super) fn fit(&mut self, width: usize, height: usize) {
        // More cells than pixels: an edge on the right border also writes into the next one, lines into as many as they
        // compute together.
        self.stride = (width + LANES.max(2)).next_multiple_of(BLOCK);
        self.words = (self.stride / BLOCK).div_ceil(64);
        self.cells.resize(self.stride * height, 0.0);
        self.marks.resize(self.words * height, 0);
        (self.top, self.bottom) = (height, 0);
        self.clip = Clip { left: 0, top: 0, right: width, bottom: height };
    }

    /// Adds an edge, cut to the clip: what lies beside it counts at its border.
    #[inline]
    pub(super) fn edge(&mut self, from: Point, to: Point) {
        if from.y <= to.y { self.falling(from, to, 1.0) } else { self.falling(to, from, -1.0) }
    }

    #[inline]
    fn falling(&mut self, from: Point, to: Point, sign: f32) {
        let (top, bottom) = (self.clip.top as f32, self.clip.bottom as f32);
        let (left, right) = (self.clip.left as f32, self.clip.right as f32);
        let across = |x: f32| x >= left && x <= right;
        if from.y >= top && to.y <= bottom && across(from.x) && across(to.x) {
            if to.y > from.y {
                self.rows(from, to, sign);
            }
        } else {
            self.cut(from, to, sign);
        }
    }

    /// An edge that leaves the clip somewhere.
    #[cold]
    fn cut(&mut self, mut from: Point, mut to: Point, sign: f32) {
        let (top, bottom) = (self.clip.top as f32, self.clip.bottom as f32);
        let (left, right) = (self.clip.left as f32, self.clip.right as f32);
        // Written so that a NaN coordinate draws nothing.
        if !(to.y > top && from.y < bottom && to.y > from.y) {
            return;
        }
        let slope = (to.x - from.x) / (to.y - from.y);
        if from.y < top {
            from = Point::new(from.x + (top - from.y) * slope, top);
        }
        if to.y > bottom {
            to = Point::new(to.x - (to.y - bottom) * slope, bottom);
        }
        for border in [left, right] {
            if (from.x < border) != (to.x < border) && from.x != border && to.x != border {
                let middle = Point::new(border, (from.y + (border - from.x) / slope).clamp(from.y, to.y));
                self.cut(from, middle, sign);
                self.cut(middle, to, sign);
                return;
            }
        }
        from.x = from.x.clamp(left, right);
        to.x = to.x.clamp(left, right);
        self.rows(from, to, sign);
    }

    /// An edge inside the clip, row by row.
    fn rows(&mut self, from: Point, to: Point, sign: f32) {
        let slope = (to.x - from.x) / (to.y - from.y).max(f32::MIN_POSITIVE);
        let (least, most) = (from.x.min(to.x), from.x.max(to.x));
        let first = from.y as i32 as usize;
        let end = to.y as i32 as usize;
        let last = (end + usize::from(to.y > end as f32)).min(self.clip.bottom);
        self.top = self.top.min(first);
        self.bottom = self.bottom.max(last);
        let mut x = from.x;
        for row in first..last {
            let height = to.y.min((row + 1) as f32) - from.y.max(row as f32);
            let next = (x + slope * height).clamp(least, most);
            let (near, far) = if x < next { (x, next) } else { (next, x) };
            let start = near as i32 as usize;
            let end = far as i32 as usize;
            self.mark(row, start / BLOCK, (end + 1) / BLOCK);
            let cells = &mut self.cells[row * self.stride + start..=row * self.stride + end + 1];
            spread(cells, near - start as f32, far - start as f32, sign * height);
            x = next;
        }
    }

    /// Cells of a row.
    pub(super) fn row_mut(&mut self, row: usize) -> &mut [f32] {
        &mut self.cells[row * self.stride..(row + 1) * self.stride]
    }

    #[inline]
    pub(super) fn mark(&mut self, row: usize, first: usize, last: usize) {
        let marks = &mut self.marks[row * self.words..(row + 1) * self.words];
        for block in first..=last {
            marks[block / 64] |= 1 << (block % 64);
        }
    }

    /// Marks `first` and `last`, which is the same block or the next one, in each of `rows`.
    #[inline]
    pub(super) fn mark_rows(&mut self, rows: Range<usize>, first: usize, last: usize) {
        let bit = |block: usize| 1_u64 << (block % 64);
        let mut mark = |word: usize, bits: u64| {
            for row in rows.clone() {
                if let Some(marks) = self.marks.get_mut(row * self.words + word) {
                    *marks |= bits;
                }
            }
        };
        if first / 64 == last / 64 {
            mark(first / 64, bit(first) | bit(last));
        } else {
            mark(first / 64, bit(first));
            mark(last / 64, bit(last));
        }
    }

    /// Sums the changes up, paints, and leaves everything clean for the next shape.
    pub(super) fn paint(&mut self, pixels: &mut [u32], width: usize, stamps: &Stamps) {
        for row in self.top..self.bottom {
            let cells = &mut self.cells[row * self.stride..(row + 1) * self.stride];
            let line = &mut pixels[row * width..][..self.clip.right];
            let mut sweep = Sweep { line, stamps, at: 0, sum: 0.0, share: 0 };
            let marks = &mut self.marks[row * self.words..(row + 1) * self.words];
            for (word, bits) in marks.iter_mut().enumerate() {
                let mut left = std::mem::take(bits);
                while left != 0 {
                    let block = word * 64 + left.trailing_zeros() as usize;
                    left &= left - 1;
                    sweep.flat(block * BLOCK);
                    if let Some(cells) = cells.get_mut(block * BLOCK..(block + 1) * BLOCK) {
                        sweep.block(cells);
                    }
                }
            }
            sweep.flat(sweep.line.len());
        }
        (self.top, self.bottom) = (self.cells.len() / self.stride.max(1), 0);
    }

    /// Paints what [`super::trace`] left, where each cell is the share itself, and leaves everything clean.
    pub(super) fn paint_traced(&mut self, pixels: &mut [u32], width: usize, stamps: &Stamps) {
        for row in self.top..self.bottom {
            let cells = &mut self.cells[row * self.stride..(row + 1) * self.stride];
            let line = &mut pixels[row * width..][..self.clip.right];
            let marks = &mut self.marks[row * self.words..(row + 1) * self.words];
            for (word, bits) in marks.iter_mut().enumerate() {
                let mut left = std::mem::take(bits);
                while left != 0 {
                    let start = (word * 64 + left.trailing_zeros() as usize) * BLOCK;
                    left &= left - 1;
                    let Some(cells) = cells.get_mut(start..start + BLOCK) else { continue };
                    if let Some(pixels) = line.get_mut(start..start + BLOCK) {
                        let (fours, pixels) = (cells.as_chunks::<LANES>().0, pixels.as_chunks_mut::<LANES>().0);
                        fours.iter().zip(pixels).for_each(|(cells, pixels)| lay(cells, pixels, stamps));
                    } else {
                        let pixels = line.iter_mut().skip(start);
                        pixels.zip(&*cells).for_each(|(pixel, cell)| *pixel = stamps[shade(*cell)].over(*pixel));
                    }
                    // Also those beyond the clip.
                    cells.fill(0.0);
                }
            }
        }
        (self.top, self.bottom) = (self.cells.len() / self.stride.max(1), 0);
    }
}

/// Paints four pixels, each by its share.
#[inline]
fn lay(cells: &[f32; LANES], pixels: &mut [u32; LANES], stamps: &Stamps) {
    // The stamp of no coverage changes nothing, so only four of them are worth a question.
    if cells.iter().fold(0, |any, cell| any | cell.to_bits()) != 0 {
        for (cell, pixel) in cells.iter().zip(pixels) {
            *pixel = stamps[shade(*cell)].over(*pixel);
        }
    }
}

/// The shade of a share of a pixel, from 0 to 1. Half a shade swallows the rounding of long sums.
#[inline]
fn shade(share: f32) -> usize {
    /// Adding this leaves the nearest whole number in the lowest bits.
    const WHOLE: f32 = 8_388_608.0;
    (share * SHADES as f32 + WHOLE).to_bits() as usize & (2 * SHADES - 1)
}

/// One row on its way from left to right.
struct Sweep<'a> {
    line: &'a mut [u32],
    stamps: &'a Stamps,
    at: usize,
    sum: f32,
    share: usize,
}

impl Sweep<'_> {
    /// Pixels up to `end`, whose coverage does not change.
    #[inline]
    fn flat(&mut self, end: usize) {
        if self.share != 0 {
            let end = end.min(self.line.len());
            if let Some(run) = self.line.get_mut(self.at..end) {
                self.stamps[self.share].run(run);
            }
        }
        self.at = end;
    }

    /// The next pixels, whose coverage does.
    #[inline]
    fn block(&mut self, cells: &mut [f32]) {
        let start = self.at.min(self.line.len());
        let end = (self.at + cells.len()).min(self.line.len());
        for (cell, pixel) in cells.iter_mut().zip(&mut self.line[start..end]) {
            if *cell != 0.0 {
                self.sum += *cell;
                self.share = shade(lesser(f32::abs(self.sum), 1.0));
            }
            if self.share != 0 {
                *pixel = self.stamps[self.share].over(*pixel);
            }
        }
        cells.fill(0.0);
        self.at += cells.len();
    }
}

/// Adds an edge that passes through one row from `near` to `far` (cells from the first of `cells`) over `height` of it.
#[inline]
fn spread(cells: &mut [f32], near: f32, far: f32, height: f32) {
    match cells {
        [first, second] => {
            let beyond = height * (near + far) * 0.5;
            *first += height - beyond;
            *second += beyond;
        }
        // The area right of the edge grows as a parabola while the edge is being crossed.
        [first, second, third] => {
            let half = 0.5 / (far - near);
            let (before, after) = (half * (1.0 - near) * (1.0 - near), half * (far - 1.0) * (far - 1.0));
            *first += height * before;
            *second += height * (1.0 - before - after);
            *third += height * after;
        }
        _ => spread_far(cells, near, far, height),
    }
}

/// The same for an edge that crosses many cells.
fn spread_far(cells: &mut [f32], near: f32, far: f32, height: f32) {
    let run = far - near;
    let area = |to: f32| if to >= far { to - (near + far) / 2.0 } else { (to - near).max(0.0).powi(2) / (2.0 * run) };
    let (mut before, mut covered) = (0.0, 0.0);
    for (index, cell) in cells.iter_mut().enumerate() {
        let now = area((index + 1) as f32);
        *cell += height * (now - before - covered);
        covered = now - before;
        before = now;
    }
}
