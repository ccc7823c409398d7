//! The shape everything above storage speaks: evenly spaced values of one metric.

use std::sync::Arc;

use carbon_line::MetricName;
use whisper::{CreateOptions, Interval, Timestamp};

/// Values of one metric at `start`, `start + step`, and so on.
///
/// A gap is NaN: eight bytes a value instead of sixteen, and no branch to carry it through arithmetic. A NaN that
/// somebody once stored is therefore read as a gap (COMPATIBILITY.md).
#[derive(Clone, Debug)]
pub struct Series {
    /// Whose values these are.
    pub name: MetricName,
    /// Time of the first value; a multiple of `step`.
    pub start: Timestamp,
    /// Distance between neighbouring values.
    pub step: Interval,
    /// The values in time order, NaN where nothing is known.
    pub values: Vec<f64>,
    /// How its store keeps it, if the store can tell: what is to be known for making coarse values of fine ones.
    pub layout: Option<Arc<CreateOptions>>,
}

impl Series {
    /// Time just after the last value, as Graphite's `end`: `start + step * values.len()`.
    pub fn end(&self) -> Timestamp {
        Timestamp::saturating_from(self.start.as_i64() + self.step.as_i64() * self.values.len() as i64)
    }
}
