//! Windows of a fixed number of points that move along values, reduced one after another.
//!
//! Sums add each window anew, vector by vector; extremes and medians carry over what neighbouring windows share.

use std::collections::VecDeque;

use super::reduce::Reducer;
use crate::query::{Pulse, Stop};

/// Values that are looked at between two looks whether anybody still waits: some milliseconds.
const BETWEEN_PULSES: usize = 1 << 20;

/// The reduced windows that end at each point after the first `before`.
pub(super) fn slide(
    values: &[f64],
    points: usize,
    before: usize,
    reducer: Reducer,
    xff: f64,
    pulse: Pulse<'_>,
) -> Result<Vec<f64>, Stop> {
    // Shorter than a step: no window has a value.
    if points == 0 {
        return Ok(vec![f64::NAN; values.len().saturating_sub(before)]);
    }
    let enough = |known: usize| known > 0 && known as f64 / points as f64 >= xff;
    match reducer {
        Reducer::Average | Reducer::Sum => return slide_sums(values, points, before, reducer, enough, pulse),
        Reducer::Min => return slide_extremes(values, points, before, enough, |value, other| value <= other, pulse),
        Reducer::Max => return slide_extremes(values, points, before, enough, |value, other| value >= other, pulse),
        Reducer::Median => return slide_medians(values, points, before, enough, pulse),
        _ => {}
    }
    let (mut buffer, mut seen) = (Vec::new(), 0);
    let reduce = |end: usize| {
        let window = &values[end.saturating_sub(points)..end];
        seen += window.len();
        if seen >= BETWEEN_PULSES {
            seen = 0;
            pulse.check()?;
        }
        let known = window.iter().filter(|v| !v.is_nan()).count();
        Ok(match enough(known) {
            true => over_known(window, reducer, known, &mut buffer),
            false => f64::NAN,
        })
    };
    (before + 1..values.len() + 1).map(reduce).collect()
}

/// Sums and averages of windows, all windows at once: first every window's first value, then every window's second.
///
/// Each sum adds from left to right as graphite-web does, so that a rounded average falls on the same side of a tie; a
/// sum that runs along would not. The inner loop is what the compiler makes vector code of.
fn slide_sums(
    values: &[f64],
    points: usize,
    before: usize,
    reducer: Reducer,
    enough: impl Fn(usize) -> bool,
    pulse: Pulse<'_>,
) -> Result<Vec<f64>, Stop> {
    let Some(count) = values.len().checked_sub(before).filter(|count| *count > 0) else { return Ok(Vec::new()) };
    let first = before + 1 - points;
    let read = &values[first..];
    let mut sums = vec![0.0; count];
    let mut known_before = Vec::with_capacity(read.len() + 1);
    known_before.push(0_usize);
    known_before.extend(read.iter().scan(0, |known, value| {
        *known += usize::from(!value.is_nan());
        Some(*known)
    }));
    let filled: Vec<f64> = read.iter().map(|v| if v.is_nan() { 0.0 } else { *v }).collect();
    for offset in 0..points {
        if offset % (BETWEEN_PULSES / count).max(1) == 0 {
            pulse.check()?;
        }
        for (sum, value) in sums.iter_mut().zip(&filled[offset..]) {
            *sum += value;
        }
    }
    for (index, sum) in sums.iter_mut().enumerate() {
        let known = known_before[index + points] - known_before[index];
        *sum = match reducer {
            _ if !enough(known) => f64::NAN,
            Reducer::Average => *sum / known as f64,
            _ => *sum,
        };
    }
    Ok(sums)
}

/// Reduces the known values of a window; `multiply` and `avg_zero` see no gaps here.
fn over_known(window: &[f64], reducer: Reducer, known: usize, buffer: &mut Vec<f64>) -> f64 {
    match reducer {
        Reducer::AverageZero => Reducer::Average.apply(window),
        Reducer::Multiply if known < window.len() => {
            window.iter().copied().filter(|v| !v.is_nan()).reduce(|product, v| product * v).unwrap_or(f64::NAN)
        }
        _ => reducer.apply_with(window, buffer),
    }
}

/// Extremes of windows, each value looked at twice: a value that a later one `beats` or equals never counts again, so
/// what is left in a window is in order, and its first is the extreme.
fn slide_extremes(
    values: &[f64],
    points: usize,
    before: usize,
    enough: impl Fn(usize) -> bool,
    is_ahead: impl Fn(f64, f64) -> bool,
    pulse: Pulse<'_>,
) -> Result<Vec<f64>, Stop> {
    let mut candidates: VecDeque<(usize, f64)> = VecDeque::new();
    let over = |entering: usize, _: Option<f64>, known: usize| {
        let value = values[entering];
        if !value.is_nan() {
            // Of equals the first counts, as for Python: 0.0 and -0.0 are such.
            while candidates.back().is_some_and(|(_, other)| !is_ahead(*other, value)) {
                candidates.pop_back();
            }
            candidates.push_back((entering, value));
        }
        while candidates.front().is_some_and(|(place, _)| place + points <= entering) {
            candidates.pop_front();
        }
        if enough(known) { candidates.front().map_or(f64::NAN, |(_, value)| *value) } else { f64::NAN }
    };
    slide_one_by_one(values, points, before, pulse, over)
}

/// Medians of windows: the known values of the window stay sorted, and one comes and one goes.
fn slide_medians(
    values: &[f64],
    points: usize,
    before: usize,
    enough: impl Fn(usize) -> bool,
    pulse: Pulse<'_>,
) -> Result<Vec<f64>, Stop> {
    let mut sorted: Vec<f64> = Vec::with_capacity(points.min(values.len()));
    let over = |entering: usize, leaving: Option<f64>, known: usize| {
        let place = |sorted: &[f64], value: f64| sorted.partition_point(|other| other.total_cmp(&value).is_lt());
        let (value, leaving) = (values[entering], leaving.filter(|value| !value.is_nan()));
        match (leaving, value.is_nan()) {
            (Some(leaving), false) => {
                let (from, to) = (place(&sorted, leaving), place(&sorted, value));
                exchange(&mut sorted, from, to, value);
            }
            (Some(leaving), true) => {
                sorted.remove(place(&sorted, leaving));
            }
            (None, false) => sorted.insert(place(&sorted, value), value),
            (None, true) => {}
        }
        if !enough(known) {
            return f64::NAN;
        }
        let upper = sorted[known / 2];
        if known.is_multiple_of(2) { (sorted[known / 2 - 1] + upper) / 2.0 } else { upper }
    };
    slide_one_by_one(values, points, before, pulse, over)
}

/// Takes out what is at `from` and puts `value` in before what is at `to`: only what lies between is moved.
fn exchange(sorted: &mut [f64], from: usize, to: usize, value: f64) {
    if from < to {
        sorted.copy_within(from + 1..to, from);
        sorted[to - 1] = value;
    } else {
        sorted.copy_within(to..from, to + 1);
        sorted[to] = value;
    }
}

/// Calls `over` for each value with its place, the value that leaves the window for it, and how many of the window are
/// known now; keeps what it gives for the values after the first `before`.
fn slide_one_by_one(
    values: &[f64],
    points: usize,
    before: usize,
    pulse: Pulse<'_>,
    mut over: impl FnMut(usize, Option<f64>, usize) -> f64,
) -> Result<Vec<f64>, Stop> {
    let mut results = Vec::with_capacity(values.len().saturating_sub(before));
    let mut known = 0;
    // A step moves a part of the window at most, and that is quick.
    let between = (16 * BETWEEN_PULSES / points.clamp(16, values.len().max(16))).max(1);
    for (entering, value) in values.iter().enumerate() {
        if entering % between == 0 {
            pulse.check()?;
        }
        let leaving = entering.checked_sub(points).map(|place| values[place]);
        known += usize::from(!value.is_nan());
        known -= usize::from(leaving.is_some_and(|value| !value.is_nan()));
        let result = over(entering, leaving, known);
        if entering >= before {
            results.push(result);
        }
    }
    Ok(results)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use proptest::prelude::*;

    use super::*;

    fn value() -> impl Strategy<Value = f64> {
        prop_oneof![3 => (-5..5_i32).prop_map(f64::from), 1 => Just(f64::NAN), 1 => any::<f64>(), 1 => Just(-0.0)]
    }

    proptest! {
        #[test]
        fn windows_that_share_are_as_windows_alone(
            values in prop::collection::vec(value(), 0..60),
            points in 1..12_usize,
            more in 0..5_usize,
            xff in 0.0..1.0,
        ) {
            let (before, stop) = (points + more, AtomicBool::new(false));
            for reducer in [Reducer::Min, Reducer::Max, Reducer::Median, Reducer::Sum, Reducer::Average] {
                let together = slide(&values, points, before, reducer, xff, Pulse::new(&stop)).ok().unwrap();
                prop_assert_eq!(together.len(), values.len().saturating_sub(before));
                for (index, together) in together.iter().enumerate() {
                    let end = before + 1 + index;
                    let window = &values[end - points..end];
                    let known = window.iter().filter(|value| !value.is_nan()).count();
                    let alone = match known > 0 && known as f64 / points as f64 >= xff {
                        true => reducer.apply(window),
                        false => f64::NAN,
                    };
                    prop_assert!(*together == alone || together.is_nan() && alone.is_nan(), "{reducer:?} {window:?}");
                }
            }
        }
    }
}
