//! Some of the values: the others become gaps.

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::param::{Param, SERIES, Type, required};
use super::reduce::percentile_by_index;
use crate::target::number::{g, repr};

const PARAMS: &[Param] = &[SERIES, required("n", Type::Float)];

const fn filter(name: &'static str, code: fn(&mut Args<'_, '_>) -> Outcome, says: &'static str) -> Function {
    Function::new(name, Group::FilterData, PARAMS, Body::List(code), says)
}

pub(super) const FUNCTIONS: &[Function] = &[
    filter(
        "removeAbovePercentile",
        |args| by_percentile(args, "removeAbovePercentile", |v, level| v > level),
        "Drops values above a percentile of their series.",
    ),
    filter(
        "removeAboveValue",
        |args| by_value(args, "removeAboveValue", |v, level| v > level),
        "Drops values above a level.",
    ),
    filter(
        "removeBelowPercentile",
        |args| by_percentile(args, "removeBelowPercentile", |v, level| v < level),
        "Drops values below a percentile of their series.",
    ),
    filter(
        "removeBelowValue",
        |args| by_value(args, "removeBelowValue", |v, level| v < level),
        "Drops values below a level.",
    ),
];

/// `removeAboveValue(seriesList, n)` and its like. Name: `removeAboveValue(<name>, <n as %g>)`. Source: graphite-web.
fn by_value(args: &mut Args<'_, '_>, function: &str, drops: fn(f64, f64) -> bool) -> Outcome {
    let (mut list, n) = (args.series()?, args.float("n")?);
    for series in &mut list {
        series.rename(format!("{function}({}, {})", series.name, g(n)));
        series.values.iter_mut().filter(|v| drops(**v, n)).for_each(|v| *v = f64::NAN);
    }
    Ok(list)
}

/// `removeAbovePercentile(seriesList, n)` and its like, the percentile as `nPercentile` has it. Source: graphite-web.
fn by_percentile(args: &mut Args<'_, '_>, function: &str, drops: fn(f64, f64) -> bool) -> Outcome {
    let (mut list, n) = (args.series()?, args.float("n")?);
    if n == 0.0 {
        return Err(args.wrong("n", "a percentage other than 0", &g(n)));
    }
    for series in &mut list {
        series.rename(format!("{function}({}, {})", series.name, g(n)));
        // Without such a rank graphite-web leaves the values alone.
        let Some(level) = percentile_by_index(series.values.iter().copied(), n) else { continue };
        if !level.is_nan() {
            // graphite-web takes the level from a line that shares the tags.
            series.tag("nPercentile", repr(n));
        }
        series.values.iter_mut().filter(|v| drops(**v, level)).for_each(|v| *v = f64::NAN);
    }
    Ok(list)
}
