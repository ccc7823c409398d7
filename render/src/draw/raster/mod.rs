//! Pixels: shapes become coverage, coverage becomes colour, rows become a PNG.
//!
//! Shapes are sets of loops of the same orientation, so that overlaps only add and a sum above one is inside. Picked
//! fast ways are measured by the drawing bench and by `benches/compare/picture`.

mod coverage;
mod columns;
mod trace;
mod lanes;
mod ink;
mod encode;
mod repeats;
mod alike;
mod palette;
mod deflate;
mod codes;

use std::sync::Mutex;

use self::columns::Columns;
use self::coverage::{Clip, Coverage};
use self::encode::Press;
use self::ink::{Ink, SHADES};
use super::DrawError;
use super::color::Color;
use super::font::{self, Masks, Style};
use super::surface::{Area, Letters, Point, Surface, Turn, circle};

/// A picture of device pixels.
pub(super) struct Raster {
    width: usize,
    height: usize,
    /// Device pixels per logical pixel.
    scale: f32,
    canvas: Canvas,
    /// Nothing behind the picture shows through.
    opaque: bool,
    slanted: bool,
}

/// The memory of a picture, kept from one to the next.
struct Canvas {
    /// Premultiplied, `aabbggrr`.
    pixels: Vec<u32>,
    /// Clean between two shapes, so also between two pictures.
    coverage: Coverage,
    masks: Masks,
    press: Press,
}

/// Canvases that wait for the next picture: fresh pages would cost a fifth of a small one.
static RESTING: Mutex<Vec<Canvas>> = Mutex::new(Vec::new());
/// As many as are drawn on at once on two processors.
const MOST_RESTING: usize = 2;
/// Pixels of a canvas that is kept, 4 MB with all that belongs to it.
const LARGEST_RESTING: usize = 400_000;

impl Raster {
    /// A picture filled with `ground`; sizes in logical pixels.
    pub(super) fn new(width: u32, height: u32, scale: f64, ground: Color, slanted: bool) -> Raster {
        let device = |side: u32| ((f64::from(side) * scale).round() as usize).max(1);
        let (width, height) = (device(width), device(height));
        let rested = RESTING.lock().ok().and_then(|mut resting| resting.pop());
        let mut canvas = rested.unwrap_or_else(|| Canvas {
            pixels: Vec::new(),
            coverage: Coverage::default(),
            masks: Masks::default(),
            press: Press::default(),
        });
        canvas.coverage.fit(width, height);
        canvas.pixels.clear();
        canvas.pixels.resize(width * height, Ink::new(ground).covering(256).alone());
        Raster { width, height, scale: scale as f32, canvas, opaque: ground.a == 255, slanted }
    }

    /// The picture as a PNG file.
    pub(super) fn encode(mut self) -> Result<Vec<u8>, DrawError> {
        let Canvas { pixels, press, .. } = &mut self.canvas;
        let file = press.png(pixels, self.width, self.height, self.opaque)?;
        if pixels.capacity() <= LARGEST_RESTING {
            self.canvas.masks.trim();
            if let Ok(mut resting) = RESTING.lock()
                && resting.len() < MOST_RESTING
            {
                resting.push(self.canvas);
            }
        }
        Ok(file)
    }

    fn device(&self, point: Point) -> Point {
        Point::new(point.x * self.scale, point.y * self.scale)
    }

    fn paint(&mut self, color: Color) {
        self.canvas.coverage.paint(&mut self.canvas.pixels, self.width, &Ink::new(color).stamps());
    }
}

impl Surface for Raster {
    fn fill(&mut self, outline: &[Point], color: Color) {
        let Some(last) = outline.last() else { return };
        let mut from = self.device(*last);
        for point in outline {
            let to = self.device(*point);
            self.canvas.coverage.edge(from, to);
            from = to;
        }
        self.paint(color);
    }

    fn band(&mut self, upper: &[Point], lower: &[Point], color: Color) {
        let Canvas { pixels, coverage, .. } = &mut self.canvas;
        let (scale, stamps) = (self.scale, Ink::new(color).stamps());
        let mut paper = Columns { pixels, width: self.width, clip: coverage.clip, stamps: &stamps };
        paper.fill(upper, lower, scale);
    }

    fn stroke(&mut self, points: &[Point], width: f32, color: Color) {
        // Below a pixel a line gets paler, not thinner.
        let device = width * self.scale;
        let color = color.faded(f64::from(device.min(1.0)));
        let points = points.iter().map(|point| Point::new(point.x * self.scale, point.y * self.scale));
        trace::line(&mut self.canvas.coverage, device.max(1.0), points);
        let Canvas { pixels, coverage, .. } = &mut self.canvas;
        coverage.paint_traced(pixels, self.width, &Ink::new(color).stamps());
    }

    fn rect(&mut self, area: Area, color: Color) {
        let snap = |value: f32| (value * self.scale).round();
        let (left, top) = (snap(area.left), snap(area.top));
        // Nothing that was asked for vanishes between two pixels.
        let (right, bottom) = (snap(area.right).max(left + 1.0), snap(area.bottom).max(top + 1.0));
        let clip = self.canvas.coverage.clip;
        let rows = top.max(clip.top as f32) as usize..bottom.clamp(0.0, clip.bottom as f32) as usize;
        let (from, to) = (left.max(clip.left as f32) as usize, right.clamp(0.0, clip.right as f32) as usize);
        let stamp = Ink::new(color).covering(256);
        let pixels = &mut self.canvas.pixels;
        if from + 1 == to {
            // A line of the grid.
            for row in rows {
                if let Some(pixel) = pixels.get_mut(row * self.width + from) {
                    *pixel = stamp.over(*pixel);
                }
            }
            return;
        }
        for row in rows {
            if from < to {
                stamp.run(&mut pixels[row * self.width + from..row * self.width + to]);
            }
        }
    }

    fn disc(&mut self, center: Point, radius: f32, color: Color) {
        self.fill(&circle(center, radius), color);
    }

    fn text(&mut self, text: &str, at: Point, letters: Letters, turn: Turn) {
        let style = Style { size: letters.size * self.scale, bold: letters.bold, slanted: self.slanted };
        let stamps = Ink::new(letters.color).stamps();
        let (x, y) = (at.x * self.scale, at.y * self.scale);
        // Along the line letters sit on quarter pixels; across it the baseline is on a whole one, which keeps it crisp.
        let (pen, base) = match turn {
            Turn::Level => (x, y.round() as i32),
            Turn::Upwards => (-y, x.round() as i32),
            Turn::By(angle) => {
                let coverage = &mut self.canvas.coverage;
                font::turned(text, style, Point::new(x, y), angle, |from, to| coverage.edge(from, to));
                return self.paint(letters.color);
            }
        };
        let upwards = turn == Turn::Upwards;
        let Canvas { pixels, coverage, masks, .. } = &mut self.canvas;
        let (clip, width) = (coverage.clip, self.width);
        masks.each(text, style, pen, |pen, mask| {
            for (row, line) in mask.coverage.chunks_exact(mask.width).enumerate() {
                for (column, &share) in line.iter().enumerate().filter(|(_, share)| **share > 0) {
                    let (along, across) = (pen + mask.left + column as i32, base + mask.top + row as i32);
                    let (x, y) = if upwards { (across, -along - 1) } else { (along, across) };
                    if clip.holds(x, y) {
                        let pixel = &mut pixels[y as usize * width + x as usize];
                        *pixel = stamps[(usize::from(share) + 8) * SHADES / 256].over(*pixel);
                    }
                }
            }
        });
    }

    fn clip(&mut self, area: Area) {
        let snap = |value: f32, most: usize| (value * self.scale).round().clamp(0.0, most as f32) as usize;
        self.canvas.coverage.clip = Clip {
            left: snap(area.left, self.width),
            top: snap(area.top, self.height),
            right: snap(area.right, self.width),
            bottom: snap(area.bottom, self.height),
        };
    }

    fn unclip(&mut self) {
        self.canvas.coverage.clip = Clip { left: 0, top: 0, right: self.width, bottom: self.height };
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
        raster.canvas.pixels[y * raster.width + x] as u8
    }

    #[track_caller]
    fn check(found: u8, expected: i32) {
        assert!((i32::from(found) - expected).abs() <= 2, "{found} is not {expected}");
    }

    #[test]
    fn a_pixel_gets_the_share_of_its_area_that_is_covered() {
        let mut raster = Raster::new(8, 8, 1.0, WHITE, false);
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
            let mut raster = Raster::new(10, 10, 1.0, WHITE, false);
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
        let mut raster = Raster::new(20, 20, 1.0, WHITE, false);
        let zigzag: Vec<Point> =
            (0..10).map(|at| Point::new(2.0 + at as f32 * 1.5, if at % 2 == 0 { 4.0 } else { 16.0 })).collect();
        raster.stroke(&zigzag, 6.0, Color { a: 128, ..BLACK });
        for y in 6..14 {
            check(red(&raster, 9, y), 127);
        }
    }

    #[test]
    fn nothing_leaves_the_clip_and_what_reaches_beyond_fills_up_to_it() {
        let mut raster = Raster::new(20, 20, 1.0, WHITE, false);
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
    fn a_line_that_leaves_the_clip_leaves_nothing_behind() {
        let mut raster = Raster::new(30, 9, 1.0, WHITE, false);
        raster.clip(Area { left: 0.0, top: 0.0, right: 13.0, bottom: 9.0 });
        raster.stroke(&[Point::new(0.0, 4.0), Point::new(30.0, 4.5)], 3.0, BLACK);
        assert!(raster.canvas.coverage.row_mut(4).iter().all(|cell| *cell == 0.0));
    }

    #[test]
    fn a_transparent_ground_stays_transparent() {
        let mut raster = Raster::new(2, 1, 1.0, Color { a: 0, ..WHITE }, false);
        raster.rect(Area { left: 0.0, top: 0.0, right: 1.0, bottom: 1.0 }, Color { a: 128, ..Color::rgb(0xff0000) });
        let png = raster.encode().unwrap();
        let mut reader = png::Decoder::new(std::io::Cursor::new(png)).read_info().unwrap();
        let mut bytes = vec![0; reader.output_buffer_size().unwrap()];
        reader.next_frame(&mut bytes).unwrap();
        assert_eq!(bytes, [255, 0, 0, 128, 0, 0, 0, 0]);
    }
}
