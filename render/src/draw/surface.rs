//! What a chart is drawn on: a handful of shapes in logical pixels, with a raster and an SVG file behind it.

use super::color::Color;

/// A place in logical pixels, from the upper left corner.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Point {
    pub(super) x: f32,
    pub(super) y: f32,
}

/// An upright rectangle in logical pixels.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Area {
    pub(super) left: f32,
    pub(super) top: f32,
    pub(super) right: f32,
    pub(super) bottom: f32,
}

/// How letters look.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Letters {
    /// Em size in logical pixels.
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) color: Color,
}

/// Which way a line of text runs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Turn {
    /// From left to right.
    Level,
    /// From bottom to top.
    Upwards,
    /// Clockwise from level, in radians.
    By(f32),
}

/// Shapes that both kinds of picture know.
pub(super) trait Surface {
    /// Fills a closed outline.
    fn fill(&mut self, outline: &[Point], color: Color);
    /// Fills what lies between two lines that run from left to right; they may cross.
    fn band(&mut self, upper: &[Point], lower: &[Point], color: Color);
    /// Draws a line with round joins through `points`.
    fn stroke(&mut self, points: &[Point], width: f32, color: Color);
    /// Fills a rectangle whose edges are moved to whole device pixels.
    fn rect(&mut self, area: Area, color: Color);
    /// Fills a circle.
    fn disc(&mut self, center: Point, radius: f32, color: Color);
    /// Writes `text` with its baseline starting at `at`.
    fn text(&mut self, text: &str, at: Point, letters: Letters, turn: Turn);
    /// Keeps what follows inside `area`, until [`Surface::unclip`].
    fn clip(&mut self, area: Area);
    /// Ends the last clip.
    fn unclip(&mut self);
}

impl Point {
    pub(super) fn new(x: f32, y: f32) -> Point {
        Point { x, y }
    }
}

impl Area {
    pub(super) fn width(self) -> f32 {
        self.right - self.left
    }

    pub(super) fn height(self) -> f32 {
        self.bottom - self.top
    }
}

/// Corners of a regular polygon that passes for a circle of this radius.
pub(super) fn circle(center: Point, radius: f32) -> Vec<Point> {
    arc(center, radius, 0.0, std::f32::consts::TAU)
}

/// Points along an arc, clockwise from `from` to `to`, angles from the x axis.
pub(super) fn arc(center: Point, radius: f32, from: f32, to: f32) -> Vec<Point> {
    // One corner each two pixels of the rim keeps the error below a tenth of a pixel.
    let corners = ((to - from) * radius.max(1.0) / 2.0).clamp(8.0, 720.0) as usize;
    let at = |corner: usize| {
        let angle = from + (to - from) * corner as f32 / corners as f32;
        Point::new(center.x + radius * angle.cos(), center.y + radius * angle.sin())
    };
    (0..=corners).map(at).collect()
}

/// Cuts a line into dashes of equal length with gaps as long.
pub(super) fn dashes(points: &[Point], length: f32) -> Vec<Vec<Point>> {
    /// A dash needs two points of memory; this many are more than any picture is wide.
    const MOST: usize = 20_000;
    let length = length.max(1.0);
    let (mut dashes, mut dash, mut left, mut drawing) = (Vec::new(), Vec::new(), length, true);
    dash.extend(points.first());
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let (dx, dy) = (to.x - from.x, to.y - from.y);
            let rest = dx.hypot(dy);
            if rest < left || dashes.len() > MOST {
                left -= rest;
                break;
            }
            from = Point::new(from.x + dx * left / rest.max(1e-6), from.y + dy * left / rest.max(1e-6));
            if drawing {
                dash.push(from);
                dashes.push(std::mem::take(&mut dash));
            } else {
                dash = vec![from];
            }
            (drawing, left) = (!drawing, length);
        }
        if drawing {
            dash.push(to);
        }
    }
    if dash.len() > 1 {
        dashes.push(dash);
    }
    dashes
}
