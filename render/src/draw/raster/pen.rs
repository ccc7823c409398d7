//! Lines as outlines, all turning the same way, so that pieces that overlap only add.

use super::coverage::Coverage;
use crate::draw::surface::Point;

/// Draws thin lines: one outline along both sides as long as the line bends by less than a right angle, with mitred
/// corners; where it turns back, as at the tip of a spike, a new one begins. At this width nobody can tell such tips
/// from round ones, and a segment costs two edges instead of eight.
pub(super) struct Nib<'a> {
    coverage: &'a mut Coverage,
    half: f32,
    last: Option<Point>,
    /// Direction of the segment that led to `last`, and where the outline's sides are.
    going: Option<(Point, [Point; 2])>,
}

/// Widest line, in device pixels, that [`Nib`] draws well.
pub(super) const THIN: f32 = 3.2;

/// Steps shorter than this show nothing, and their direction means nothing.
const LEAST_STEP: f32 = 0.02;

impl<'a> Nib<'a> {
    pub(super) fn new(coverage: &'a mut Coverage, width: f32) -> Nib<'a> {
        Nib { coverage, half: width / 2.0, last: None, going: None }
    }

    pub(super) fn line_to(&mut self, to: Point) {
        let Some(from) = self.last else {
            self.last = Some(to);
            return;
        };
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = (dx * dx + dy * dy).sqrt();
        if length.is_nan() || length < LEAST_STEP {
            return;
        }
        let heading = Point::new(dx / length, dy / length);
        match self.going {
            None => self.going = Some((heading, self.begin(from, heading, 0.0))),
            Some((before, sides)) => {
                let straight = before.x * heading.x + before.y * heading.y;
                let turn = before.x * heading.y - before.y * heading.x;
                if straight > 0.0 && turn.abs() < 1e-4 {
                    // Straight on: the outline goes on from where it was.
                } else if straight > -0.05 {
                    let reach = self.half / (1.0 + straight);
                    let normal = Point::new(-(before.y + heading.y) * reach, (before.x + heading.x) * reach);
                    self.going = Some((heading, self.along(from, normal, sides)));
                } else {
                    self.end(from, before, sides, TIP);
                    self.going = Some((heading, self.begin(from, heading, TIP)));
                }
            }
        }
        self.last = Some(to);
    }

    /// Ends the line.
    pub(super) fn lift(mut self) {
        if let (Some(at), Some((heading, sides))) = (self.last, self.going) {
            self.end(at, heading, sides, 0.0);
        }
    }

    fn normal(&self, heading: Point) -> Point {
        Point::new(-heading.y * self.half, heading.x * self.half)
    }

    fn begin(&mut self, at: Point, heading: Point, reach: f32) -> [Point; 2] {
        let back = -self.half * reach;
        let at = Point::new(at.x + heading.x * back, at.y + heading.y * back);
        let normal = self.normal(heading);
        let sides = [Point::new(at.x + normal.x, at.y + normal.y), Point::new(at.x - normal.x, at.y - normal.y)];
        self.coverage.edge(sides[0], sides[1]);
        sides
    }

    fn along(&mut self, at: Point, normal: Point, [a, b]: [Point; 2]) -> [Point; 2] {
        let sides = [Point::new(at.x + normal.x, at.y + normal.y), Point::new(at.x - normal.x, at.y - normal.y)];
        self.coverage.edge(b, sides[1]);
        self.coverage.edge(sides[0], a);
        sides
    }

    fn end(&mut self, at: Point, heading: Point, sides: [Point; 2], reach: f32) {
        let on = self.half * reach;
        let at = Point::new(at.x + heading.x * on, at.y + heading.y * on);
        let [a, b] = self.along(at, self.normal(heading), sides);
        self.coverage.edge(b, a);
    }
}

/// How far a tip reaches beyond its point, in halves of the line's width: as much ink as half a disc has.
const TIP: f32 = std::f32::consts::FRAC_PI_4;

/// Draws wide lines as quads and round outer joins.
pub(super) struct Brush<'a> {
    coverage: &'a mut Coverage,
    half: f32,
    /// Where the brush is, and the normal of the segment that led there.
    last: Option<(Point, Option<Point>)>,
}

impl<'a> Brush<'a> {
    pub(super) fn new(coverage: &'a mut Coverage, width: f32) -> Brush<'a> {
        Brush { coverage, half: width / 2.0, last: None }
    }

    pub(super) fn line_to(&mut self, to: Point) {
        let Some((from, before)) = self.last else {
            self.last = Some((to, None));
            return;
        };
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = dx.hypot(dy);
        if length.is_nan() || length < LEAST_STEP {
            return;
        }
        let normal = Point::new(-dy / length * self.half, dx / length * self.half);
        if let Some(before) = before {
            self.join(from, before, normal);
        }
        let corner = |end: Point, side: f32| Point::new(end.x + side * normal.x, end.y + side * normal.y);
        self.ring(&[corner(from, 1.0), corner(from, -1.0), corner(to, -1.0), corner(to, 1.0)]);
        self.last = Some((to, Some(normal)));
    }

    /// Fills the wedge on the outer side of a bend with a fan; its corners are a pixel or two apart.
    fn join(&mut self, at: Point, before: Point, after: Point) {
        let turn = before.x * after.y - before.y * after.x;
        let straight = before.x * after.x + before.y * after.y;
        if turn.abs() < 0.02 * self.half * self.half && straight > 0.0 {
            return;
        }
        // A bend to the one side opens a wedge on the other.
        let side = if turn > 0.0 { -1.0 } else { 1.0 };
        let from = (side * before.y).atan2(side * before.x);
        let half = self.half;
        let sweep = -side * turn.atan2(straight).abs();
        let parts = (sweep.abs() * self.half / 1.5).ceil().clamp(2.0, 64.0);
        let rim = |part: f32| {
            let angle = from + sweep * part / parts;
            Point::new(at.x + half * angle.cos(), at.y + half * angle.sin())
        };
        let mut part = 0.0;
        while part < parts {
            let (near, far) = (rim(part), rim(part + 1.0));
            let fan = if side > 0.0 { [at, far, near] } else { [near, far, at] };
            self.ring(&fan);
            part += 1.0;
        }
    }

    fn ring(&mut self, corners: &[Point]) {
        for (index, corner) in corners.iter().enumerate() {
            self.coverage.edge(*corner, corners[(index + 1) % corners.len()]);
        }
    }
}
