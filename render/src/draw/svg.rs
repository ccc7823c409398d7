//! The same shapes as an SVG file: real text, no script, no reference to anything outside.

use std::fmt::Write as _;

use super::color::Color;
use super::font;
use super::surface::{Area, Letters, Point, Surface, Turn};

/// An SVG file that grows shape by shape.
pub(super) struct Svg {
    out: String,
}

impl Svg {
    /// A picture filled with `ground`.
    pub(super) fn new(width: u32, height: u32, ground: Color) -> Svg {
        let mut svg = Svg { out: String::with_capacity(1 << 16) };
        let _ = writeln!(
            svg.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"'DejaVu Sans',Verdana,sans-serif\">"
        );
        let all = Area { left: 0.0, top: 0.0, right: width as f32, bottom: height as f32 };
        svg.rect(all, ground);
        svg
    }

    /// The finished file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.push_str("</svg>\n");
        self.out.into_bytes()
    }

    fn path(&mut self, points: &[Point]) {
        for (index, point) in points.iter().enumerate() {
            self.out.push(if index == 0 { 'M' } else { ' ' });
            self.number(point.x);
            self.out.push(',');
            self.number(point.y);
        }
    }

    /// At most two decimals, without trailing zeros; integer arithmetic is ten times as fast as `{:.2}`.
    fn number(&mut self, value: f32) {
        let hundredths = (value.clamp(-1e6, 1e6) * 100.0).round() as i32;
        if hundredths < 0 {
            self.out.push('-');
        }
        let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
        let _ = write!(self.out, "{whole}");
        if rest > 0 {
            let digit = |value: u32| char::from(b'0' + value as u8);
            self.out.push('.');
            self.out.push(digit(rest / 10));
            if rest % 10 > 0 {
                self.out.push(digit(rest % 10));
            }
        }
    }

    fn attribute(&mut self, name: &str, value: f32) {
        let _ = write!(self.out, " {name}=\"");
        self.number(value);
        self.out.push('"');
    }

    fn paint(&mut self, name: &str, color: Color) {
        let _ = write!(self.out, " {name}=\"#{:02x}{:02x}{:02x}\"", color.r, color.g, color.b);
        if color.a != 255 {
            let _ = write!(self.out, " {name}-opacity=\"{:.3}\"", f64::from(color.a) / 255.0);
        }
    }

    fn escaped(&mut self, text: &str) {
        for letter in text.chars() {
            match letter {
                '<' => self.out.push_str("&lt;"),
                '>' => self.out.push_str("&gt;"),
                '&' => self.out.push_str("&amp;"),
                '"' => self.out.push_str("&quot;"),
                '\'' => self.out.push_str("&#39;"),
                // XML has no way to write these at all.
                '\u{fffe}' | '\u{ffff}' => self.out.push('\u{fffd}'),
                letter if letter.is_control() => self.out.push(' '),
                letter => self.out.push(letter),
            }
        }
    }
}

impl Surface for Svg {
    fn fill(&mut self, outline: &[Point], color: Color) {
        self.out.push_str("<path d=\"");
        self.path(outline);
        self.out.push_str("z\"");
        self.paint("fill", color);
        self.out.push_str("/>\n");
    }

    fn stroke(&mut self, points: &[Point], width: f32, color: Color) {
        self.out.push_str("<path d=\"");
        self.path(points);
        self.out.push_str("\" fill=\"none\" stroke-linejoin=\"round\"");
        self.paint("stroke", color);
        self.attribute("stroke-width", width);
        self.out.push_str("/>\n");
    }

    fn rect(&mut self, area: Area, color: Color) {
        self.out.push_str("<rect");
        self.attribute("x", area.left);
        self.attribute("y", area.top);
        self.attribute("width", area.width());
        self.attribute("height", area.height());
        self.paint("fill", color);
        self.out.push_str("/>\n");
    }

    fn disc(&mut self, center: Point, radius: f32, color: Color) {
        self.out.push_str("<circle");
        self.attribute("cx", center.x);
        self.attribute("cy", center.y);
        self.attribute("r", radius);
        self.paint("fill", color);
        self.out.push_str("/>\n");
    }

    fn text(&mut self, text: &str, at: Point, letters: Letters, turn: Turn) {
        if text.trim().is_empty() {
            return;
        }
        self.out.push_str("<text");
        if turn == Turn::Upwards {
            self.out.push_str(" transform=\"rotate(-90 ");
            self.number(at.x);
            self.out.push(' ');
            self.number(at.y);
            self.out.push_str(")\"");
        }
        self.attribute("x", at.x);
        self.attribute("y", at.y);
        self.attribute("font-size", letters.size);
        if letters.bold {
            self.out.push_str(" font-weight=\"bold\"");
        }
        // A reader without the font keeps our layout.
        self.attribute("textLength", font::width(text, letters.size, letters.bold));
        self.out.push_str(" lengthAdjust=\"spacingAndGlyphs\" xml:space=\"preserve\"");
        self.paint("fill", letters.color);
        self.out.push('>');
        self.escaped(text);
        self.out.push_str("</text>\n");
    }

    /// A nested picture cuts at its borders and needs no id, so that many charts can stand in one page.
    fn clip(&mut self, area: Area) {
        self.out.push_str("<svg");
        self.attribute("x", area.left);
        self.attribute("y", area.top);
        self.attribute("width", area.width());
        self.attribute("height", area.height());
        self.out.push_str(" viewBox=\"");
        for (index, value) in [area.left, area.top, area.width(), area.height()].into_iter().enumerate() {
            if index > 0 {
                self.out.push(' ');
            }
            self.number(value);
        }
        self.out.push_str("\">\n");
    }

    fn unclip(&mut self) {
        self.out.push_str("</svg>\n");
    }
}
