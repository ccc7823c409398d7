//! Pictures of series: PNG and SVG from one layout, with text from a font inside the binary.
//!
//! Called by the HTTP side with evaluated series; fetches nothing, knows no clock, reads no file. The same input gives
//! the same bytes.

pub mod color;
pub mod options;
pub mod template;

mod chart;
mod curve;
mod font;
mod given;
mod layout;
mod legend;
mod parameters;
mod pie;
mod plot;
mod raster;
mod surface;
mod svg;
mod time_axis;
mod units;
mod value_axis;

pub use color::Color;
pub use given::OptionFault;
pub use options::Options;

use std::convert::Infallible;

use plotters::drawing::DrawingAreaErrorKind;

use self::layout::Look;
use self::options::GraphType;
use self::raster::Raster;
use self::surface::{Area, Surface};
use self::svg::Svg;
use crate::series::Series;

/// What kind of file a picture becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Pixels, `image/png`.
    Png,
    /// Shapes and text, `image/svg+xml`.
    Svg,
}

impl Format {
    /// Media type for the answer's header.
    pub fn content_type(self) -> &'static str {
        match self {
            Format::Png => "image/png",
            Format::Svg => "image/svg+xml",
        }
    }
}

/// The window that was asked for, seconds since the epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// Its beginning.
    pub from: i64,
    /// Its end.
    pub until: i64,
}

/// Why there is no picture.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DrawError {
    /// The PNG encoder refused; nothing a request can cause is known to lead here.
    #[error("cannot encode the picture as PNG")]
    Encode(#[from] png::EncodingError),
    /// The chart model refused; nothing a request can cause is known to lead here.
    #[error("cannot lay the chart out")]
    Model(#[from] DrawingAreaErrorKind<Infallible>),
}

/// Draws `series` as `options` ask, over the axis of `window` in zone `tz`.
///
/// Without a single value the picture says "No Data" under its title.
///
/// # Errors
/// Only when encoding fails.
pub fn draw(
    series: &[Series],
    options: &Options,
    window: TimeRange,
    tz: &jiff::tz::TimeZone,
    format: Format,
) -> Result<Vec<u8>, DrawError> {
    let shown = &series[..series.len().min(chart::MOST_SERIES)];
    let mut notes = options.notes.clone();
    if shown.len() < series.len() {
        notes.push(format!("{} of {} series drawn", shown.len(), series.len()));
    }
    let known = shown.iter().any(|one| one.values.iter().any(|value| value.is_finite()));
    paint(options, format, |surface, look| {
        if options.graph_only && known && options.graph_type == GraphType::Line {
            let (right, bottom) = (options.width as f32, options.height as f32);
            return chart::draw(surface, shown, options, window, tz, look, Area { left: 0.0, top: 0.0, right, bottom });
        }
        // Below this there is room for either a title or a chart.
        let is_low = known && f64::from(options.height) < f64::from(look.em) * 6.0;
        let title = options.title.as_deref().filter(|_| !is_low);
        let free = frame(surface, title, options, &notes, &look);
        match options.graph_type {
            GraphType::Line if known => return chart::draw(surface, shown, options, window, tz, look, free),
            GraphType::Pie if known && pie::draw(surface, shown, options, &look, free) => {}
            _ => layout::message(surface, "No Data", &look, free),
        }
        Ok(())
    })
}

/// Draws `text` in an empty frame under `title`: for errors, in place of a chart.
///
/// # Errors
/// Only when encoding fails.
pub fn message(text: &str, title: Option<&str>, options: &Options, format: Format) -> Result<Vec<u8>, DrawError> {
    let text = given::shorten(text, 2000);
    paint(options, format, |surface, look| {
        let free = frame(surface, title, options, &options.notes, &look);
        layout::message(surface, &text, &look, free);
        Ok(())
    })
}

/// Title and notes; what they leave free.
fn frame(surface: &mut dyn Surface, title: Option<&str>, options: &Options, notes: &[String], look: &Look) -> Area {
    let mut free = layout::inside(options);
    layout::title(surface, title, look, &mut free);
    layout::notes(surface, notes, look, &mut free);
    free.bottom = free.bottom.max(free.top + 1.0);
    free
}

fn paint(
    options: &Options,
    format: Format,
    draw: impl FnOnce(&mut dyn Surface, Look) -> Result<(), DrawError>,
) -> Result<Vec<u8>, DrawError> {
    let look = Look::new(options);
    match format {
        Format::Png => {
            let (width, height, ratio) = (options.width, options.height, options.pixel_ratio);
            let mut raster = Raster::new(width, height, ratio, look.background, options.font_italic);
            draw(&mut raster, look)?;
            raster.encode()
        }
        Format::Svg => {
            let name = options.font_name.as_deref();
            let mut svg = Svg::new(options.width, options.height, look.background, name, options.font_italic);
            draw(&mut svg, look)?;
            Ok(svg.finish())
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod goldens;
