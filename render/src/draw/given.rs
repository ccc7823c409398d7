//! One graph parameter after the other, as text, number, word or colour.

use super::color::Color;
use super::options::{AxisOptions, MAX_FONT_SIZE, MAX_PIXELS, MAX_SIDE, Options, SideOptions, Top};

/// Longest title, in characters; the rest is cut with an ellipsis.
const MAX_TEXT: usize = 500;
/// Most entries taken from `colorList` and `yDivisors`.
const MAX_LIST: usize = 256;

/// A graph parameter that could not be understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{name}={value:?}: expected {expected}")]
pub struct OptionFault {
    /// The parameter.
    pub name: &'static str,
    /// What the request gave, shortened.
    pub value: String,
    /// What would have been right.
    pub expected: &'static str,
}

/// The parameters of one request, and what had to be bent on the way.
pub(super) struct Given<'f, 'a> {
    pub(super) lookup: &'f dyn Fn(&str) -> Option<&'a str>,
    pub(super) notes: Vec<String>,
}

impl<'a> Given<'_, 'a> {
    pub(super) fn text(&self, name: &str) -> Option<&'a str> {
        (self.lookup)(name).filter(|value| !value.is_empty() && *value != "default")
    }

    pub(super) fn title(&self, name: &str) -> Option<String> {
        self.text(name).map(|text| shorten(text, MAX_TEXT))
    }

    /// `Ok(None)` when unset.
    pub(super) fn number(&self, name: &'static str) -> Result<Option<f64>, OptionFault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        match text.trim().parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(Some(number)),
            _ => Err(fault(name, text, "a number")),
        }
    }

    /// The length of dashes; `true` stands for the usual one.
    pub(super) fn dash(&self, name: &'static str) -> Result<Option<f64>, OptionFault> {
        const USUAL: f64 = 5.0;
        match self.text(name).map(str::to_ascii_lowercase).as_deref() {
            Some("true") => Ok(Some(USUAL)),
            Some("false") => Ok(None),
            _ => Ok(self.number(name)?.filter(|dash| *dash > 0.0)),
        }
    }

    /// Any number but 0 and any word but `false` is true, as in Python.
    pub(super) fn flag(&self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        Some(!text.eq_ignore_ascii_case("false") && text.trim().parse::<f64>() != Ok(0.0))
    }

    pub(super) fn word<T: Copy + Default>(
        &self,
        name: &'static str,
        expected: &'static str,
        words: &[(&str, T)],
    ) -> Result<T, OptionFault> {
        let Some(text) = self.text(name) else { return Ok(T::default()) };
        match words.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
            Some((_, meaning)) => Ok(*meaning),
            None => Err(fault(name, text, expected)),
        }
    }

    pub(super) fn color(&mut self, name: &str) -> Option<Color> {
        let text = self.text(name)?;
        let color = Color::parse(text);
        if color.is_none() {
            self.notes.push(format!("{name}: no colour {:?}", shorten(text, 20)));
        }
        color
    }

    pub(super) fn color_list(&mut self, name: &str) -> Vec<Color> {
        let Some(text) = self.text(name) else { return Vec::new() };
        let mut colors = Vec::new();
        for item in text.split(',').map(str::trim).filter(|item| !item.is_empty()).take(MAX_LIST) {
            match Color::parse(item) {
                Some(color) => colors.push(color),
                None => self.notes.push(format!("{name}: no colour {:?}", shorten(item, 20))),
            }
        }
        self.notes.truncate(3);
        colors
    }

    pub(super) fn divisors(&self, name: &'static str) -> Result<Option<Vec<usize>>, OptionFault> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let read = |item: &str| match item.trim().parse::<usize>() {
            Ok(divisor @ 1..=100) => Ok(divisor),
            _ => Err(fault(name, text, "numbers from 1 to 100, parted by commas")),
        };
        text.split(',').take(MAX_LIST).map(read).collect::<Result<Vec<_>, _>>().map(Some)
    }

    pub(super) fn axis(&self, [min, max, limit, step]: [&'static str; 4]) -> Result<AxisOptions, OptionFault> {
        let max = match self.text(max) {
            Some(word) if word.eq_ignore_ascii_case("max") => Some(Top::Data),
            _ => self.number(max)?.map(Top::At),
        };
        Ok(AxisOptions {
            min: self.number(min)?,
            max,
            limit: self.number(limit)?,
            step: self.number(step)?.filter(|step| *step > 0.0),
        })
    }

    pub(super) fn side(
        &mut self,
        axis: [&'static str; 4],
        width: &'static str,
        color: &'static str,
        dashed: &'static str,
    ) -> Result<SideOptions, OptionFault> {
        Ok(SideOptions {
            axis: self.axis(axis)?,
            width: self.number(width)?.map(|width| line_width(Some(width), width)),
            color: self.color(color),
            dashed: self.dash(dashed)?,
        })
    }

    pub(super) fn log_base(&self) -> Result<Option<f64>, OptionFault> {
        let expected = "a number above 1, or e";
        match self.text("logBase") {
            None => Ok(None),
            Some("e") => Ok(Some(std::f64::consts::E)),
            Some(text) => match self.number("logBase")? {
                Some(base) if base > 1.0 => Ok(Some(base)),
                _ => Err(fault("logBase", text, expected)),
            },
        }
    }

    pub(super) fn sizes(&mut self, options: &mut Options) -> Result<(), OptionFault> {
        options.width = self.capped("width", options.width.into(), 1.0, MAX_SIDE.into())? as u32;
        options.height = self.capped("height", options.height.into(), 1.0, MAX_SIDE.into())? as u32;
        options.font_size = self.capped("fontSize", options.font_size, 1.0, MAX_FONT_SIZE)?;
        options.pixel_ratio = self.capped("pixelRatio", 1.0, 0.5, 4.0)?;
        let area = f64::from(options.width) * f64::from(options.height);
        if area > MAX_PIXELS {
            let shrink = (MAX_PIXELS / area).sqrt();
            options.width = (f64::from(options.width) * shrink).floor().max(1.0) as u32;
            options.height = (f64::from(options.height) * shrink).floor().max(1.0) as u32;
            self.notes.push(format!("reduced to {} x {} pixels", options.width, options.height));
        }
        let area = f64::from(options.width) * f64::from(options.height);
        options.pixel_ratio = options.pixel_ratio.min((MAX_PIXELS / area).sqrt());
        Ok(())
    }

    pub(super) fn capped(
        &mut self,
        name: &'static str,
        default: f64,
        least: f64,
        most: f64,
    ) -> Result<f64, OptionFault> {
        let Some(number) = self.number(name)? else { return Ok(default) };
        if number > most {
            self.notes.push(format!("{name} {number} is more than {most}"));
        }
        Ok(number.clamp(least, most))
    }
}

pub(super) fn line_width(given: Option<f64>, default: f64) -> f64 {
    given.filter(|width| *width > 0.0).unwrap_or(default).clamp(0.1, 50.0)
}

fn fault(name: &'static str, value: &str, expected: &'static str) -> OptionFault {
    OptionFault { name, value: shorten(value, 40), expected }
}

/// The first `most` characters, with an ellipsis if something was cut.
pub(super) fn shorten(text: &str, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
