//! Pixels: coverage by signed areas, premultiplied blending, PNG encoding.
//!
//! Every shape adds to each cell it touches the change of coverage from the cell to its left; one sweep along a row then
//! sums the changes up and paints. Shapes are sets of loops of the same orientation, so that overlaps only add and a sum
//! above one is inside. This is what the drawing bench spends its time in.

use super::DrawError;
use super::color::Color;
use super::font::Masks;
use super::surface::{Area, Letters, Point, Surface, Turn, circle};

/// A picture of device pixels.
pub(super) struct Raster {
    width: usize,
    height: usize,
    /// Device pixels per logical pixel.
    scale: f32,
    /// Premultiplied, `aabbggrr`.
    pixels: Vec<u32>,
    coverage: Coverage,
    masks: Masks,
    /// Nothing behind the picture shows through, so three bytes a pixel are enough.
    opaque: bool,
}

impl Raster {
    /// A picture filled with `ground`; sizes in logical pixels.
    pub(super) fn new(width: u32, height: u32, scale: f64, ground: Color) -> Raster {
        let device = |side: u32| ((f64::from(side) * scale).round() as usize).max(1);
        let (width, height) = (device(width), device(height));
        Raster {
            width,
            height,
            scale: scale as f32,
            pixels: vec![Ink::new(ground).covering(256).0; width * height],
            coverage: Coverage::new(width, height),
            masks: Masks::default(),
            opaque: ground.a == 255,
        }
    }

    /// The picture as a PNG file. The fastest setting: readers wait for it, and gzip would not make it smaller.
    pub(super) fn encode(&self) -> Result<Vec<u8>, DrawError> {
        let channels = if self.opaque { 3 } else { 4 };
        let mut bytes = vec![0; self.pixels.len() * channels];
        for (out, pixel) in bytes.chunks_exact_mut(channels).zip(&self.pixels) {
            let [r, g, b, a] = pixel.to_le_bytes();
            if self.opaque {
                out.copy_from_slice(&[r, g, b]);
            } else {
                let straight = |value: u8| (u32::from(value) * 255 / u32::from(a.max(1))).min(255) as u8;
                out.copy_from_slice(&[straight(r), straight(g), straight(b), a]);
            }
        }
        let mut file = Vec::with_capacity(bytes.len() / 4);
        let mut encoder = png::Encoder::new(&mut file, self.width as u32, self.height as u32);
        encoder.set_color(if self.opaque { png::ColorType::Rgb } else { png::ColorType::Rgba });
        encoder.set_compression(png::Compression::Fast);
        encoder.set_filter(png::Filter::Up);
        encoder.write_header()?.write_image_data(&bytes)?;
        Ok(file)
    }

    fn device(&self, point: Point) -> Point {
        Point::new(point.x * self.scale, point.y * self.scale)
    }

    fn paint(&mut self, color: Color) {
        self.coverage.paint(&mut self.pixels, self.width, Ink::new(color));
    }
}

impl Surface for Raster {
    fn fill(&mut self, outline: &[Point], color: Color) {
        let Some(last) = outline.last() else { return };
        let mut from = self.device(*last);
        for point in outline {
            let to = self.device(*point);
            self.coverage.edge(from, to);
            from = to;
        }
        self.paint(color);
    }

    fn stroke(&mut self, points: &[Point], width: f32, color: Color) {
        // Below a pixel a line gets paler, not thinner.
        let device = width * self.scale;
        let color = color.faded(f64::from(device.min(1.0)));
        let mut pen = Pen { coverage: &mut self.coverage, half: device.max(1.0) / 2.0, last: None };
        for point in points {
            pen.line_to(Point::new(point.x * self.scale, point.y * self.scale));
        }
        self.paint(color);
    }

    fn rect(&mut self, area: Area, color: Color) {
        let snap = |value: f32| (value * self.scale).round();
        let (left, top) = (snap(area.left), snap(area.top));
        // Nothing that was asked for vanishes between two pixels.
        let (right, bottom) = (snap(area.right).max(left + 1.0), snap(area.bottom).max(top + 1.0));
        let clip = self.coverage.clip;
        let rows = top.max(clip.top as f32) as usize..bottom.clamp(0.0, clip.bottom as f32) as usize;
        let (from, to) = (left.max(clip.left as f32) as usize, right.clamp(0.0, clip.right as f32) as usize);
        let stamp = Ink::new(color).covering(256);
        for row in rows {
            if from < to {
                self.pixels[row * self.width + from..row * self.width + to]
                    .iter_mut()
                    .for_each(|pixel| *pixel = stamp.over(*pixel));
            }
        }
    }

    fn disc(&mut self, center: Point, radius: f32, color: Color) {
        self.fill(&circle(center, radius), color);
    }

    fn text(&mut self, text: &str, at: Point, letters: Letters, turn: Turn) {
        let (size, ink) = (letters.size * self.scale, Ink::new(letters.color));
        let (x, y) = (at.x * self.scale, at.y * self.scale);
        // Along the line letters sit on quarter pixels; across it the baseline is on a whole one, which keeps it crisp.
        let (pen, base) = match turn {
            Turn::Level => (x, y.round() as i32),
            Turn::Upwards => (-y, x.round() as i32),
        };
        let (pixels, clip, width) = (&mut self.pixels, self.coverage.clip, self.width);
        self.masks.each(text, size, letters.bold, pen, |pen, mask| {
            for (row, line) in mask.coverage.chunks_exact(mask.width).enumerate() {
                for (column, &share) in line.iter().enumerate().filter(|(_, share)| **share > 0) {
                    let (along, across) = (pen + mask.left + column as i32, base + mask.top + row as i32);
                    let (x, y) = match turn {
                        Turn::Level => (along, across),
                        Turn::Upwards => (across, -along - 1),
                    };
                    if clip.holds(x, y) {
                        let pixel = &mut pixels[y as usize * width + x as usize];
                        *pixel = ink.covering(u32::from(share) + u32::from(share >> 7)).over(*pixel);
                    }
                }
            }
        });
    }

    fn clip(&mut self, area: Area) {
        let snap = |value: f32, most: usize| (value * self.scale).round().clamp(0.0, most as f32) as usize;
        self.coverage.clip = Clip {
            left: snap(area.left, self.width),
            top: snap(area.top, self.height),
            right: snap(area.right, self.width),
            bottom: snap(area.bottom, self.height),
        };
    }

    fn unclip(&mut self) {
        self.coverage.clip = Clip { left: 0, top: 0, right: self.width, bottom: self.height };
    }
}

/// A colour ready for blending: premultiplied channels in two halves of a word each.
#[derive(Clone, Copy)]
struct Ink {
    color: Color,
}

/// An ink at one coverage.
#[derive(Clone, Copy)]
struct Stamp(u32, u32);

impl Ink {
    fn new(color: Color) -> Ink {
        Ink { color }
    }

    /// `share` of 256.
    #[inline]
    fn covering(self, share: u32) -> Stamp {
        let Color { r, g, b, a } = self.color;
        let alpha = u32::from(a) * share; // of 255 * 256
        let channel = |value: u8| (u32::from(value) * alpha / 255 + 128) >> 8;
        let a = (alpha + 128) >> 8;
        Stamp(channel(r) | channel(g) << 8 | channel(b) << 16 | a << 24, 256 - a - (a >> 7))
    }
}

impl Stamp {
    /// Red and blue are multiplied in one go, green and alpha in another.
    #[inline]
    fn over(self, below: u32) -> u32 {
        const HALF: u32 = 0x00ff_00ff;
        let even = ((below & HALF) * self.1 + 0x0080_0080) >> 8 & HALF;
        let odd = ((below >> 8 & HALF) * self.1 + 0x0080_0080) & !HALF;
        self.0 + (even | odd)
    }
}

/// Whole device pixels that may be painted.
#[derive(Clone, Copy, Debug)]
struct Clip {
    left: usize,
    top: usize,
    right: usize,
    bottom: usize,
}

impl Clip {
    fn holds(self, x: i32, y: i32) -> bool {
        let inside = |value: i32, from: usize, to: usize| usize::try_from(value).is_ok_and(|v| v >= from && v < to);
        inside(x, self.left, self.right) && inside(y, self.top, self.bottom)
    }
}

/// Changes of coverage along each row, and where they are.
struct Coverage {
    stride: usize,
    cells: Vec<f32>,
    /// First and last touched cell of each row; first > last means none.
    spans: Vec<(u32, u32)>,
    /// Touched rows.
    top: usize,
    bottom: usize,
    clip: Clip,
}

const UNTOUCHED: (u32, u32) = (u32::MAX, 0);

impl Coverage {
    fn new(width: usize, height: usize) -> Coverage {
        // Two cells more than pixels: an edge on the right border also writes into the next one.
        let stride = width + 2;
        Coverage {
            stride,
            cells: vec![0.0; stride * height],
            spans: vec![UNTOUCHED; height],
            top: height,
            bottom: 0,
            clip: Clip { left: 0, top: 0, right: width, bottom: height },
        }
    }

    /// Adds an edge, cut to the clip: what lies beside it counts at its border.
    #[inline]
    fn edge(&mut self, from: Point, to: Point) {
        if from.y <= to.y { self.falling(from, to, 1.0) } else { self.falling(to, from, -1.0) }
    }

    fn falling(&mut self, mut from: Point, mut to: Point, sign: f32) {
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
                self.falling(from, middle, sign);
                self.falling(middle, to, sign);
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
        let first = from.y as usize;
        let last = (to.y.ceil() as usize).min(self.clip.bottom);
        self.top = self.top.min(first);
        self.bottom = self.bottom.max(last);
        let mut x = from.x;
        for row in first..last {
            let height = to.y.min((row + 1) as f32) - from.y.max(row as f32);
            let next = (x + slope * height).clamp(least, most);
            let (near, far) = if x < next { (x, next) } else { (next, x) };
            let start = near as usize;
            let end = far as usize;
            let span = &mut self.spans[row];
            *span = (span.0.min(start as u32), span.1.max(end as u32 + 1));
            let cells = &mut self.cells[row * self.stride + start..=row * self.stride + end + 1];
            spread(cells, near - start as f32, far - start as f32, sign * height);
            x = next;
        }
    }

    /// Sums the changes up, paints, and leaves everything clean for the next shape.
    fn paint(&mut self, pixels: &mut [u32], width: usize, ink: Ink) {
        for row in self.top..self.bottom {
            let (start, end) = std::mem::replace(&mut self.spans[row], UNTOUCHED);
            if start > end {
                continue;
            }
            let (start, end) = (start as usize, end as usize);
            let cells = &mut self.cells[row * self.stride + start..=row * self.stride + end];
            let line = &mut pixels[row * width..(row + 1) * width];
            let visible = end.min(self.clip.right.saturating_sub(1)) + 1;
            let (mut sum, mut share, mut stamp) = (0.0, 0, Stamp(0, 256));
            for (cell, pixel) in cells.iter().zip(&mut line[start.min(visible)..visible]) {
                if *cell != 0.0 {
                    sum += *cell;
                    // 0.003 is below what eight bits can show and swallows the rounding of long sums.
                    share = ((f32::abs(sum) - 0.003).clamp(0.0, 0.994) * 257.6) as u32;
                    stamp = ink.covering(share.min(256));
                }
                if share != 0 {
                    *pixel = stamp.over(*pixel);
                }
            }
            cells.fill(0.0);
        }
        (self.top, self.bottom) = (self.spans.len(), 0);
    }
}

/// Adds an edge that passes through one row from `near` to `far` (cells from the first of `cells`) over `height` of it.
#[inline]
fn spread(cells: &mut [f32], near: f32, far: f32, height: f32) {
    if let [first, second] = cells {
        let middle = (near + far) / 2.0;
        *first += height * (1.0 - middle);
        *second += height * middle;
        return;
    }
    // Area right of the edge and left of `to`, per unit of height, grows as a parabola while the edge is being crossed.
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

/// Draws a line as quads and outer joins, all turning the same way.
struct Pen<'a> {
    coverage: &'a mut Coverage,
    half: f32,
    /// Where the pen is, and the normal of the segment that led there.
    last: Option<(Point, Option<Point>)>,
}

impl Pen<'_> {
    fn line_to(&mut self, to: Point) {
        let Some((from, before)) = self.last else {
            self.last = Some((to, None));
            return;
        };
        let (dx, dy) = (to.x - from.x, to.y - from.y);
        let length = dx.hypot(dy);
        if length.is_nan() || length < 0.02 {
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

    /// Fills the wedge on the outer side of a bend; a point on the arc makes it round enough for thin lines.
    fn join(&mut self, at: Point, before: Point, after: Point) {
        let turn = before.x * after.y - before.y * after.x;
        let straight = before.x * after.x + before.y * after.y;
        if turn.abs() < 0.02 * self.half * self.half && straight > 0.0 {
            return;
        }
        // A bend to the one side opens a wedge on the other.
        let side = if turn > 0.0 { -1.0 } else { 1.0 };
        let (a, b) = (Point::new(side * before.x, side * before.y), Point::new(side * after.x, side * after.y));
        let (mx, my) = (a.x + b.x, a.y + b.y);
        let reach = mx.hypot(my);
        let place = |offset: Point| Point::new(at.x + offset.x, at.y + offset.y);
        let middle = if reach > 0.1 * self.half {
            Point::new(mx / reach * self.half, my / reach * self.half)
        } else {
            // The line turns back on itself: the arc's middle lies straight ahead.
            Point::new(before.y, -before.x)
        };
        let wedge = [place(a), place(middle), place(b), at];
        if side > 0.0 { self.ring(&[wedge[3], wedge[2], wedge[1], wedge[0]]) } else { self.ring(&wedge) }
    }

    fn ring(&mut self, corners: &[Point; 4]) {
        for (index, corner) in corners.iter().enumerate() {
            self.coverage.edge(*corner, corners[(index + 1) % 4]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WHITE: Color = Color::rgb(0xffffff);
    const BLACK: Color = Color::rgb(0);

    fn square(left: f32, top: f32, right: f32, bottom: f32) -> [Point; 4] {
        [(left, top), (right, top), (right, bottom), (left, bottom)].map(|(x, y)| Point::new(x, y))
    }

    fn red(raster: &Raster, x: usize, y: usize) -> u8 {
        raster.pixels[y * raster.width + x] as u8
    }

    #[track_caller]
    fn check(found: u8, expected: i32) {
        assert!((i32::from(found) - expected).abs() <= 2, "{found} is not {expected}");
    }

    #[test]
    fn a_pixel_gets_the_share_of_its_area_that_is_covered() {
        let mut raster = Raster::new(8, 8, 1.0, WHITE);
        raster.fill(&square(1.25, 2.5, 4.0, 6.0), BLACK);
        check(red(&raster, 2, 3), 0);
        check(red(&raster, 1, 3), 64);
        check(red(&raster, 2, 2), 128);
        check(red(&raster, 1, 2), 255 - 96);
        check(red(&raster, 4, 3), 255);
        check(red(&raster, 2, 6), 255);
    }

    #[test]
    fn slopes_cover_half_of_what_they_cross_whichever_way_they_turn() {
        for turned in [false, true] {
            let mut raster = Raster::new(10, 10, 1.0, WHITE);
            let mut triangle = [Point::new(0.0, 0.0), Point::new(10.0, 10.0), Point::new(0.0, 10.0)];
            if turned {
                triangle.reverse();
            }
            raster.fill(&triangle, BLACK);
            for at in 0..10 {
                check(red(&raster, at, at), 128);
            }
            check(red(&raster, 1, 5), 0);
            check(red(&raster, 6, 3), 255);
        }
    }

    #[test]
    fn overlapping_pieces_of_a_line_do_not_darken_each_other() {
        let mut raster = Raster::new(20, 20, 1.0, WHITE);
        let zigzag: Vec<Point> =
            (0..10).map(|at| Point::new(2.0 + at as f32 * 1.5, if at % 2 == 0 { 4.0 } else { 16.0 })).collect();
        raster.stroke(&zigzag, 6.0, Color { a: 128, ..BLACK });
        for y in 6..14 {
            check(red(&raster, 9, y), 127);
        }
    }

    #[test]
    fn nothing_leaves_the_clip_and_what_reaches_beyond_fills_up_to_it() {
        let mut raster = Raster::new(20, 20, 1.0, WHITE);
        raster.clip(Area { left: 5.0, top: 5.0, right: 15.0, bottom: 15.0 });
        raster.fill(&square(-1e6, -1e6, 1e6, 1e6), BLACK);
        for (x, y, expected) in
            [(4, 10, 255), (5, 10, 0), (14, 10, 0), (15, 10, 255), (10, 4, 255), (10, 5, 0), (10, 15, 255)]
        {
            check(red(&raster, x, y), expected);
        }
        raster.stroke(&[Point::new(f32::NAN, 3.0), Point::new(f32::INFINITY, 9.0), Point::new(1.0, 1.0)], 2.0, BLACK);
        raster.fill(&[Point::new(f32::NAN, f32::NAN), Point::new(3.0, 3.0)], BLACK);
    }

    #[test]
    fn a_transparent_ground_stays_transparent() {
        let mut raster = Raster::new(2, 1, 1.0, Color { a: 0, ..WHITE });
        raster.rect(Area { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 }, Color { a: 128, ..Color::rgb(0xff0000) });
        let png = raster.encode().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        assert_eq!(bytes, [255, 0, 0, 128, 0, 0, 0, 0]);
    }
}
