//! Quantiles of any number of values in bounded memory: values are counted in buckets that grow by two per cent each, so
//! that a quantile is right to one per cent.

use std::collections::BTreeMap;

/// Each bucket ends so much above the one before.
const GROWTH: f64 = 1.02;
/// What is smaller counts as 0.
const LEAST: f64 = 1e-9;
/// What is larger counts as this.
const MOST: f64 = 1e15;

/// The values of one field in one interval.
#[derive(Debug, Default)]
pub(super) struct Sketch {
    /// Counts by bucket; `i16::MIN` is that of 0 and below.
    buckets: BTreeMap<i16, u64>,
    pub(super) count: u64,
    pub(super) sum: f64,
    pub(super) least: f64,
    pub(super) most: f64,
}

impl Sketch {
    /// Counts a value; what is no number is none.
    pub(super) fn add(&mut self, value: f64) {
        if !value.is_finite() {
            return;
        }
        let first = self.count == 0;
        self.least = if first { value } else { self.least.min(value) };
        self.most = if first { value } else { self.most.max(value) };
        self.count += 1;
        self.sum += value;
        let bucket = if value < LEAST { i16::MIN } else { (value.min(MOST).ln() / GROWTH.ln()).ceil() as i16 };
        *self.buckets.entry(bucket).or_default() += 1;
    }

    /// The value that a share of `quantile` of all values do not exceed; `None` without values.
    pub(super) fn quantile(&self, quantile: f64) -> Option<f64> {
        let rank = (quantile * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        let bucket = self.buckets.iter().find_map(|(bucket, count)| {
            seen += count;
            (seen >= rank).then_some(*bucket)
        })?;
        let middle = match bucket {
            i16::MIN => self.least.min(0.0),
            bucket => GROWTH.powi(bucket.into()) * 2.0 / (1.0 + GROWTH),
        };
        Some(middle.clamp(self.least, self.most))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_to_a_hundredth() {
        let mut sketch = Sketch::default();
        (1..=10_000).for_each(|value| sketch.add(f64::from(value) / 1000.0));
        for quantile in [0.01, 0.5, 0.95, 0.99, 1.0] {
            let found = sketch.quantile(quantile).unwrap();
            assert!((found / (10.0 * quantile) - 1.0).abs() < 0.011, "{quantile}: {found}");
        }
    }

    #[test]
    fn strange_values_are_counted_in_bounds() {
        let mut sketch = Sketch::default();
        assert_eq!(sketch.quantile(0.5), None);
        for value in [0.0, -5.0, 1e300, f64::NAN, f64::INFINITY, 1e-300] {
            sketch.add(value);
        }
        assert_eq!(sketch.count, 4);
        assert_eq!(sketch.quantile(0.5), Some(-5.0));
        assert!(sketch.quantile(1.0).unwrap() <= 1e300);
    }
}
