//! Arguments that are lengths of time, instants, or windows.

use jiff::tz::TimeZone;

use super::{Args, describe};
use crate::query::{Stop, Value};
use crate::target::Number;
use crate::time;

/// Most points of a window; no archive holds as many.
const WIDEST: i64 = 1_000_000_000;

/// A length of a window: a number of points or a length of time.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::functions) enum WindowSize {
    /// As written; what counts is its whole part.
    Points(Number),
    /// As written, and in seconds.
    Time(String, i64),
}

impl Args<'_, '_> {
    /// Seconds of a length of time, with its text; signs are kept.
    pub(in crate::functions) fn interval(&mut self, name: &str) -> Result<(String, i64), Stop> {
        let text = self.text(name)?;
        match time::offset(&text) {
            Ok(secs) => Ok((text, secs)),
            Err(fault) => {
                Err(self.wrong(name, "a length of time such as 5min", &format!("`{text}`: {}", fault.reason)))
            }
        }
    }

    /// As [`Args::interval`], but at least a second long.
    pub(in crate::functions) fn bucket(&mut self, name: &str) -> Result<(String, i64), Stop> {
        let (text, secs) = self.interval(name)?;
        if secs < 1 {
            return Err(self.wrong(name, "a length of at least one second", &format!("`{text}`")));
        }
        Ok((text, secs))
    }

    pub(in crate::functions) fn window(&mut self, name: &str) -> Result<WindowSize, Stop> {
        let size = match self.take(name) {
            Some(Value::Number(number)) => WindowSize::Points(number),
            Some(Value::Text(text)) => match time::offset(&text) {
                Ok(secs) => WindowSize::Time(text, secs.abs()),
                Err(fault) => return Err(self.wrong(name, "a length of time such as 5min", &fault.to_string())),
            },
            found => {
                let expected = "a number of points, or a length of time in quotes";
                return Err(self.wrong(name, expected, &describe(found.as_ref())));
            }
        };
        match &size {
            WindowSize::Points(points) if points.truncated() < 1 => {
                Err(self.wrong(name, "at least 1", &points.to_string()))
            }
            WindowSize::Points(points) if points.truncated() > WIDEST => {
                Err(self.wrong(name, &format!("at most {WIDEST}"), &points.to_string()))
            }
            WindowSize::Time(text, 0) => Err(self.wrong(name, "at least a second", &format!("`{text}`"))),
            _ => Ok(size),
        }
    }

    /// An instant, read in the server's zone and seen from the request's clock.
    pub(in crate::functions) fn date(&mut self, name: &str) -> Result<i64, Stop> {
        self.date_in(name, &self.request().server_tz)
    }

    pub(in crate::functions) fn date_in(&mut self, name: &str, tz: &TimeZone) -> Result<i64, Stop> {
        let text = self.text(name)?;
        match time::parse(&text, self.request().now, tz) {
            Ok(secs) => Ok(secs),
            Err(fault) => Err(self.wrong(name, "a time", &fault.to_string())),
        }
    }

    pub(in crate::functions) fn optional_date(&mut self, name: &str) -> Result<Option<i64>, Stop> {
        if self.peek(name).is_none_or(|value| matches!(value, Value::None)) {
            return Ok(None);
        }
        self.date(name).map(Some)
    }
}
