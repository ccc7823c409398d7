//! Each value and those before it: differences, rates, sums.

use crate::functions::args::{Args, Outcome};
use crate::functions::server_clock::ServerClock;
use crate::target::number::round as round_to;

/// `delay(seriesList, steps)`: values move later, or earlier if negative; gaps move in. Source: graphite-web `delay`,
/// which empties the series for 0 steps where we leave it alone.
pub(super) fn delay(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, steps) = (args.series()?, args.integer("steps")?);
    for series in &mut list {
        let by = usize::try_from(steps.unsigned_abs()).unwrap_or(usize::MAX).min(series.values.len());
        let gaps = if steps < 0 {
            series.values.rotate_left(by);
            let kept = series.values.len() - by;
            &mut series.values[kept..]
        } else {
            series.values.rotate_right(by);
            &mut series.values[..by]
        };
        gaps.fill(f64::NAN);
        series.tag("delay", steps);
        series.renew(format!("delay({},{steps})", series.name));
    }
    Ok(list)
}

/// `derivative(seriesList)`: the first value, and one beside a gap, is a gap. Source: graphite-web `derivative`.
pub(super) fn derivative(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        let mut previous = f64::NAN;
        for value in &mut series.values {
            let difference = *value - previous;
            previous = std::mem::replace(value, difference);
        }
        series.tag("derivative", 1);
        series.renew(format!("derivative({})", series.name));
    }
    Ok(list)
}

/// A counter's growth from one value to the next.
pub(super) struct Counter {
    max: Option<f64>,
    min: Option<f64>,
    previous: f64,
}

impl Counter {
    /// Growth up to `value`; a gap for the first value, for one out of bounds, and for a drop that bounds don't explain.
    /// Source: graphite-web `_nonNegativeDelta`, master.
    fn growth(&mut self, value: f64) -> f64 {
        if value.is_nan() || self.max.is_some_and(|max| value > max) || self.min.is_some_and(|min| value < min) {
            self.previous = f64::NAN;
            return f64::NAN;
        }
        let previous = std::mem::replace(&mut self.previous, value);
        match (self.max, self.min) {
            _ if previous.is_nan() => f64::NAN,
            _ if value >= previous => value - previous,
            (Some(max), min) => max + 1.0 + value - previous - min.unwrap_or(0.0),
            (None, Some(min)) => value - min,
            (None, None) => f64::NAN,
        }
    }
}

pub(super) fn growth(args: &mut Args<'_, '_>, function: &str, change: impl Fn(f64, i64) -> f64) -> Outcome {
    let (mut list, max, min) = (args.series()?, args.optional_float("maxValue")?, args.optional_float("minValue")?);
    for series in &mut list {
        let mut counter = Counter { max, min, previous: f64::NAN };
        for value in &mut series.values {
            *value = change(counter.growth(*value), series.step);
        }
        series.integers = false;
        series.tag(function, 1);
        series.renew(format!("{function}({})", series.name));
    }
    Ok(list)
}

/// `nonNegativeDerivative(seriesList, maxValue, minValue)`. Source: graphite-web `nonNegativeDerivative`.
pub(super) fn non_negative_derivative(args: &mut Args<'_, '_>) -> Outcome {
    growth(args, "nonNegativeDerivative", |growth, _| growth)
}

/// `perSecond(seriesList, maxValue, minValue)`: rounded to six decimals. Source: graphite-web `perSecond`.
pub(super) fn per_second(args: &mut Args<'_, '_>) -> Outcome {
    growth(args, "perSecond", |growth, step| round_to(growth / step as f64, 6))
}

/// `integral(seriesList)`: gaps stay and add nothing. Source: graphite-web `integral`.
pub(super) fn integral(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        let mut sum = 0.0;
        for value in series.values.iter_mut().filter(|v| !v.is_nan()) {
            sum += *value;
            *value = sum;
        }
        series.integers = false;
        series.tag("integral", 1);
        series.renew(format!("integral({})", series.name));
    }
    Ok(list)
}

/// `integralByInterval(seriesList, intervalUnit)`: a gap repeats the sum. Name: `integralByInterval(<name>,'1d')`.
/// Source: graphite-web `integralByInterval`.
pub(super) fn integral_by_interval(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    let (text, secs) = args.interval("intervalUnit")?;
    let interval = secs.abs();
    if interval == 0 {
        return Err(args.wrong("intervalUnit", "at least a second", &format!("`{text}`")));
    }
    let from = ServerClock::at(args.request().from, args.request()).read(args.context.from);
    for series in &mut list {
        let (mut sum, mut since) = (0.0, series.start - from);
        for value in &mut series.values {
            if since.div_euclid(interval) != (since - series.step).div_euclid(interval) {
                sum = 0.0;
            }
            if !value.is_nan() {
                sum += *value;
            }
            *value = sum;
            since += series.step;
        }
        series.integers = false;
        series.tag("integralByInterval", &text);
        series.renew(format!("integralByInterval({},'{text}')", series.name));
    }
    Ok(list)
}
