//! Gaps: filled, made, or told.

use super::arithmetic::each;
use crate::functions::args::{Args, Outcome};
use crate::series::Series;
use crate::target::Number;
use crate::target::number::g;

/// Calls `fill` with each gap that has a known value before it, as long as the gap is not longer than `limit`.
pub(super) fn fill_gaps(values: &mut [f64], limit: f64, fill: impl Fn(&mut [f64], f64, Option<f64>)) {
    let mut at = values.iter().position(|v| !v.is_nan()).unwrap_or(values.len());
    while at < values.len() {
        let before = values[at];
        let length = values[at + 1..].iter().take_while(|v| v.is_nan()).count();
        let after = values.get(at + 1 + length).copied();
        if length > 0 && length as f64 <= limit {
            fill(&mut values[at + 1..at + 1 + length], before, after);
        }
        at += 1 + length;
    }
}

/// `keepLastValue(seriesList, limit=inf)`: a gap longer than `limit` stays whole. Source: graphite-web `keepLastValue`.
pub(super) fn keep_last_value(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, limit) = (args.series()?, args.float("limit")?);
    for series in &mut list {
        series.rename(format!("keepLastValue({})", series.name));
        fill_gaps(&mut series.values, limit, |gap, before, _| gap.fill(before));
    }
    Ok(list)
}

/// `interpolate(seriesList, limit=inf)`: a gap at the end, or longer than `limit`, stays. Source: graphite-web
/// `interpolate`.
pub(super) fn interpolate(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, limit) = (args.series()?, args.float("limit")?);
    for series in &mut list {
        series.rename(format!("interpolate({})", series.name));
        series.integers = false;
        fill_gaps(&mut series.values, limit, |gap, before, after| {
            let Some(after) = after else { return };
            let parts = (gap.len() + 1) as f64;
            for (index, value) in gap.iter_mut().enumerate() {
                *value = before + (index + 1) as f64 * (after - before) / parts;
            }
        });
    }
    Ok(list)
}

/// `isNonNull(seriesList)`. Source: graphite-web `isNonNull`.
pub(super) fn is_non_null(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = each(args, "isNonNull", Some("1"), |v| f64::from(u8::from(!v.is_nan())))?;
    list.iter_mut().for_each(|series| series.integers = true);
    Ok(list)
}

/// `transformNull(seriesList, default=0, referenceSeries)`: with a reference, only where any of it is known. Name:
/// `transformNull(<name>,<default as %g>)`, with `,referenceSeries` if there is one. Source: graphite-web
/// `transformNull`.
pub(super) fn transform_null(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, default) = (args.series()?, args.number("default")?);
    let reference = args.optional_list("referenceSeries")?.filter(|reference| !reference.is_empty());
    let known = reference.map(|reference| {
        let length = reference.iter().map(|series| series.values.len()).max().unwrap_or(0);
        (0..length)
            .map(|at| reference.iter().any(|s| s.values.get(at).is_some_and(|v| !v.is_nan())))
            .collect::<Vec<_>>()
    });
    for series in &mut list {
        series.tag("transformNull", default);
        let fill = default.as_f64();
        // A gap filled with a whole number is one of its own among floats.
        let gaps: Option<Vec<bool>> =
            matches!(default, Number::Integer(_)).then(|| series.values.iter().map(|v| v.is_nan()).collect());
        match &known {
            None => {
                series.rename(format!("transformNull({},{})", series.name, g(fill)));
                series.map(|v| if v.is_nan() { fill } else { v });
            }
            Some(known) => {
                series.tag("referenceSeries", 1);
                series.rename(format!("transformNull({},{},referenceSeries)", series.name, g(fill)));
                for (value, _) in series.values.iter_mut().zip(known).filter(|(v, known)| v.is_nan() && **known) {
                    *value = fill;
                }
                if let Some(longer) = known.get(series.values.len()..) {
                    keep_last(series, longer.iter().map(|known| if *known { fill } else { f64::NAN }));
                }
            }
        }
        let is_longer = known.as_ref().is_some_and(|known| known.len() > series.values.len());
        if let Some(gaps) = gaps.filter(|_| !is_longer) {
            series.values.spell_whole(gaps);
        }
    }
    Ok(list)
}

/// Appends `more` and drops as many values from the front: graphite-web's answer to a reference with more values.
pub(super) fn keep_last(series: &mut Series, more: impl ExactSizeIterator<Item = f64>) {
    let gone = more.len();
    series.values.extend(more);
    series.values.drain(..gone);
}

/// `timeSlice(seriesList, startSliceAt, endSliceAt="now")`: values outside become gaps. Name holds both bounds as epochs.
/// Source: graphite-web `timeSlice`, which is off by up to a step; we compare each point's own time.
pub(super) fn time_slice(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, from, until) = (args.series()?, args.date("startSliceAt")?, args.date("endSliceAt")?);
    for series in &mut list {
        series.tag("timeSliceStart", from);
        series.tag("timeSliceEnd", until);
        series.name = format!("timeSlice({}, {from}, {until})", series.name);
        let mut at = series.start;
        for value in &mut series.values {
            if at < from || at > until {
                *value = f64::NAN;
            }
            at += series.step;
        }
    }
    Ok(list)
}

/// `compressPeriodicGaps(seriesList)`: the interval is guessed from the first two non-zero values and must be confirmed
/// by a third that stands between gaps. Source: graphite-web `_compressPeriodicGaps`, master.
pub(super) fn compress_periodic_gaps(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        series.rename(format!("compressPeriodicGaps({})", series.name));
        let hit = |v: f64| !v.is_nan() && v != 0.0;
        let mut hits = series.values.iter().enumerate().filter(|(_, v)| hit(**v)).map(|(at, _)| at);
        let (Some(first), Some(second)) = (hits.next(), hits.next()) else { continue };
        let (guess, third) = (second - first, 2 * second - first);
        let at = |index: usize| series.values.get(index).copied().unwrap_or(0.0);
        let confirmed = guess > 1
            && third + 2 <= series.values.len()
            && hit(at(third))
            && at(third - 1).is_nan()
            && at(third + 1).is_nan();
        if confirmed {
            let (step, start) = (guess as i64 * series.step, series.start + first as i64 * series.step);
            let buckets = crate::functions::summarize::Buckets { start, end: series.end, interval: step };
            let (values, _) = buckets.fill(series, crate::functions::reduce::Reducer::Last);
            (series.start, series.step) = (start, step);
            series.end = start + step * (values.len() as i64 - 1);
            series.values = values.into();
        }
    }
    Ok(list)
}
