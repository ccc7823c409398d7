//! Which values an axis has to show.

use crate::draw::options::{AxisOptions, Top};

/// Least and greatest value to be shown.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(in crate::draw) struct Extent {
    pub(in crate::draw) least: f64,
    pub(in crate::draw) greatest: f64,
}

/// Beyond this a difference of two values could overflow.
pub(in crate::draw) const LARGEST: f64 = 1e300;

impl Extent {
    /// Covers all finite values; `None` without any.
    pub(in crate::draw) fn of(values: &[f64]) -> Option<Extent> {
        let mut extent = Extent { least: f64::INFINITY, greatest: f64::NEG_INFINITY };
        for &value in values {
            if value.is_finite() {
                // Not `min`, whose care for NaN costs a branch more.
                extent.least = if value < extent.least { value } else { extent.least };
                extent.greatest = if value > extent.greatest { value } else { extent.greatest };
            }
        }
        let within = |value: f64| value.clamp(-LARGEST, LARGEST);
        let known = extent.least <= extent.greatest;
        known.then(|| Extent { least: within(extent.least), greatest: within(extent.greatest) })
    }

    /// Covers both.
    pub(in crate::draw) fn and(self, other: Extent) -> Extent {
        Extent { least: self.least.min(other.least), greatest: self.greatest.max(other.greatest) }
    }
}

/// What has to be shown: the data, cut and stretched by what the request says, never empty.
pub(super) fn given_extent(data: Extent, bounds: &AxisOptions) -> (f64, f64) {
    let mut greatest = match bounds.max {
        Some(Top::At(max)) => max.clamp(-LARGEST, LARGEST),
        _ => data.greatest,
    };
    if let Some(limit) = bounds.limit {
        greatest = greatest.min(limit);
    }
    let least = bounds.min.unwrap_or(data.least).clamp(-LARGEST, LARGEST);
    let size = least.abs().max(greatest.abs());
    // A constant, or a wobble that only rounding knows of, gets room around it.
    if greatest - least > size * 1e-12 && greatest - least > 1e-290 {
        return (least, greatest);
    }
    match (bounds.min.is_some(), bounds.max.is_some()) {
        (true, _) => (least, least + least.abs().max(1.0) * 0.1),
        (false, true) => (greatest - greatest.abs().max(1.0) * 0.1, greatest),
        (false, false) if size < 1e-290 => (0.0, 1.0),
        (false, false) => (least - size * 0.05, greatest + size * 0.05),
    }
}
