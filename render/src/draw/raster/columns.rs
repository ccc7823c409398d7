//! What lies between two lines from left to right, column by column.
//!
//! Each column is painted once, from the one line to the other as they are in its middle: without edges to walk and sums
//! to sweep this costs a fraction of an outline. Across a step its sides are those of whole pixels.

use super::coverage::Clip;
use super::ink::{SHADES, Stamps};
use crate::draw::surface::Point;

/// Pixels that are painted by columns.
pub(super) struct Columns<'a> {
    pub(super) pixels: &'a mut [u32],
    pub(super) width: usize,
    pub(super) clip: Clip,
    pub(super) stamps: &'a Stamps,
}

impl Columns<'_> {
    /// Paints between `upper` and `lower`, which are given in logical pixels.
    pub(super) fn fill(&mut self, upper: &[Point], lower: &[Point], scale: f32) {
        let ends = |line: &[Point]| Some((line.first()?.x * scale, line.last()?.x * scale));
        let (Some((a, b)), Some((c, d))) = (ends(upper), ends(lower)) else { return };
        let within = |x: f32| (x + 0.5).clamp(self.clip.left as f32, self.clip.right as f32) as usize;
        let (mut upper, mut lower) = (Walk::new(upper, scale), Walk::new(lower, scale));
        for column in within(a.max(c))..within(b.min(d)) {
            let x = column as f32 + 0.5;
            let (one, other) = (upper.at(x), lower.at(x));
            self.column(column, one.min(other), one.max(other));
        }
    }

    /// Paints one column from `top` to `bottom`; its ends by the share that they cover.
    fn column(&mut self, column: usize, top: f32, bottom: f32) {
        let (least, most) = (self.clip.top as f32, self.clip.bottom as f32);
        let (top, bottom) = (top.clamp(least, most), bottom.clamp(least, most));
        if top.is_nan() || bottom.is_nan() || top >= bottom {
            return;
        }
        // By way of `i32`, which is one instruction.
        let (first, last) = (top as i32 as usize, bottom as i32 as usize);
        if first == last {
            return self.pixel(column, first, bottom - top);
        }
        self.pixel(column, first, (first + 1) as f32 - top);
        let full = self.stamps[SHADES];
        let (mut at, end) = ((first + 1) * self.width + column, last * self.width);
        while at < end {
            if let Some(pixel) = self.pixels.get_mut(at) {
                *pixel = full.over(*pixel);
            }
            at += self.width;
        }
        if bottom > last as f32 {
            self.pixel(column, last, bottom - last as f32);
        }
    }

    fn pixel(&mut self, column: usize, row: usize, share: f32) {
        if let Some(pixel) = self.pixels.get_mut(row * self.width + column) {
            *pixel = self.stamps[((share * SHADES as f32 + 0.5) as i32 as usize).min(SHADES)].over(*pixel);
        }
    }
}

/// A line on its way from left to right.
struct Walk<'a> {
    points: std::slice::Iter<'a, Point>,
    scale: f32,
    from: Point,
    to: Point,
}

impl<'a> Walk<'a> {
    fn new(points: &'a [Point], scale: f32) -> Walk<'a> {
        let mut points = points.iter();
        let from = points.next().map_or(Point::default(), |point| Point::new(point.x * scale, point.y * scale));
        Walk { points, scale, from, to: from }
    }

    /// Where it is at `x`, which must not lie left of the one before.
    fn at(&mut self, x: f32) -> f32 {
        while self.to.x < x {
            let Some(next) = self.points.next() else { return self.to.y };
            (self.from, self.to) = (self.to, Point::new(next.x * self.scale, next.y * self.scale));
        }
        let run = self.to.x - self.from.x;
        if run <= 0.0 { self.to.y } else { self.from.y + (self.to.y - self.from.y) * (x - self.from.x) / run }
    }
}
