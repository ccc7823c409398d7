//! Some of the series: by their values, by their names, by their number.

use std::cmp::Ordering;
use std::collections::HashSet;

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::idle;
use super::param::{Default, LISTS, Param, SERIES, Type, optional, required};
use super::pattern;
use super::reduce::{Reducer, percentile};
use crate::series::Series;

const fn filter(
    name: &'static str,
    params: &'static [Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::FilterSeries, params, Body::List(code), says)
}

const LEVEL: &[Param] = &[SERIES, required("n", Type::Float)];
const PERCENTILE: &[Param] = &[SERIES, required("n", Type::Float).at_once(idle::no_number)];
const N: Param = required("n", Type::Integer).at_once(idle::no_whole_number);
const COUNT: &[Param] = &[SERIES, N];
const FIRST: &[Param] = &[SERIES, required("n", Type::Integer).at_once(idle::no_count)];
const FUNC: Param = optional("func", Type::AggFunc).or(Default::Text("average")).at_once(idle::no_reducer);
const PATTERN: &[Param] = &[SERIES, required("pattern", Type::Text).at_once(idle::no_pattern)];

pub(super) const FUNCTIONS: &[Function] = &[
    filter("averageAbove", LEVEL, |args| level(args, Reducer::Average, ">"), "Series whose average is above a level."),
    filter(
        "averageBelow",
        LEVEL,
        |args| level(args, Reducer::Average, "<="),
        "Series whose average is at or below a level.",
    ),
    filter(
        "averageOutsidePercentile",
        PERCENTILE,
        average_outside_percentile,
        "Series whose average is unusual among all averages.",
    ),
    filter("currentAbove", LEVEL, |args| level(args, Reducer::Last, ">"), "Series whose last value is above a level."),
    filter(
        "currentBelow",
        LEVEL,
        |args| level(args, Reducer::Last, "<="),
        "Series whose last value is at or below a level.",
    ),
    filter("exclude", PATTERN, |args| by_name(args, false), "Series whose names do not match."),
    filter(
        "filterSeries",
        &[
            SERIES,
            required("func", Type::AggFunc).at_once(idle::no_reducer),
            required("operator", Type::Text).of(&["!=", "<", "<=", "=", ">", ">="]).at_once(idle::no_operator),
            required("threshold", Type::Float),
        ],
        filter_series,
        "Series by a reducer, an operator and a threshold.",
    ),
    filter("grep", PATTERN, |args| by_name(args, true), "Series whose names match."),
    filter(
        "highest",
        &[SERIES, N.or(Default::Integer(1)), FUNC],
        |args| {
            let (_, reducer) = args.reducer("func")?;
            top(args, reducer, true)
        },
        "Series with the highest value by a reducer.",
    ),
    filter("highestAverage", COUNT, |args| top(args, Reducer::Average, true), "Series with the highest averages."),
    filter("highestCurrent", COUNT, |args| top(args, Reducer::Last, true), "Series with the highest last values."),
    filter("highestMax", COUNT, |args| top(args, Reducer::Max, true), "Series with the highest maxima."),
    filter("limit", FIRST, limit, "The first series."),
    filter(
        "lowest",
        &[SERIES, N.or(Default::Integer(1)), FUNC],
        |args| {
            let (_, reducer) = args.reducer("func")?;
            top(args, reducer, false)
        },
        "Series with the lowest value by a reducer.",
    ),
    filter("lowestAverage", COUNT, |args| top(args, Reducer::Average, false), "Series with the lowest averages."),
    filter("lowestCurrent", COUNT, |args| top(args, Reducer::Last, false), "Series with the lowest last values."),
    filter("maximumAbove", LEVEL, |args| level(args, Reducer::Max, ">"), "Series whose maximum is above a level."),
    filter(
        "maximumBelow",
        LEVEL,
        |args| level(args, Reducer::Max, "<="),
        "Series whose maximum is at or below a level.",
    ),
    filter("minimumAbove", LEVEL, |args| level(args, Reducer::Min, ">"), "Series whose minimum is above a level."),
    filter(
        "minimumBelow",
        LEVEL,
        |args| level(args, Reducer::Min, "<="),
        "Series whose minimum is at or below a level.",
    ),
    filter("mostDeviant", FIRST, most_deviant, "Series with the largest variance."),
    filter(
        "removeBetweenPercentile",
        PERCENTILE,
        remove_between_percentile,
        "Series that leave the usual band of all series at least once.",
    ),
    filter(
        "removeEmptySeries",
        &[SERIES, optional("xFilesFactor", Type::Float)],
        remove_empty_series,
        "Series with enough known values.",
    ),
    filter("unique", &[LISTS], unique, "Series without those whose name came before."),
    filter(
        "useSeriesAbove",
        &[SERIES, required("value", Type::Float), required("search", Type::Text), required("replace", Type::Text)],
        use_series_above,
        "Other series in place of those whose maximum is high.",
    ),
];

/// Whether a value passes; gaps pass where graphite-web's Python 2 compared `None` as smaller than any number.
fn passes(value: f64, operator: &str, threshold: f64) -> Option<bool> {
    Some(match operator {
        "=" => value == threshold,
        "!=" => value != threshold,
        ">" => value > threshold,
        ">=" => value >= threshold,
        "<" => value.is_nan() || value < threshold,
        "<=" => value.is_nan() || value <= threshold,
        _ => return None,
    })
}

/// `maximumAbove(seriesList, n)` and its like. Source: graphite-web `filterSeries`.
fn level(args: &mut Args<'_, '_>, reducer: Reducer, operator: &str) -> Outcome {
    let (mut list, n) = (args.series()?, args.float("n")?);
    list.retain(|series| passes(reducer.apply(&series.values), operator, n) == Some(true));
    Ok(list)
}

/// `filterSeries(seriesList, func, operator, threshold)`. Source: graphite-web `filterSeries`.
fn filter_series(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, (_, reducer)) = (args.series()?, args.reducer("func")?);
    let (operator, threshold) = (args.text("operator")?, args.float("threshold")?);
    if passes(0.0, &operator, 0.0).is_none() {
        return Err(args.wrong("operator", "one of = != > >= < <=", &format!("`{operator}`")));
    }
    list.retain(|series| passes(reducer.apply(&series.values), &operator, threshold) == Some(true));
    Ok(list)
}

/// Sorts by one number for each series; unknown ones count as the smallest. The order of equals stays.
pub(super) fn sort_by_number(list: &mut Vec<Series>, descending: bool, number: impl Fn(&Series) -> f64) {
    let known = |v: f64| if v.is_nan() { f64::NEG_INFINITY } else { v };
    let mut keyed: Vec<(f64, Series)> = list.drain(..).map(|series| (known(number(&series)), series)).collect();
    let order = |a: &(f64, Series), b: &(f64, Series)| a.0.partial_cmp(&b.0).unwrap_or(Ordering::Equal);
    keyed.sort_by(|a, b| if descending { order(b, a) } else { order(a, b) });
    list.extend(keyed.into_iter().map(|(_, series)| series));
}

/// Python's `list[:n]`: a negative `n` drops that many from the end.
fn first(mut list: Vec<Series>, n: i64) -> Vec<Series> {
    let kept = if n < 0 { list.len() as i64 + n } else { n };
    list.truncate(usize::try_from(kept).unwrap_or(0));
    list
}

/// `highest(seriesList, n, func)` and its like: stable, best first. Source: graphite-web `highest`, `lowest`.
fn top(args: &mut Args<'_, '_>, reducer: Reducer, descending: bool) -> Outcome {
    let (mut list, n) = (args.series()?, args.number("n")?.truncated());
    sort_by_number(&mut list, descending, |series| reducer.apply(&series.values));
    Ok(first(list, n))
}

/// `limit(seriesList, n)`. Source: graphite-web `limit`.
fn limit(args: &mut Args<'_, '_>) -> Outcome {
    let (list, n) = (args.series()?, args.integer("n")?);
    Ok(first(list, n))
}

/// `mostDeviant(seriesList, n)`: series without a known value are dropped. Source: graphite-web `mostDeviant`.
fn most_deviant(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, n) = (args.series()?, args.integer("n")?);
    list.retain(|series| series.values.iter().any(|v| !v.is_nan()));
    sort_by_number(&mut list, true, |series| {
        let deviation = Reducer::StdDev.apply(&series.values);
        deviation * deviation
    });
    Ok(first(list, n))
}

/// `grep(seriesList, pattern)` and `exclude`: the pattern may match anywhere. Source: graphite-web `grep`.
fn by_name(args: &mut Args<'_, '_>, keep: bool) -> Outcome {
    let (mut list, text) = (args.series()?, args.text("pattern")?);
    let regex = pattern::compile(&text).map_err(|reason| args.wrong("pattern", "a regular expression", &reason))?;
    list.retain(|series| regex.is_match(&series.name) == keep);
    Ok(list)
}

/// `removeEmptySeries(seriesList, xFilesFactor=0)`: at least one known value, and at least that share. Source:
/// graphite-web `removeEmptySeries`.
fn remove_empty_series(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, share) = (args.series()?, args.optional_float("xFilesFactor")?.unwrap_or(0.0));
    list.retain(|series| {
        let known = series.values.iter().filter(|v| !v.is_nan()).count();
        known > 0 && known as f64 / series.values.len() as f64 >= share
    });
    Ok(list)
}

/// `unique(*seriesLists)`. Source: graphite-web `unique`.
fn unique(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.joined()?;
    let mut seen = HashSet::new();
    list.retain(|series| seen.insert(series.name.clone()));
    Ok(list)
}

/// The central band that ends at `n` percent; below 50 it is mirrored.
fn band(n: f64) -> (f64, f64) {
    let high = if n < 50.0 { 100.0 - n } else { n };
    (100.0 - high, high)
}

/// `averageOutsidePercentile(seriesList, n)`: series without a known value are dropped. Source: graphite-web, which fails
/// on them.
fn average_outside_percentile(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, n) = (args.series()?, args.float("n")?);
    let average = |series: &Series| Reducer::Average.apply(&series.values);
    let (low, high) = band(n);
    let at = |n: f64| percentile(list.iter().map(average), n, false);
    let (low, high) = (at(low), at(high));
    list.retain(|series| {
        let average = average(series);
        average <= low || average >= high
    });
    Ok(list)
}

/// `removeBetweenPercentile(seriesList, n)`: a gap neither leaves the band nor makes it. Source: graphite-web, which
/// fails on gaps.
fn remove_between_percentile(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, n) = (args.series()?, args.float("n")?);
    let (low, high) = band(n);
    let length = list.iter().map(|series| series.values.len()).min().unwrap_or(0);
    let bounds: Vec<(f64, f64)> = (0..length)
        .map(|row| {
            let at = |n: f64| percentile(list.iter().map(|series| series.values[row]), n, false);
            (at(low), at(high))
        })
        .collect();
    list.retain(|series| {
        let mut values = series.values.iter().zip(&bounds);
        values.any(|(value, (low, high))| value <= low || value >= high)
    });
    Ok(list)
}

/// `useSeriesAbove(seriesList, value, search, replace)`: the names of series whose maximum is above `value` are rewritten
/// and read instead. Source: graphite-web `useSeriesAbove`, which drops series with gaps where we do not.
fn use_series_above(args: &mut Args<'_, '_>) -> Outcome {
    let (list, value) = (args.series()?, args.float("value")?);
    let (search, replacement) = (args.text("search")?, args.text("replace")?);
    let regex = pattern::compile(&search).map_err(|reason| args.wrong("search", "a regular expression", &reason))?;
    let high = list.iter().filter(|series| Reducer::Max.apply(&series.values) > value);
    let names: Result<Vec<String>, String> =
        high.map(|series| pattern::replace(&regex, &replacement, &series.name)).collect();
    let names = names.map_err(|reason| args.wrong("replace", "a replacement that fits", &reason))?;
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let mut list = args.evaluate(&format!("group({})", names.join(",")))?;
    list.retain(|series| !series.values.is_empty());
    Ok(list)
}
