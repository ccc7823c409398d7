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
    /// A picture filled with `ground`. Whoever reads it may have the font of that name; the layout stays.
    pub(super) fn new(width: u32, height: u32, ground: Color, font_name: Option<&str>, slanted: bool) -> Svg {
        let mut svg = Svg { out: String::with_capacity(1 << 16) };
        let _ = write!(
            svg.out,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\""
        );
        if let Some(name) = font_name {
            svg.out.push('\'');
            svg.escaped(name);
            svg.out.push_str("',");
        }
        svg.out.push_str("'DejaVu Sans',Verdana,sans-serif\"");
        svg.out.push_str(if slanted { " font-style=\"italic\">\n" } else { ">\n" });
        let all = Area { left: 0.0, top: 0.0, right: width as f32, bottom: height as f32 };
        svg.rect(all, ground);
        svg
    }

    /// The finished file.
    pub(super) fn finish(mut self) -> Vec<u8> {
        self.out.push_str("</svg>\n");
        self.out.into_bytes()
    }

    /// Tenths of a pixel, each point told by its distance from the one before: half the bytes of whole coordinates.
    fn path(&mut self, points: &[Point]) {
        let tenths = |value: f32| {
            let scaled = value.clamp(-1e6, 1e6) * 10.0;
            (scaled + 0.5_f32.copysign(scaled)) as i32
        };
        let (mut x, mut y) = (0, 0);
        for (index, point) in points.iter().enumerate() {
            let (to_x, to_y) = (tenths(point.x), tenths(point.y));
            match index {
                0 => self.out.push('M'),
                1 => self.out.push('l'),
                _ if to_x - x >= 0 => self.out.push(' '),
                _ => {}
            }
            self.tenths(to_x - x);
            if to_y - y >= 0 {
                self.out.push(' ');
            }
            self.tenths(to_y - y);
            (x, y) = (to_x, to_y);
        }
    }

    fn tenths(&mut self, value: i32) {
        if value < 0 {
            self.out.push('-');
        }
        let (whole, rest) = (value.unsigned_abs() / 10, value.unsigned_abs() % 10);
        if whole > 0 || rest == 0 {
            self.whole(whole);
        }
        if rest > 0 {
            self.out.push('.');
            self.out.push(char::from(b'0' + rest as u8));
        }
    }

    /// Digits from the last to the first; `write!` takes several times as long.
    fn whole(&mut self, mut value: u32) {
        let mut digits = [0_u8; 10];
        let mut at = digits.len();
        loop {
            at -= 1;
            digits[at] = b'0' + (value % 10) as u8;
            value /= 10;
            if value == 0 {
                break;
            }
        }
        digits[at..].iter().for_each(|digit| self.out.push(char::from(*digit)));
    }

    /// At most two decimals, without trailing zeros.
    fn number(&mut self, value: f32) {
        let hundredths = (value.clamp(-1e6, 1e6) * 100.0).round() as i32;
        if hundredths < 0 {
            self.out.push('-');
        }
        let (whole, rest) = (hundredths.unsigned_abs() / 100, hundredths.unsigned_abs() % 100);
        self.whole(whole);
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

    fn band(&mut self, upper: &[Point], lower: &[Point], color: Color) {
        let outline: Vec<Point> = upper.iter().chain(lower.iter().rev()).copied().collect();
        self.fill(&outline, color);
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
        let degrees = match turn {
            Turn::Level => None,
            Turn::Upwards => Some(-90.0),
            Turn::By(angle) => Some(angle.to_degrees()),
        };
        if let Some(degrees) = degrees {
            self.out.push_str(" transform=\"rotate(");
            self.number(degrees);
            self.out.push(' ');
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
