//! Our surface as a plotters backend, and the marks that curves are made of.
//!
//! plotters is the chart model: axes map values, the mesh walks over key points, elements carry data coordinates. Its
//! backend coordinates are whole numbers, so its canvas here is [`UNITS`] times finer than the pixels.

use std::convert::Infallible;

use plotters::element::{Drawable, PointCollection};
use plotters_backend::{BackendColor, BackendCoord, BackendStyle, BackendTextStyle, DrawingBackend, DrawingErrorKind};

use super::color::Color;
use super::font;
use super::surface::{Area, Letters, Point, Surface, Turn, dashes};

/// Backend units per logical pixel.
pub(super) const UNITS: f32 = 64.0;

/// A surface as plotters sees it.
pub(super) struct Paper<'a> {
    pub(super) surface: &'a mut dyn Surface,
    pub(super) width: u32,
    pub(super) height: u32,
}

type Drawn = Result<(), DrawingErrorKind<Infallible>>;

/// Logical pixels of a backend coordinate.
pub(super) fn place((x, y): BackendCoord) -> Point {
    Point::new(x as f32 / UNITS, y as f32 / UNITS)
}

/// Backend units of a length in logical pixels.
pub(super) fn units(pixels: f32) -> i32 {
    (pixels * UNITS).round() as i32
}

fn color(color: BackendColor) -> Color {
    let (r, g, b) = color.rgb;
    Color { r, g, b, a: 255 }.faded(color.alpha)
}

impl DrawingBackend for Paper<'_> {
    type ErrorType = Infallible;

    fn get_size(&self) -> (u32, u32) {
        (self.width * UNITS as u32, self.height * UNITS as u32)
    }

    fn ensure_prepared(&mut self) -> Drawn {
        Ok(())
    }

    fn present(&mut self) -> Drawn {
        Ok(())
    }

    fn draw_pixel(&mut self, at: BackendCoord, ink: BackendColor) -> Drawn {
        self.draw_rect(at, at, &ink, true)
    }

    fn draw_line<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S) -> Drawn {
        self.draw_path([from, to], style)
    }

    fn draw_rect<S: BackendStyle>(&mut self, from: BackendCoord, to: BackendCoord, style: &S, fill: bool) -> Drawn {
        let (Point { x: left, y: top }, Point { x: right, y: bottom }) = (place(from), place(to));
        if fill {
            self.surface.rect(Area { left, top, right, bottom }, color(style.color()));
            return Ok(());
        }
        self.draw_path([from, (to.0, from.1), to, (from.0, to.1), from], style)
    }

    fn draw_path<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, path: I, style: &S) -> Drawn {
        let points: Vec<Point> = path.into_iter().map(place).collect();
        self.surface.stroke(&points, style.stroke_width() as f32 / UNITS, color(style.color()));
        Ok(())
    }

    fn draw_circle<S: BackendStyle>(&mut self, at: BackendCoord, radius: u32, style: &S, fill: bool) -> Drawn {
        let radius = radius as f32 / UNITS;
        if fill {
            self.surface.disc(place(at), radius, color(style.color()));
        } else {
            let rim = super::surface::circle(place(at), radius);
            self.surface.stroke(&rim, style.stroke_width() as f32 / UNITS, color(style.color()));
        }
        Ok(())
    }

    fn fill_polygon<S: BackendStyle, I: IntoIterator<Item = BackendCoord>>(&mut self, corners: I, style: &S) -> Drawn {
        let points: Vec<Point> = corners.into_iter().map(place).collect();
        self.surface.fill(&points, color(style.color()));
        Ok(())
    }

    fn draw_text<T: BackendTextStyle>(&mut self, text: &str, style: &T, at: BackendCoord) -> Drawn {
        let letters = Letters { size: style.size() as f32 / UNITS, bold: false, color: color(style.color()) };
        let Point { x, y } = place(at);
        self.surface.text(text, Point::new(x, y + letters.size * font::CAP_HEIGHT), letters, Turn::Level);
        Ok(())
    }

    fn estimate_text_size<T: BackendTextStyle>(
        &self,
        text: &str,
        style: &T,
    ) -> Result<(u32, u32), DrawingErrorKind<Infallible>> {
        let size = style.size() as f32;
        Ok((font::width(text, size, false).ceil() as u32, size.ceil() as u32))
    }
}

/// A piece of a curve in data coordinates (seconds, value).
pub(super) struct Mark {
    pub(super) points: Vec<(f64, f64)>,
    pub(super) color: Color,
    pub(super) kind: MarkKind,
}

/// What becomes of a mark's points.
#[derive(Clone, Copy, Debug)]
pub(super) enum MarkKind {
    /// A line through them, dashed if a dash length is given; logical pixels.
    Line { width: f32, dash: Option<f32> },
    /// The outline of a filled area.
    Filled,
    /// What lies between the first half of the points and the second, both from left to right.
    Band,
    /// A dot at each of them.
    Dots { radius: f32 },
}

impl<'a> PointCollection<'a, (f64, f64)> for &'a Mark {
    type Point = &'a (f64, f64);
    type IntoIter = std::slice::Iter<'a, (f64, f64)>;

    fn point_iter(self) -> Self::IntoIter {
        self.points.iter()
    }
}

impl<'s> Drawable<Paper<'s>> for Mark {
    fn draw<I: Iterator<Item = BackendCoord>>(&self, at: I, paper: &mut Paper<'s>, _: (u32, u32)) -> Drawn {
        let points: Vec<Point> = at.map(place).collect();
        match self.kind {
            MarkKind::Line { width, dash: None } => paper.surface.stroke(&points, width, self.color),
            MarkKind::Line { width, dash: Some(length) } => {
                for dash in dashes(&points, length) {
                    paper.surface.stroke(&dash, width, self.color);
                }
            }
            MarkKind::Filled => paper.surface.fill(&points, self.color),
            MarkKind::Band => {
                let (upper, lower) = points.split_at(points.len() / 2);
                paper.surface.band(upper, lower, self.color);
            }
            MarkKind::Dots { radius } => {
                points.iter().for_each(|point| paper.surface.disc(*point, radius, self.color));
            }
        }
        Ok(())
    }
}
