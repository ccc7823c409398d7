//! Statistics over time that need no moving window: lines, percentiles, regression.

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::idle;
use super::param::{Default, SERIES, Type, optional, required};
use super::reduce::{Reducer, percentile_by_index};
use super::server_clock::ServerClock;
use crate::query::Context;
use crate::series::{Series, Times};
use crate::target::number::{g, repr};
use crate::time;

const fn calculate(
    name: &'static str,
    params: &'static [super::Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Calculate, params, Body::List(code), says)
}

pub(super) const FUNCTIONS: &[Function] = &[
    calculate(
        "aggregateLine",
        &[
            SERIES,
            optional("func", Type::AggFunc).or(Default::Text("average")).at_once(idle::no_reducer),
            optional("keepStep", Type::Boolean).or(Default::Boolean(false)),
        ],
        aggregate_line,
        "Horizontal line at one number made of each series.",
    ),
    calculate("identity", &[required("name", Type::Text)], identity, "The time itself as a value, once a minute."),
    calculate(
        "linearRegression",
        &[
            SERIES,
            optional("startSourceAt", Type::Date).at_once(idle::no_date_or_none),
            optional("endSourceAt", Type::Date).at_once(idle::no_date_or_none),
        ],
        linear_regression,
        "Straight line of least squares.",
    )
    .looks_back(|args, context, request| {
        let date = |name| args.text(name).and_then(|text| time::parse(text, request.now, &request.server_tz).ok());
        let (from, until) = (date("startSourceAt"), date("endSourceAt"));
        vec![Context { from: from.unwrap_or(context.from), until: until.unwrap_or(context.until), ..context }]
    }),
    calculate(
        "nPercentile",
        &[SERIES, required("n", Type::Float).at_once(idle::is_zero)],
        n_percentile,
        "Horizontal line at a percentile of each series.",
    ),
];

/// `aggregateLine(seriesList, func="average", keepStep=false)`: three points over the request's window, or with
/// `keepStep` as many as the series has. Name: `aggregateLine(<name>, <value as %g>)`. Source: graphite-web
/// `aggregateLine`.
fn aggregate_line(args: &mut Args<'_, '_>) -> Outcome {
    let (list, (_, reducer), keep_step) = (args.series()?, args.reducer("func")?, args.truth("keepStep"));
    let mut results = Vec::with_capacity(list.len());
    for mut series in list {
        let value = reducer.apply(&series.values);
        let whole = reducer == Reducer::Count || series.integers && reducer.keeps_integers();
        let (short, long) = match (value.is_nan(), whole) {
            (true, _) => ("None".to_owned(), "None".to_owned()),
            (false, true) => (g(value), format!("{value}")),
            (false, false) => (g(value), repr(value)),
        };
        let name = format!("aggregateLine({}, {short})", series.name);
        if keep_step {
            series.renew(name);
            series.values.fill(value);
        } else {
            series = super::special::line(args, value, long);
            series.rename(name);
        }
        series.integers = whole;
        results.push(series);
    }
    Ok(results)
}

/// `identity(name)`: from the request's start, unaligned, each 60 s. Source: graphite-web `identity`.
fn identity(args: &mut Args<'_, '_>) -> Outcome {
    let name = args.text("name")?;
    let times = Times { start: args.context.from, end: args.context.until, step: 60 };
    args.check_points(times)?;
    let values: Vec<f64> = (times.start..times.end).step_by(60).map(|at| at as f64).collect();
    let expression = format!("identity(\"{name}\")");
    let mut series = Series::made(name, times, values, args.x_files_factor());
    series.path_expression = expression;
    series.integers = true;
    Ok(vec![series])
}

/// `nPercentile(seriesList, n)`: series without a known value are dropped. Name: `nPercentile(<name>, <n as %g>)`. Source:
/// graphite-web `nPercentile`.
fn n_percentile(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, n) = (args.series()?, args.float("n")?);
    if n == 0.0 {
        return Err(args.wrong("n", "a percentage other than 0", &g(n)));
    }
    let mut levels = Vec::with_capacity(list.len());
    for series in &list {
        args.check_points(series.times())?;
        let Some(level) = percentile_by_index(series.values.iter().copied(), n) else {
            return Err(args.wrong("n", "a percentage from 0 to 100", &g(n)));
        };
        levels.push(level);
    }
    let mut levels = levels.into_iter();
    list.retain_mut(|series| {
        let value = levels.next().unwrap_or(f64::NAN);
        if value.is_nan() {
            return false;
        }
        let count = usize::try_from((series.end - series.start) / series.step).unwrap_or(0);
        series.values.clear();
        series.values.resize(count, value);
        series.tag("nPercentile", repr(n));
        series.renew(format!("nPercentile({}, {})", series.name, g(n)));
        true
    });
    Ok(list)
}

/// `linearRegression(seriesList, startSourceAt, endSourceAt)`: the line through the values of another window, drawn over
/// the request's. Name and tag hold both bounds as epochs, by the server's clock; a series with fewer than two known values is dropped. Source:
/// graphite-web `linearRegression`.
fn linear_regression(args: &mut Args<'_, '_>) -> Outcome {
    let (list, from, until) =
        (args.series()?, args.optional_date("startSourceAt")?, args.optional_date("endSourceAt")?);
    let window = Context {
        from: from.unwrap_or(args.context.from),
        until: until.unwrap_or(args.context.until),
        ..*args.context
    };
    let request = args.request();
    let shown =
        |given: Option<i64>, label: i64, at: i64| given.unwrap_or_else(|| ServerClock::at(label, request).read(at));
    let shown = (shown(from, request.from, window.from), shown(until, request.until, window.until));
    let sources = args.again(window)?;
    let mut results = Vec::with_capacity(list.len());
    for (source, mut series) in sources.iter().zip(list) {
        series.tag("linearRegressions", format!("{}, {}", shown.0, shown.1));
        let Some((factor, offset)) = line_through(source) else { continue };
        let (start, step) = (series.start, series.step);
        for (index, value) in series.values.iter_mut().enumerate() {
            *value = offset + (start + index as i64 * step) as f64 * factor;
        }
        series.integers = false;
        series.renew(format!("linearRegression({}, {}, {})", series.name, shown.0, shown.1));
        results.push(series);
    }
    Ok(results)
}

/// Slope per second and value at the epoch; `None` with fewer than two known values.
fn line_through(series: &Series) -> Option<(f64, f64)> {
    let (mut n, mut i1, mut v1, mut ii, mut iv) = (0.0, 0.0, 0.0, 0.0, 0.0);
    for (index, value) in series.values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        let i = index as f64;
        n += 1.0;
        i1 += i;
        v1 += value;
        ii += i * i;
        iv += i * value;
    }
    let denominator = n * ii - i1 * i1;
    if denominator == 0.0 {
        return None;
    }
    let factor = (n * iv - i1 * v1) / denominator / series.step as f64;
    Some((factor, (ii * v1 - iv * i1) / denominator - factor * series.start as f64))
}
