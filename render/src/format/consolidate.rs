//! Fewer points for a client that can show only so many.

use crate::series::{Consolidation, Series};

/// Joins neighbouring values until each series has at most `points` over the time of all of them; 0 is no limit.
///
/// Buckets are moved so that they fall on multiples of their own length: a chart that is loaded again a step later then
/// shows the same buckets, at the price of the values before the first whole one. Source: graphite-web `renderViewJson`.
pub fn fit_to(all: &mut [Series], points: u64) {
    if points == 0 {
        return;
    }
    let start = all.iter().map(|series| series.start).min().unwrap_or(0);
    let end = all.iter().map(|series| series.end).max().unwrap_or(0);
    let range = end.saturating_sub(start).max(0);
    for series in all {
        if points == 1 {
            let whole = series.values.len();
            join(series, 0, whole);
            continue;
        }
        let stored = range as f64 / series.step as f64;
        if stored <= points as f64 {
            continue;
        }
        let group = (stored / points as f64).ceil() as usize;
        let dropped = align(series, group);
        join(series, dropped, group);
    }
}

/// Moves the start up to the next bucket border; how many values are before it, all but one: the reference keeps it.
fn align(series: &mut Series, group: usize) -> usize {
    let bucket = series.step.saturating_mul(group as i64);
    let shift = bucket + series.start.rem_euclid(series.step) - series.start.rem_euclid(bucket);
    series.start += shift;
    let lost = (shift / series.step - 1).max(0) as usize;
    lost.min(series.values.len())
}

/// Joins the values after the first `dropped` ones.
fn join(series: &mut Series, dropped: usize, group: usize) {
    if group <= 1 {
        return;
    }
    let joined = series.values[dropped..].chunks(group).map(|values| one(values, group, series)).collect();
    series.values = joined;
    series.step = series.step.saturating_mul(group as i64);
    series.values_per_point = group;
}

/// One value for a group; a last group that is cut short is still measured against a whole one.
fn one(values: &[f64], group: usize, series: &Series) -> f64 {
    let mut known = values.iter().copied().filter(|value| !value.is_nan());
    let count = known.clone().count();
    if count == 0 || (count as f64 / group as f64) < series.x_files_factor {
        return f64::NAN;
    }
    match series.consolidation {
        Consolidation::Average | Consolidation::Avg => known.sum::<f64>() / count as f64,
        Consolidation::Sum => known.sum(),
        Consolidation::Min => known.fold(f64::INFINITY, f64::min),
        Consolidation::Max => known.fold(f64::NEG_INFINITY, f64::max),
        Consolidation::First => known.next().unwrap_or(f64::NAN),
        Consolidation::Last => known.next_back().unwrap_or(f64::NAN),
        Consolidation::AverageZero => known.sum::<f64>() / values.len() as f64,
    }
}
