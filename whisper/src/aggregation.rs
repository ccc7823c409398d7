//! How several points of a fine archive become one of a coarser archive.

use std::fmt;
use std::str::FromStr;

/// What is kept of the points that a coarser slot covers. The number each method has in a file is its [`code`].
///
/// [`code`]: AggregationMethod::code
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub enum AggregationMethod {
    /// Mean of the known values. What a file gets unless told otherwise.
    #[default]
    Average,
    /// Their sum.
    Sum,
    /// The newest of them.
    Last,
    /// The largest.
    Max,
    /// The smallest.
    Min,
    /// Sum of the known values divided by the count of all slots, known or not.
    AvgZero,
    /// The one farthest from zero, with its sign.
    AbsMax,
    /// The one nearest to zero, with its sign.
    AbsMin,
}

/// A name that stands for no aggregation method.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{name}` is no aggregation method; choose one of average, sum, last, max, min, avg_zero, absmax, absmin")]
pub struct UnknownAggregation {
    /// What was given.
    pub name: String,
}

impl AggregationMethod {
    /// All methods, in the order of their codes 1 to 8.
    pub const ALL: [AggregationMethod; 8] = [
        AggregationMethod::Average,
        AggregationMethod::Sum,
        AggregationMethod::Last,
        AggregationMethod::Max,
        AggregationMethod::Min,
        AggregationMethod::AvgZero,
        AggregationMethod::AbsMax,
        AggregationMethod::AbsMin,
    ];

    /// The number that stands for the method in a file's first four bytes, 1 to 8.
    pub const fn code(self) -> u32 {
        self as u32 + 1
    }

    /// The method a file's code stands for; `None` for any other number.
    pub fn from_code(code: u32) -> Option<AggregationMethod> {
        AggregationMethod::ALL.get(code.checked_sub(1)? as usize).copied()
    }

    /// The name that Graphite's files and tools use.
    pub const fn name(self) -> &'static str {
        match self {
            AggregationMethod::Average => "average",
            AggregationMethod::Sum => "sum",
            AggregationMethod::Last => "last",
            AggregationMethod::Max => "max",
            AggregationMethod::Min => "min",
            AggregationMethod::AvgZero => "avg_zero",
            AggregationMethod::AbsMax => "absmax",
            AggregationMethod::AbsMin => "absmin",
        }
    }

    /// One value from `known` values in time order, found in `slots` slots; `None` when nothing is known.
    ///
    /// ```
    /// use whisper::AggregationMethod;
    ///
    /// assert_eq!(AggregationMethod::AvgZero.aggregate(&[4.0, 2.0], 4), Some(1.5));
    /// assert_eq!(AggregationMethod::AbsMax.aggregate(&[-3.0, 2.0], 2), Some(-3.0));
    /// assert_eq!(AggregationMethod::Sum.aggregate(&[], 2), None);
    /// ```
    pub fn aggregate(self, known: &[f64], slots: usize) -> Option<f64> {
        let mut all = Accumulator::new(self);
        for value in known {
            all.push(*value);
        }
        all.finish(slots as u64)
    }
}

/// Takes known values in time order and keeps only what the method needs of them.
///
/// Sums run left to right from +0.0 without compensation, as CPython up to 3.11 and Go do; comparisons keep the first
/// of equals, so a NaN in first place stays and a later one never wins (Python's `max` and `min`).
#[derive(Clone, Copy, Debug)]
pub(crate) struct Accumulator {
    method: AggregationMethod,
    known: u64,
    value: f64,
}

impl Accumulator {
    pub(crate) fn new(method: AggregationMethod) -> Accumulator {
        Accumulator { method, known: 0, value: 0.0 }
    }

    /// Goes on from where another one that took `known` values had come to.
    #[cfg(feature = "file")]
    pub(crate) fn resume(method: AggregationMethod, known: u64, value: f64) -> Accumulator {
        Accumulator { method, known, value }
    }

    #[inline]
    pub(crate) fn push(&mut self, value: f64) {
        let first = self.known == 0;
        self.known += 1;
        let replaces = match self.method {
            AggregationMethod::Average | AggregationMethod::Sum => {
                self.value += value;
                return;
            }
            AggregationMethod::AvgZero => {
                self.value += value;
                return;
            }
            AggregationMethod::Last => true,
            AggregationMethod::Max => value > self.value,
            AggregationMethod::Min => value < self.value,
            AggregationMethod::AbsMax => value.abs() > self.value.abs(),
            AggregationMethod::AbsMin => value.abs() < self.value.abs(),
        };
        if first || replaces {
            self.value = value;
        }
    }

    /// How many values were taken.
    #[cfg(feature = "file")]
    pub(crate) fn known(&self) -> u64 {
        self.known
    }

    /// What it has come to; no aggregate yet.
    #[cfg(feature = "file")]
    pub(crate) fn value(&self) -> f64 {
        self.value
    }

    /// The aggregate over `slots` slots; `None` when no value was taken.
    pub(crate) fn finish(&self, slots: u64) -> Option<f64> {
        match self.method {
            _ if self.known == 0 => None,
            AggregationMethod::Average => Some(self.value / self.known as f64),
            AggregationMethod::AvgZero => Some(self.value / slots as f64),
            _ => Some(self.value),
        }
    }
}

impl FromStr for AggregationMethod {
    type Err = UnknownAggregation;

    fn from_str(name: &str) -> Result<AggregationMethod, UnknownAggregation> {
        let known = AggregationMethod::ALL.into_iter().find(|method| method.name() == name);
        known.ok_or_else(|| UnknownAggregation { name: name.to_owned() })
    }
}

impl fmt::Display for AggregationMethod {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_and_names_lead_back_to_their_method() {
        for method in AggregationMethod::ALL {
            assert_eq!(AggregationMethod::from_code(method.code()), Some(method));
            assert_eq!(method.name().parse(), Ok(method));
        }
        assert_eq!(AggregationMethod::from_code(0), None);
        assert_eq!(AggregationMethod::from_code(9), None);
        assert!("p95".parse::<AggregationMethod>().is_err());
    }

    #[test]
    fn the_first_of_equals_wins() {
        let of = |method: AggregationMethod, known: &[f64]| method.aggregate(known, known.len()).unwrap();
        assert_eq!(of(AggregationMethod::AbsMax, &[-2.0, 2.0]), -2.0);
        assert_eq!(of(AggregationMethod::AbsMin, &[2.0, -2.0]), 2.0);
        assert!(of(AggregationMethod::Max, &[-0.0, 0.0]).is_sign_negative());
    }

    #[test]
    fn a_nan_stays_only_in_first_place() {
        for method in
            [AggregationMethod::Max, AggregationMethod::Min, AggregationMethod::AbsMax, AggregationMethod::AbsMin]
        {
            assert!(method.aggregate(&[f64::NAN, 1.0], 2).unwrap().is_nan(), "{method}");
            assert_eq!(method.aggregate(&[1.0, f64::NAN], 2), Some(1.0), "{method}");
        }
    }

    #[test]
    fn a_sum_of_negative_zero_is_positive_zero() {
        assert!(AggregationMethod::Sum.aggregate(&[-0.0], 1).unwrap().is_sign_positive());
    }
}
