//! The letters inside the binary: widths for layout, masks for the raster. `assets/fonts/README.md` says what they are.

use std::collections::HashMap;
use std::sync::LazyLock;

use ab_glyph::{Font as _, FontRef, Glyph, GlyphId, OutlineCurve, OutlinedGlyph, PxScale, PxScaleFactor, point};

use super::surface::Point;

static REGULAR: LazyLock<FontRef<'static>> =
    LazyLock::new(|| parse(include_bytes!("../../assets/fonts/DejaVuSans.subset.ttf")));
static BOLD: LazyLock<FontRef<'static>> =
    LazyLock::new(|| parse(include_bytes!("../../assets/fonts/DejaVuSans-Bold.subset.ttf")));

fn parse(bytes: &'static [u8]) -> FontRef<'static> {
    FontRef::try_from_slice(bytes).expect("the font is part of the binary and a test reads it")
}

fn face(bold: bool) -> &'static FontRef<'static> {
    if bold { &BOLD } else { &REGULAR }
}

/// Height of a capital letter as a share of the em; centres text on lines and swatches.
pub(super) const CAP_HEIGHT: f32 = 0.729;

/// Width of `text` at an em of `size`.
pub(super) fn width(text: &str, size: f32, bold: bool) -> f32 {
    let font = face(bold);
    let units: f32 = text.chars().map(|letter| font.h_advance_unscaled(glyph(font, letter))).sum();
    units * size / units_per_em(font)
}

/// `text` cut in its middle so that it fits into `room`; both ends of a metric name tell more than its middle.
pub(super) fn fit(text: &str, room: f32, size: f32, bold: bool) -> String {
    if width(text, size, bold) <= room {
        return text.to_owned();
    }
    let letters: Vec<char> = text.chars().take(2000).collect();
    let (mut fits, mut fails) = (0, letters.len());
    let cut = |kept: usize| {
        let head: String = letters[..kept.div_ceil(2)].iter().collect();
        let tail: String = letters[letters.len() - kept / 2..].iter().collect();
        format!("{head}…{tail}")
    };
    while fails - fits > 1 {
        let middle = (fits + fails) / 2;
        if width(&cut(middle), size, bold) <= room { fits = middle } else { fails = middle }
    }
    cut(fits)
}

/// `text` broken into lines no wider than `room`; words too long for a line are cut.
pub(super) fn wrap(text: &str, room: f32, size: f32, bold: bool, most: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for paragraph in text.split('\n') {
        let mut line = String::new();
        for word in paragraph.split_whitespace() {
            let longer = if line.is_empty() { word.to_owned() } else { format!("{line} {word}") };
            if !line.is_empty() && width(&longer, size, bold) > room {
                lines.push(std::mem::replace(&mut line, word.to_owned()));
            } else {
                line = longer;
            }
        }
        lines.push(line);
    }
    if lines.len() > most {
        lines.truncate(most);
        if let Some(last) = lines.last_mut() {
            last.push('…');
        }
    }
    lines.iter().map(|line| fit(line, room, size, bold)).collect()
}

fn glyph(font: &FontRef<'_>, letter: char) -> GlyphId {
    // Control characters have no shape of their own; a box would be louder than they deserve.
    font.glyph_id(if letter.is_control() { ' ' } else { letter })
}

fn units_per_em(font: &FontRef<'_>) -> f32 {
    font.units_per_em().unwrap_or(2048.0)
}

/// A letter as coverage, placed relative to the pen.
pub(super) struct Mask {
    pub(super) left: i32,
    pub(super) top: i32,
    pub(super) width: usize,
    pub(super) coverage: Vec<u8>,
}

/// Which letters: all that a mask depends on but the letter itself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Style {
    /// Em in device pixels.
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) slanted: bool,
}

/// Masks of letters already met.
#[derive(Default)]
pub(super) struct Masks {
    known: HashMap<(char, bool, bool, u32, u8), Mask>,
    /// Bytes of their coverage.
    bytes: usize,
}

impl Masks {
    /// Forgets all of them once they are many: the next picture begins anew, with the same masks.
    pub(super) fn trim(&mut self) {
        if self.bytes > 256 << 10 || self.known.len() > 4096 {
            *self = Masks::default();
        }
    }

    /// Hands each letter of `text` with its whole-pixel pen position to `put`; `x` is in device pixels.
    pub(super) fn each(&mut self, text: &str, style: Style, x: f32, mut put: impl FnMut(i32, &Mask)) {
        /// Steps within a pixel at which letters are drawn apart.
        const STEPS: f32 = 4.0;
        let Style { size, bold, slanted } = style;
        let font = face(bold);
        let em = size / units_per_em(font);
        let mut pen = x;
        for letter in text.chars() {
            let id = glyph(font, letter);
            let place = (pen * STEPS).round();
            let (pixel, step) = ((place / STEPS).floor(), place.rem_euclid(STEPS) as u8);
            let bytes = &mut self.bytes;
            let mask = self.known.entry((letter, bold, slanted, size.to_bits(), step)).or_insert_with(|| {
                let mask = Mask::new(font, id, style, f32::from(step) / STEPS);
                *bytes += mask.coverage.len();
                mask
            });
            if !mask.coverage.is_empty() {
                put(pixel as i32, mask);
            }
            pen += font.h_advance_unscaled(id) * em;
        }
    }
}

/// Sideways per upwards of slanted letters, about eleven degrees; the fonts inside the binary stand upright.
const SLANT: f32 = 0.2;

impl Mask {
    fn new(font: &FontRef<'_>, id: GlyphId, style: Style, shift: f32) -> Mask {
        let scale = PxScale::from(style.size * font.height_unscaled() / units_per_em(font));
        let glyph = id.with_scale_and_position(scale, point(shift, 0.0));
        let Some(outline) = outlined(font, glyph, style.slanted) else {
            return Mask { left: 0, top: 0, width: 0, coverage: Vec::new() };
        };
        let bounds = outline.px_bounds();
        let width = bounds.width() as usize;
        let mut coverage = vec![0; width * bounds.height() as usize];
        outline.draw(|x, y, share| {
            // Thin strokes lose ink to the grid; a gentle curve gives small text back its weight.
            let ink = share.clamp(0.0, 1.0).powf(0.8);
            if let Some(cell) = coverage.get_mut(y as usize * width + x as usize) {
                // Few shades of a letter are enough for the eye; the raster has fewer still.
                *cell = ((ink * 32.0).round() * 8.0).min(255.0) as u8;
            }
        });
        Mask { left: bounds.min.x as i32, top: bounds.min.y as i32, width, coverage }
    }
}

fn outlined(font: &FontRef<'_>, glyph: Glyph, slanted: bool) -> Option<OutlinedGlyph> {
    if !slanted {
        return font.outline_glyph(glyph);
    }
    let mut outline = font.outline(glyph.id)?;
    let lean = |at: &mut ab_glyph::Point| at.x += at.y * SLANT;
    for curve in &mut outline.curves {
        match curve {
            OutlineCurve::Line(a, b) => [a, b].into_iter().for_each(lean),
            OutlineCurve::Quad(a, b, c) => [a, b, c].into_iter().for_each(lean),
            OutlineCurve::Cubic(a, b, c, d) => [a, b, c, d].into_iter().for_each(lean),
        }
    }
    let (low, high) = (outline.bounds.min.y.min(outline.bounds.max.y), outline.bounds.min.y.max(outline.bounds.max.y));
    outline.bounds.min.x += low * SLANT;
    outline.bounds.max.x += high * SLANT;
    let height = font.height_unscaled();
    let factor = PxScaleFactor { horizontal: glyph.scale.x / height, vertical: glyph.scale.y / height };
    Some(OutlinedGlyph::new(glyph, outline, factor))
}

/// Hands the edges of `text` to `edge`, turned by `angle` (clockwise, radians) around its beginning at `at`.
pub(super) fn turned(text: &str, style: Style, at: Point, angle: f32, mut edge: impl FnMut(Point, Point)) {
    let font = face(style.bold);
    let em = style.size / units_per_em(font);
    let (sin, cos) = angle.sin_cos();
    let slant = if style.slanted { SLANT } else { 0.0 };
    let mut pen = 0.0;
    for letter in text.chars() {
        let id = glyph(font, letter);
        let place = |spot: &ab_glyph::Point| {
            let (x, y) = (pen + (spot.x + spot.y * slant) * em, -spot.y * em);
            Point::new(at.x + x * cos - y * sin, at.y + x * sin + y * cos)
        };
        for curve in font.outline(id).map(|outline| outline.curves).unwrap_or_default() {
            match &curve {
                OutlineCurve::Line(a, b) => edge(place(a), place(b)),
                OutlineCurve::Quad(a, b, c) => bend([place(a), place(b), place(b), place(c)], 2.0 / 3.0, &mut edge),
                OutlineCurve::Cubic(a, b, c, d) => bend([place(a), place(b), place(c), place(d)], 1.0, &mut edge),
            }
        }
        pen += font.h_advance_unscaled(id) * em;
    }
}

/// A Bézier curve as eight edges; `pull` moves the inner points out from the ends, as two thirds make a cubic of a quad.
fn bend([a, b, c, d]: [Point; 4], pull: f32, edge: &mut impl FnMut(Point, Point)) {
    const PARTS: usize = 8;
    let mix = |from: Point, to: Point, share: f32| {
        Point::new(from.x + (to.x - from.x) * share, from.y + (to.y - from.y) * share)
    };
    let (b, c) = (mix(a, b, pull), mix(d, c, pull));
    let mut from = a;
    for part in 1..=PARTS {
        let share = part as f32 / PARTS as f32;
        let (ab, bc, cd) = (mix(a, b, share), mix(b, c, share), mix(c, d, share));
        let to = if part == PARTS { d } else { mix(mix(ab, bc, share), mix(bc, cd, share), share) };
        edge(from, to);
        from = to;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_fonts_can_be_read_and_have_greek_cyrillic_and_arrows() {
        for bold in [false, true] {
            for letter in "aZ0%µ€ΩжЇ→≤…".chars() {
                assert_ne!(face(bold).glyph_id(letter), GlyphId(0), "{letter}");
            }
        }
    }

    #[test]
    fn long_names_lose_their_middle() {
        let name = "servers.rack17.web0123.example.net.cpu.total.user";
        let short = fit(name, 150.0, 11.0, false);
        assert!(width(&short, 11.0, false) <= 150.0);
        assert!(short.starts_with("servers.") && short.ends_with(".user"), "{short}");
        assert_eq!(fit("a", 0.0, 11.0, false), "…");
    }

    #[test]
    fn text_is_wrapped_at_words() {
        let lines = wrap("the quick brown fox jumps over the lazy dog", 100.0, 12.0, false, 9);
        assert!(lines.len() > 2 && lines.iter().all(|line| width(line, 12.0, false) <= 100.0));
        assert_eq!(wrap("a b c d e f g", 10.0, 12.0, false, 2).len(), 2);
    }
}
