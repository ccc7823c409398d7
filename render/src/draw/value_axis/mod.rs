//! The axis of values: where it begins and ends, and what stands beside it.
//!
//! Steps have the mantissas 1, 2 and 5 (binary: powers of two), divisions number 4, 5 or 6 and the pair that wastes least
//! room wins, as in graphite-web 1.1.10. Unlike there an axis may end half a step early rather than leave a division
//! nearly empty, and low pictures get fewer divisions.

mod extent;
mod steps;

pub(super) use self::extent::{Extent, LARGEST};

use std::ops::Range;

use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};

use self::extent::given_extent;
use self::steps::{default_divisors, nice_step, rounded_out};
use super::options::{AxisOptions, Options, UnitSystem};
use super::units;

/// A linear or logarithmic axis with its labels.
#[derive(Clone, Debug)]
pub(super) struct ValueAxis {
    bottom: f64,
    top: f64,
    log_base: Option<f64>,
    /// Labelled values and their labels, upwards.
    pub(super) ticks: Vec<(f64, String)>,
    /// Values with a faint line and no label.
    minor: Vec<f64>,
}

impl ValueAxis {
    /// An axis for `data` that is `height` logical pixels long, with labels of `em` pixels.
    pub(super) fn new(data: Extent, bounds: &AxisOptions, options: &Options, height: f64, em: f64) -> ValueAxis {
        let airy = (height / (em * 2.4)) as usize;
        // Where few labels fit, they may stand closer.
        let most = if airy < 3 { ((height / (em * 1.6)) as usize).min(3) } else { airy }.clamp(1, 60);
        if let Some(base) = options.log_base {
            return ValueAxis::logarithmic(data, bounds, base, options.units, most);
        }
        let (least, greatest) = given_extent(data, bounds);
        let divisors = match &options.y_divisors {
            Some(divisors) => divisors.clone(),
            None => default_divisors(most),
        };
        let mut step = match bounds.step {
            Some(step) => step,
            None => nice_step(least, greatest, &divisors, options.units),
        };
        // A step given by hand must not fill the axis with thousands of labels.
        while (greatest - least) / step > most.max(12) as f64 * 2.0 {
            step *= 2.0;
        }
        let bottom =
            bounds.min.map_or_else(|| rounded_out(least, step, f64::floor), |min| min.clamp(-LARGEST, LARGEST));
        let top = match bounds.max {
            Some(_) => greatest,
            None => rounded_out(greatest, step, f64::ceil),
        };
        let top = if top > bottom { top } else { bottom + step };
        let mut axis = ValueAxis::linear(bottom, top, step, options);
        if most < 3 {
            // Labels above one another need room; in a very low picture the ends say most.
            let every = axis.ticks.len().div_ceil(most + 1).max(1);
            axis.ticks = axis.ticks.into_iter().step_by(every).collect();
            if height < em * 1.3 {
                axis.ticks.truncate(1);
            }
        }
        axis
    }

    fn linear(bottom: f64, top: f64, step: f64, options: &Options) -> ValueAxis {
        let slack = 1e-9;
        let first = (bottom / step - slack).ceil();
        let count = ((top / step + slack).floor() - first).clamp(0.0, 200.0) as usize;
        let values: Vec<f64> = (0..=count).map(|index| (first + index as f64) * step).collect();
        let labels = units::labels(&values, options.units);
        let parts = options.minor_y + 1;
        let minor = (0..(count + 2) * parts)
            .filter(|index| index % parts != 0)
            .map(|index| (first - 1.0 + index as f64 / parts as f64) * step)
            .filter(|value| *value > bottom + step * slack && *value < top - step * slack)
            .collect();
        ValueAxis { bottom, top, log_base: None, ticks: values.into_iter().zip(labels).collect(), minor }
    }

    /// Labels at powers of the base, faint lines at their multiples; values that are not positive have no place on it.
    fn logarithmic(data: Extent, bounds: &AxisOptions, base: f64, units: UnitSystem, most: usize) -> ValueAxis {
        let positive = |value: f64| if value > 1e-300 { value } else { 1e-300 };
        let (least, greatest) = given_extent(data, bounds);
        let greatest = if greatest > 0.0 { greatest } else { 1.0 };
        let least = positive(if least > 0.0 { least } else { greatest / base.powi(3) });
        let low = (least.log(base) + 1e-9).floor().clamp(-1000.0, 1000.0);
        let high = (greatest.log(base) - 1e-9).ceil().clamp(low + 1.0, low + 2000.0);
        let power = |exponent: f64| base.powf(exponent).clamp(1e-300, LARGEST);
        let bottom = bounds.min.filter(|min| *min > 0.0).unwrap_or(power(low));
        let top = if bounds.max.is_some() && greatest > bottom { greatest } else { power(high).max(bottom * base) };
        let every = ((high - low) / most as f64).ceil().max(1.0);
        let (mut ticks, mut minor, mut exponent) = (Vec::new(), Vec::new(), low);
        let inside = |value: f64| value >= bottom * 0.999_999 && value <= top * 1.000_001;
        while exponent <= high {
            if inside(power(exponent)) {
                ticks.push((power(exponent), units::single(power(exponent), units)));
            }
            if every == 1.0 && base.fract() == 0.0 && base <= 20.0 {
                let multiples = (2..base as u32).map(|factor| power(exponent) * f64::from(factor));
                minor.extend(multiples.filter(|value| *value > bottom && *value < top));
            }
            exponent += every;
        }
        ValueAxis { bottom, top, log_base: Some(base), ticks, minor }
    }

    /// Where fills begin: zero, or the end of the axis that is nearer to it.
    pub(super) fn ground(&self) -> f64 {
        if self.log_base.is_some() { self.bottom } else { 0.0_f64.clamp(self.bottom, self.top) }
    }

    /// Value at the foot.
    pub(super) fn lowest(&self) -> f64 {
        self.bottom
    }

    /// Value at the top.
    pub(super) fn highest(&self) -> f64 {
        self.top
    }

    /// Values that a curve may have; a logarithmic axis has no place for zero and below.
    pub(super) fn shows(&self, value: f64) -> bool {
        value.is_finite() && (self.log_base.is_none() || value > 0.0)
    }

    /// Share of the axis below `value`: 0 at the bottom, 1 at the top, clamped far outside.
    pub(super) fn share(&self, value: f64) -> f64 {
        let share = match self.log_base {
            None => (value - self.bottom) / (self.top - self.bottom),
            Some(_) => (value / self.bottom).ln() / (self.top / self.bottom).ln(),
        };
        // Twenty heights away nobody sees the slope, and sums of coordinates stay exact.
        if share.is_nan() { 0.0 } else { share.clamp(-20.0, 21.0) }
    }
}

impl Ranged for ValueAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, value: &f64, (from, to): (i32, i32)) -> i32 {
        from + nearest(self.share(*value) * f64::from(to - from))
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let labelled = self.ticks.iter().map(|(value, _)| *value);
        if hint.weight().allow_light_points() { self.minor.clone() } else { labelled.collect() }
    }

    fn range(&self) -> Range<f64> {
        self.bottom..self.top
    }
}

/// As `round`, which is a call on processors of the oldest kind, and this is asked for each point.
pub(super) fn nearest(value: f64) -> i32 {
    (value + 0.5_f64.copysign(value)) as i32
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draw::options::Top;

    fn axis(least: f64, greatest: f64, change: impl FnOnce(&mut Options)) -> ValueAxis {
        let mut options = Options::default();
        change(&mut options);
        let bounds = options.y;
        ValueAxis::new(Extent { least, greatest }, &bounds, &options, 318.0, 11.0)
    }

    #[track_caller]
    fn check(axis: &ValueAxis, expected: &[&str]) {
        let labels: Vec<&str> = axis.ticks.iter().map(|(_, label)| label.as_str()).collect();
        assert_eq!(labels, expected);
    }

    #[test]
    fn steps_are_those_of_the_reference() {
        check(&axis(19.4, 31.5, |_| ()), &["15", "20", "25", "30", "35"]);
        check(&axis(14.0, 22.4, |_| ()), &["14", "16", "18", "20", "22", "24"]);
        check(&axis(0.0, 2.49, |_| ()), &["0", "0.5", "1.0", "1.5", "2.0", "2.5"]);
        check(&axis(0.0, 1990.0, |_| ()), &["0", "0.5 k", "1.0 k", "1.5 k", "2.0 k"]);
    }

    #[test]
    fn bytes_get_powers_of_two() {
        let gib = 1_073_741_824.0;
        let axis = axis(0.0, 3.9 * gib, |options| options.units = UnitSystem::Binary);
        check(&axis, &["0", "1.0 Gi", "2.0 Gi", "3.0 Gi", "4.0 Gi"]);
    }

    #[test]
    fn a_nearly_empty_division_is_halved() {
        let axis = axis(-0.9, 74.4, |_| ());
        assert_eq!(axis.range(), -10.0..80.0);
        check(&axis, &["0", "20", "40", "60", "80"]);
    }

    #[test]
    fn a_very_low_picture_still_shows_data_on_both_sides_of_zero() {
        let options = Options::default();
        for height in [1.0, 20.0, 40.0, 60.0] {
            let data = Extent { least: -717.0, greatest: 239.0 };
            let axis = ValueAxis::new(data, &options.y, &options, height, 40.0);
            assert!(axis.bottom <= -717.0 && axis.bottom >= -2000.0, "{axis:?}");
            assert!(axis.top >= 239.0 && axis.top <= 2000.0, "{axis:?}");
            assert!((1..=2).contains(&axis.ticks.len()), "{axis:?}");
        }
    }

    #[test]
    fn limits_of_the_request_are_kept() {
        let bounded = axis(3.0, 90.0, |options| {
            options.y = AxisOptions { min: Some(0.0), max: Some(Top::At(50.0)), limit: None, step: Some(25.0) };
        });
        assert_eq!(bounded.range(), 0.0..50.0);
        check(&bounded, &["0", "25", "50"]);
        assert_eq!(axis(0.0, 100.0, |options| options.y.limit = Some(10.0)).range().end, 10.0);
    }

    #[test]
    fn decades_are_labelled_and_their_multiples_lined() {
        let axis = axis(1.0, 1000.0, |options| options.log_base = Some(10.0));
        check(&axis, &["1", "10", "100", "1.0 k"]);
        assert_eq!(axis.minor.len(), 24);
        assert!(!axis.shows(0.0));
    }

    #[test]
    fn any_extent_gives_an_axis_with_a_span_and_few_labels() {
        let extremes = [-1e300, -1e18, -1.0, -1e-300, 0.0, 5e-324, 1e-300, 1e-9, 1.0, 1.0 + f64::EPSILON, 1e18, 1e300];
        for least in extremes {
            for greatest in extremes.into_iter().filter(|greatest| *greatest >= least) {
                for log_base in [None, Some(10.0), Some(1.000_001), Some(1e9)] {
                    let axis = axis(least, greatest, |options| options.log_base = log_base);
                    assert!(axis.top > axis.bottom, "{least} {greatest} {log_base:?}: {axis:?}");
                    assert!(axis.ticks.len() < 70, "{least} {greatest} {log_base:?}");
                    assert!(axis.share(greatest).is_finite());
                }
            }
        }
    }
}
