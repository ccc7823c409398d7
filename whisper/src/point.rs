//! One measurement.

use crate::Timestamp;

/// A value at an instant. Which series it belongs to is said elsewhere.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When it was measured.
    pub time: Timestamp,
    /// What was measured; infinities are values, NaN is refused on every way in.
    pub value: f64,
}
