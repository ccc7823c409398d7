//! Colours: what a request may write, and which one the next series gets.

/// A straight (not premultiplied) sRGB colour with opacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Color {
    /// Red, 0 to 255.
    pub r: u8,
    /// Green, 0 to 255.
    pub g: u8,
    /// Blue, 0 to 255.
    pub b: u8,
    /// Opacity: 0 is invisible, 255 covers.
    pub a: u8,
}

/// Names that graphite-web knows, with its shades.
const NAMED: &[(&str, u32)] = &[
    ("black", 0x000000),
    ("white", 0xffffff),
    ("blue", 0x6464ff),
    ("green", 0x00c800),
    ("red", 0xc80032),
    ("yellow", 0xffff00),
    ("orange", 0xffa500),
    ("purple", 0xc864ff),
    ("brown", 0x966432),
    ("cyan", 0x00ffff),
    ("aqua", 0x009696),
    ("gray", 0xafafaf),
    ("grey", 0xafafaf),
    ("magenta", 0xff00ff),
    ("pink", 0xff6464),
    ("gold", 0xc8c800),
    ("rose", 0xc896c8),
    ("darkblue", 0x0000ff),
    ("darkgreen", 0x00ff00),
    ("darkred", 0xff0000),
    ("darkgray", 0x6f6f6f),
    ("darkgrey", 0x6f6f6f),
];

impl Color {
    /// An opaque colour from `0xrrggbb`.
    pub const fn rgb(hex: u32) -> Color {
        Color { r: (hex >> 16) as u8, g: (hex >> 8) as u8, b: hex as u8, a: 255 }
    }

    /// Reads a name of graphite-web's, `rrggbb` or `rrggbbaa`, with or without `#`; `#rgb` as a courtesy.
    ///
    /// `None` for anything else.
    pub fn parse(text: &str) -> Option<Color> {
        let text = text.trim();
        if let Some((_, hex)) = NAMED.iter().find(|(name, _)| text.eq_ignore_ascii_case(name)) {
            return Some(Color::rgb(*hex));
        }
        let hex = text.strip_prefix('#').unwrap_or(text);
        if !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        let value = u32::from_str_radix(hex, 16).ok()?;
        match hex.len() {
            3 if text.starts_with('#') => {
                let digit = |shift: u32| (value >> shift & 15) * 17;
                Some(Color::rgb(digit(8) << 16 | digit(4) << 8 | digit(0)))
            }
            6 => Some(Color::rgb(value)),
            8 => Some(Color { a: value as u8, ..Color::rgb(value >> 8) }),
            _ => None,
        }
    }

    /// The same colour with its opacity multiplied by `share`, 0 to 1.
    pub fn faded(self, share: f64) -> Color {
        Color { a: (f64::from(self.a) * share.clamp(0.0, 1.0)).round() as u8, ..self }
    }

    /// This colour laid over an opaque one.
    pub fn over(self, ground: Color) -> Color {
        let mix = |top: u8, below: u8| {
            let (top, below, a) = (u32::from(top), u32::from(below), u32::from(self.a));
            ((top * a + below * (255 - a) + 127) / 255) as u8
        };
        Color { r: mix(self.r, ground.r), g: mix(self.g, ground.g), b: mix(self.b, ground.b), a: ground.a }
    }

    /// Perceived lightness, 0 (black) to 1 (white); weights of ITU-R BT.709.
    pub fn lightness(self) -> f64 {
        (0.2126 * f64::from(self.r) + 0.7152 * f64::from(self.g) + 0.0722 * f64::from(self.b)) / 255.0
    }
}

/// Colours for series in the order they come: the list first, then new hues that never repeat.
///
/// The continuation turns the hue by the golden angle, which keeps neighbours far apart however many are asked for,
/// and changes lightness with each round so that hues that come close again still differ.
#[derive(Clone, Debug)]
pub struct Palette {
    listed: Vec<Color>,
    /// A list written in the request is cycled, as the reference does; a template's list is continued.
    cycle: bool,
    on_dark: bool,
}

impl Palette {
    /// A palette that continues `listed` with generated colours fit for a dark or a light ground.
    pub fn continued(listed: &[Color], on_dark: bool) -> Palette {
        Palette { listed: listed.to_vec(), cycle: false, on_dark }
    }

    /// A palette that starts again after the last of `listed`.
    pub fn cycled(listed: &[Color], on_dark: bool) -> Palette {
        Palette { listed: listed.to_vec(), cycle: !listed.is_empty(), on_dark }
    }

    /// The colour of the `index`th series, counted from 0.
    pub fn color(&self, index: usize) -> Color {
        if self.cycle {
            return self.listed[index % self.listed.len()];
        }
        match self.listed.get(index) {
            Some(color) => *color,
            None => self.generated(index - self.listed.len()),
        }
    }

    fn generated(&self, index: usize) -> Color {
        const GOLDEN_ANGLE: f64 = 137.507_764;
        let hue = (20.0 + index as f64 * GOLDEN_ANGLE) % 360.0;
        let round = (index / 9 % 3) as f64;
        let lightness = if self.on_dark { 0.72 - 0.09 * round } else { 0.42 + 0.10 * round };
        let saturation = 0.78 - 0.14 * (index / 5 % 3) as f64;
        from_hsl(hue, saturation, lightness)
    }
}

fn from_hsl(hue: f64, saturation: f64, lightness: f64) -> Color {
    let reach = saturation * lightness.min(1.0 - lightness);
    let channel = |offset: f64| {
        let k = (offset + hue / 30.0) % 12.0;
        let value = lightness - reach * (k - 3.0).min(9.0 - k).clamp(-1.0, 1.0);
        (value * 255.0).round() as u8
    };
    Color { r: channel(0.0), g: channel(8.0), b: channel(4.0), a: 255 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn colours_are_read_as_graphite_writes_them() {
        assert_eq!(Color::parse("blue"), Some(Color::rgb(0x6464ff)));
        assert_eq!(Color::parse("#7EB26D"), Some(Color::rgb(0x7eb26d)));
        assert_eq!(Color::parse("00ff0080"), Some(Color { r: 0, g: 255, b: 0, a: 0x80 }));
        assert_eq!(Color::parse("#fff"), Some(Color::rgb(0xffffff)));
        for wrong in ["", "#", "nocolour", "12345", "+12345", "123456789", "#ggg", "äöüß"] {
            assert_eq!(Color::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn sixty_generated_colours_are_all_different() {
        for dark in [false, true] {
            let palette = Palette::continued(&super::super::template::Template::named("default").colors, dark);
            let seen: HashSet<Color> = (0..60).map(|index| palette.color(index)).collect();
            assert_eq!(seen.len(), 60);
        }
    }

    #[test]
    fn a_list_of_the_request_starts_again() {
        let palette = Palette::cycled(&[Color::rgb(1), Color::rgb(2)], false);
        assert_eq!(palette.color(5), Color::rgb(2));
    }
}
