//! Where everything goes: what chart, pie and message pictures share, from the title down to the foot.

use super::color::Color;
use super::font;
use super::options::Options;
use super::surface::{Area, Letters, Point, Surface, Turn};

/// Colours and letter sizes of one picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    pub(super) background: Color,
    pub(super) foreground: Color,
    pub(super) major: Color,
    pub(super) minor: Color,
    /// Em of labels and legend, logical pixels.
    pub(super) em: f32,
    pub(super) bold: bool,
}

impl Look {
    /// What the request says, and the template for the rest.
    pub(super) fn new(options: &Options) -> Look {
        let template = &options.template;
        let foreground = options.foreground.unwrap_or(template.foreground);
        // A request that turns the ground dark without naming grid colours still gets a visible grid.
        let grid = |given: Option<Color>, ours: Color, share: f64| {
            given.unwrap_or(if options.foreground.is_some() { foreground.faded(share) } else { ours })
        };
        // One and a tenth: DejaVu without hinting needs a little more than the reference's hinted letters.
        let em = options.font_size * 1.1;
        // Eight lines must fit, however large the request wants its letters; but letters have to be read.
        let least_side = f64::from(options.width.min(options.height));
        Look {
            background: options.background.unwrap_or(template.background),
            foreground,
            major: grid(options.major_grid, template.major, 0.16),
            minor: grid(options.minor_grid, template.minor, 0.07),
            em: em.min((least_side / 8.0).max(7.0)).max(1.0) as f32,
            bold: options.font_bold,
        }
    }

    /// Something dark shows through.
    pub(super) fn is_dark(&self) -> bool {
        self.background.lightness() < 0.5
    }

    pub(super) fn letters(&self) -> Letters {
        Letters { size: self.em, bold: self.bold, color: self.foreground.faded(0.88) }
    }

    pub(super) fn width(&self, text: &str) -> f32 {
        font::width(text, self.em, self.bold)
    }
}

/// Where a text's given x lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Anchor {
    Left,
    Middle,
    Right,
}

/// Writes `text` with its capitals centred on `at.y`.
pub(super) fn label(surface: &mut dyn Surface, text: &str, at: Point, anchor: Anchor, letters: Letters) {
    let width = font::width(text, letters.size, letters.bold);
    let left = match anchor {
        Anchor::Left => at.x,
        Anchor::Middle => at.x - width / 2.0,
        Anchor::Right => at.x - width,
    };
    let baseline = at.y + letters.size * font::CAP_HEIGHT / 2.0;
    surface.text(text, Point::new(left, baseline), letters, Turn::Level);
}

/// The whole picture within its margin.
pub(super) fn inside(options: &Options) -> Area {
    let (width, height) = (options.width as f32, options.height as f32);
    let margin = (options.margin as f32).min(width / 4.0).min(height / 4.0);
    Area { left: margin, top: margin, right: width - margin, bottom: height - margin }
}

/// Draws the title and moves the top of `free` below it. A long title shrinks a little, then takes a second line.
pub(super) fn title(surface: &mut dyn Surface, title: Option<&str>, look: &Look, free: &mut Area) {
    let Some(title) = title.filter(|title| !title.trim().is_empty()) else { return };
    let centre = (free.left + free.right) / 2.0;
    let mut size = look.em * 1.28;
    let widest = |size: f32| title.split('\n').map(|line| font::width(line, size, true)).fold(0.0, f32::max);
    if widest(size) > free.width() {
        size = (size * free.width() / widest(size)).max(look.em);
    }
    let most = ((free.height() / 3.0 / (size * 1.3)) as usize).clamp(1, 6);
    for line in font::wrap(title, free.width() + 0.5, size, true, most) {
        let letters = Letters { size, bold: true, color: look.foreground };
        label(surface, &line, Point::new(centre, free.top + size * 0.55), Anchor::Middle, letters);
        free.top += size * 1.3;
    }
    free.top += look.em * 0.8;
}

/// Writes what the picture has to own up to at its foot, and moves the bottom of `free` above it.
pub(super) fn notes(surface: &mut dyn Surface, notes: &[String], look: &Look, free: &mut Area) {
    for note in notes.iter().take(3) {
        let size = (look.em * 0.9).min(11.0);
        let letters = Letters { size, bold: false, color: look.foreground.faded(0.75) };
        let text = font::fit(note, free.width(), size, false);
        label(surface, &text, Point::new(free.left, free.bottom - size * 0.5), Anchor::Left, letters);
        free.bottom -= size * 1.4;
    }
}

/// A frame with `text` in its middle, where a chart would be.
pub(super) fn message(surface: &mut dyn Surface, text: &str, look: &Look, free: Area) {
    let Area { left, top, right, bottom } = free;
    if free.width() > 4.0 && free.height() > 4.0 {
        surface.rect(Area { bottom: top + 1.0, ..free }, look.major);
        surface.rect(Area { top: bottom - 1.0, ..free }, look.major);
        surface.rect(Area { right: left + 1.0, top: top + 1.0, bottom: bottom - 1.0, left }, look.major);
        surface.rect(Area { left: right - 1.0, top: top + 1.0, bottom: bottom - 1.0, right }, look.major);
    }
    let size = look.em * 1.15;
    let room = (free.width() - 2.0 * look.em).max(size);
    let most = ((free.height() / (size * 1.4)) as usize).clamp(1, 12);
    let (text, mark) = match text.rsplit_once('\n') {
        Some((text, mark)) if mark.trim() == "^" => (text, Some(mark.chars().count() - 1)),
        _ => (text, None),
    };
    let lines = font::wrap(text, room, size, false, most);
    let letters = Letters { size, bold: false, color: look.foreground.faded(0.9) };
    let mut y = (top + bottom) / 2.0 - (lines.len() - 1) as f32 * size * 0.7;
    for line in &lines {
        label(surface, line, Point::new((left + right) / 2.0, y), Anchor::Middle, letters);
        y += size * 1.4;
    }
    // The mark points at a letter of the last line, unless that had to be changed to fit.
    if let (Some(mark), Some(last)) = (mark, lines.last().filter(|last| text.ends_with(last.as_str()))) {
        let before: String = last.chars().take(mark).collect();
        let half = font::width(last, size, false) / 2.0;
        let at = (left + right) / 2.0 - half + font::width(&before, size, false);
        label(surface, "^", Point::new(at, y - size * 0.3), Anchor::Left, letters);
    }
}
