//! Each series into another of the same times: arithmetic, differences, gaps.

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::param::{Default, SERIES, Type, optional, required};
use crate::series::{Series, Times};
use crate::target::number::{d, g, repr, round as round_to};

const fn transform(
    name: &'static str,
    params: &'static [super::Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Transform, params, Body::List(code), says)
}

const FACTOR: super::Param = required("factor", Type::Float);
const LIMIT: super::Param = optional("limit", Type::IntOrInf).or(Default::Float(f64::INFINITY));
const COUNTER: &[super::Param] = &[SERIES, optional("maxValue", Type::Float), optional("minValue", Type::Float)];
const NAME: super::Param = required("name", Type::Text);
const STEP: super::Param = optional("step", Type::Integer).or(Default::Integer(60));

pub(super) const FUNCTIONS: &[Function] = &[
    transform("absolute", &[SERIES], absolute, "Takes the magnitude of each value."),
    transform("add", &[SERIES, required("constant", Type::Float)], add, "Adds a constant to each value."),
    transform(
        "compressPeriodicGaps",
        &[SERIES],
        compress_periodic_gaps,
        "Finds the real interval of a series that is \
        stored at a finer step and joins its values to it.",
    ),
    transform("delay", &[SERIES, required("steps", Type::Integer)], delay, "Shifts the values by a number of points."),
    transform("derivative", &[SERIES], derivative, "Difference from each value to the next."),
    transform("exp", &[SERIES], exp, "Raises e to each value."),
    transform("integral", &[SERIES], integral, "Running sum of the values."),
    transform(
        "integralByInterval",
        &[SERIES, required("intervalUnit", Type::Text)],
        integral_by_interval,
        "Running sum that begins anew with each interval, counted from the start of the request.",
    ),
    transform("interpolate", &[SERIES, LIMIT], interpolate, "Fills gaps with a straight line."),
    transform("invert", &[SERIES], invert, "One divided by each value."),
    transform("isNonNull", &[SERIES], is_non_null, "1 where a value is known, 0 where not."),
    transform("keepLastValue", &[SERIES, LIMIT], keep_last_value, "Fills gaps with the value before them."),
    transform(
        "log",
        &[SERIES, optional("base", Type::Integer).or(Default::Integer(10))],
        log,
        "Logarithm of each value.",
    ),
    transform("logit", &[SERIES], logit, "log(x / (1 - x)) of each value."),
    transform("minMax", &[SERIES], min_max, "Maps each series to 0..1 by its own minimum and maximum."),
    transform(
        "nonNegativeDerivative",
        COUNTER,
        non_negative_derivative,
        "Difference from each value to the next, without the drops of a counter that wraps or restarts.",
    ),
    transform("offset", &[SERIES, FACTOR], offset, "Adds a constant to each value."),
    transform("offsetToZero", &[SERIES], offset_to_zero, "Subtracts each series' own minimum."),
    transform("perSecond", COUNTER, per_second, "Growth of a counter per second."),
    transform("pow", &[SERIES, FACTOR], pow, "Raises each value to a power."),
    transform(
        "round",
        &[SERIES, optional("precision", Type::Integer).or(Default::Integer(0))],
        round,
        "Rounds each value to a number of decimals.",
    ),
    transform("scale", &[SERIES, FACTOR], scale, "Multiplies each value by a constant."),
    transform(
        "scaleToSeconds",
        &[SERIES, required("seconds", Type::Float)],
        scale_to_seconds,
        "Value per this many seconds, from a value per step.",
    ),
    transform("sigmoid", &[SERIES], sigmoid, "1 / (1 + exp(-x)) of each value."),
    transform(
        "sin",
        &[NAME, optional("amplitude", Type::Integer).or(Default::Integer(1)), STEP],
        sin,
        "Sine of the time.",
    )
    .also(&["sinFunction"]),
    transform("squareRoot", &[SERIES], square_root, "Square root of each value."),
    transform("time", &[NAME, STEP], time_function, "The time itself as a value.").also(&["timeFunction"]),
    transform(
        "timeSlice",
        &[SERIES, required("startSliceAt", Type::Date), optional("endSliceAt", Type::Date).or(Default::Text("now"))],
        time_slice,
        "Drops values outside a part of time.",
    ),
    transform(
        "transformNull",
        &[
            SERIES,
            optional("default", Type::Float).or(Default::Integer(0)),
            optional("referenceSeries", Type::SeriesList),
        ],
        transform_null,
        "Fills gaps with a constant.",
    ),
];

/// Wraps every name as `function(name)`, tags the series and changes its values.
fn each(args: &mut Args<'_, '_>, function: &str, tag: Option<&str>, change: impl Fn(f64) -> f64) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        if let Some(value) = tag {
            series.tag(function, value);
        }
        series.rename(format!("{function}({})", series.name));
        series.map(&change);
    }
    Ok(list)
}

/// `absolute(seriesList)`. Shape: as given; gaps stay. Name: `absolute(<name>)`. Source: graphite-web `absolute`.
fn absolute(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "absolute", Some("1"), f64::abs)
}

/// `add(seriesList, constant)`. Shape: as given. Name: `add(<name>,<constant cut to a whole number>)`. Source:
/// graphite-web `add`.
fn add(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, constant) = (args.series()?, args.float("constant")?);
    for series in &mut list {
        series.tag("add", repr(constant));
        series.rename(format!("add({},{})", series.name, d(constant)));
        series.map(|v| v + constant);
    }
    Ok(list)
}

/// `exp(seriesList)`: beyond the largest float comes a gap. Source: graphite-web `exp`, which fails there.
fn exp(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "exp", Some("e"), |v| finite_or_gap(v.exp(), v))
}

/// `invert(seriesList)`: zero becomes a gap. Source: graphite-web `invert`.
fn invert(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "invert", Some("1"), |v| finite_or_gap(1.0 / v, v))
}

/// `squareRoot(seriesList)`: negative values become gaps. Source: graphite-web `squareRoot`.
fn square_root(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "squareRoot", Some("1"), f64::sqrt)
}

/// `sigmoid(seriesList)`. Source: graphite-web `sigmoid`, which fails for very negative values where we give 0.
fn sigmoid(args: &mut Args<'_, '_>) -> Outcome {
    each(args, "sigmoid", Some("sigmoid"), |v| 1.0 / (1.0 + (-v).exp()))
}

/// `logit(seriesList)`: values outside (0, 1) become gaps. Source: graphite-web `logit`.
fn logit(args: &mut Args<'_, '_>) -> Outcome {
    let inside = |v: f64| if v > 0.0 && v < 1.0 { (v / (1.0 - v)).ln() } else { f64::NAN };
    each(args, "logit", Some("logit"), inside)
}

/// An infinity that came from a finite value is an overflow or a division by zero: a gap.
fn finite_or_gap(result: f64, from: f64) -> f64 {
    if result.is_infinite() && from.is_finite() { f64::NAN } else { result }
}

/// `log(seriesList, base=10)`: values of zero and less become gaps. Name: `log(<name>, <base>)`. Source: graphite-web
/// `logarithm`, which fails for a base of 1 or less than 0 where we refuse it.
fn log(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, base) = (args.series()?, args.number("base")?);
    if base.as_f64() <= 0.0 || base.as_f64() == 1.0 {
        return Err(args.wrong("base", "a number above 0 that is not 1", &base.to_string()));
    }
    let by = base.as_f64().ln();
    for series in &mut list {
        series.tag("log", base);
        series.renew(format!("log({}, {base})", series.name));
        series.map(|v| if v > 0.0 { v.ln() / by } else { f64::NAN });
    }
    Ok(list)
}

/// `minMax(seriesList)`: a constant series becomes 0. Source: graphite-web `minMax`.
fn min_max(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        series.rename(format!("minMax({})", series.name));
        let (low, high) = bounds(series);
        series.map(|v| match high - low {
            0.0 => v * 0.0,
            range => (v - low) / range,
        });
    }
    Ok(list)
}

fn bounds(series: &Series) -> (f64, f64) {
    let known = || series.values.iter().copied().filter(|v| !v.is_nan());
    (known().reduce(f64::min).unwrap_or(f64::NAN), known().reduce(f64::max).unwrap_or(f64::NAN))
}

/// `offset(seriesList, factor)`. Name: `offset(<name>,<factor as %g>)`. Source: graphite-web `offset`.
fn offset(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, factor) = (args.series()?, args.float("factor")?);
    for series in &mut list {
        series.tag("offset", repr(factor));
        series.rename(format!("offset({},{})", series.name, g(factor)));
        series.map(|v| v + factor);
    }
    Ok(list)
}

/// `offsetToZero(seriesList)`. Source: graphite-web `offsetToZero`.
fn offset_to_zero(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        let (low, _) = bounds(series);
        let shown = match series.integers {
            _ if low.is_nan() => "None".to_owned(),
            true => d(low),
            false => repr(low),
        };
        series.tag("offsetToZero", shown);
        series.rename(format!("offsetToZero({})", series.name));
        series.map(|v| v - low);
    }
    Ok(list)
}

/// `pow(seriesList, factor)`: what is no real number becomes a gap. Source: graphite-web `pow`.
fn pow(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, factor) = (args.series()?, args.float("factor")?);
    for series in &mut list {
        series.tag("pow", repr(factor));
        series.rename(format!("pow({},{})", series.name, g(factor)));
        series.map(|v| power(v, factor));
    }
    Ok(list)
}

/// `a` to the power of `b`, a gap where Python's `math.pow` fails or either is a gap.
pub(super) fn power(a: f64, b: f64) -> f64 {
    if a.is_nan() || b.is_nan() {
        return f64::NAN;
    }
    let result = a.powf(b);
    if result.is_infinite() && a.is_finite() && b.is_finite() { f64::NAN } else { result }
}

/// `round(seriesList, precision=0)`: ties to even. Name: `round(<name>)`, or `round(<name>,<precision>)` if it is given.
/// Source: graphite-web `roundFunction`.
fn round(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    let given = args.is_given("precision");
    let precision = args.integer("precision")?;
    for series in &mut list {
        series.tag("round", precision);
        series.rename(match given {
            true => format!("round({},{})", series.name, g(precision as f64)),
            false => format!("round({})", series.name),
        });
        let digits = precision.clamp(-400, 400) as i32;
        series.map(|v| round_to(v, digits));
    }
    Ok(list)
}

/// `scale(seriesList, factor)`: every value times `factor`; gaps stay gaps.
///
/// Shape: n series in, n out, each with its start, step and length. Name: `scale(<name>,<factor as %g>)`. Source:
/// graphite-web `scale`.
fn scale(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, factor) = (args.series()?, args.float("factor")?);
    for series in &mut list {
        series.tag("scale", repr(factor));
        series.rename(format!("scale({},{})", series.name, g(factor)));
        series.map(|v| v * factor);
    }
    Ok(list)
}

/// `scaleToSeconds(seriesList, seconds)`: rounded to six decimals. Source: graphite-web `scaleToSeconds`.
fn scale_to_seconds(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, seconds) = (args.series()?, args.float("seconds")?);
    for series in &mut list {
        series.tag("scaleToSeconds", repr(seconds));
        series.rename(format!("scaleToSeconds({},{})", series.name, d(seconds)));
        let factor = seconds / series.step as f64;
        series.map(|v| round_to(v * factor, 6));
    }
    Ok(list)
}

/// `delay(seriesList, steps)`: values move later, or earlier if negative; gaps move in. Source: graphite-web `delay`,
/// which empties the series for 0 steps where we leave it alone.
fn delay(args: &mut Args<'_, '_>) -> Outcome {
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
fn derivative(args: &mut Args<'_, '_>) -> Outcome {
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
struct Counter {
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

fn growth(args: &mut Args<'_, '_>, function: &str, change: impl Fn(f64, i64) -> f64) -> Outcome {
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
fn non_negative_derivative(args: &mut Args<'_, '_>) -> Outcome {
    growth(args, "nonNegativeDerivative", |growth, _| growth)
}

/// `perSecond(seriesList, maxValue, minValue)`: rounded to six decimals. Source: graphite-web `perSecond`.
fn per_second(args: &mut Args<'_, '_>) -> Outcome {
    growth(args, "perSecond", |growth, step| round_to(growth / step as f64, 6))
}

/// `integral(seriesList)`: gaps stay and add nothing. Source: graphite-web `integral`.
fn integral(args: &mut Args<'_, '_>) -> Outcome {
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
fn integral_by_interval(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    let (text, secs) = args.interval("intervalUnit")?;
    let interval = secs.abs();
    if interval == 0 {
        return Err(args.wrong("intervalUnit", "at least a second", &format!("`{text}`")));
    }
    for series in &mut list {
        let (mut sum, mut since) = (0.0, series.start - args.context.from);
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

/// Calls `fill` with each gap that has a known value before it, as long as the gap is not longer than `limit`.
fn fill_gaps(values: &mut [f64], limit: f64, fill: impl Fn(&mut [f64], f64, Option<f64>)) {
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
fn keep_last_value(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, limit) = (args.series()?, args.float("limit")?);
    for series in &mut list {
        series.rename(format!("keepLastValue({})", series.name));
        fill_gaps(&mut series.values, limit, |gap, before, _| gap.fill(before));
    }
    Ok(list)
}

/// `interpolate(seriesList, limit=inf)`: a gap at the end, or longer than `limit`, stays. Source: graphite-web
/// `interpolate`.
fn interpolate(args: &mut Args<'_, '_>) -> Outcome {
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
fn is_non_null(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = each(args, "isNonNull", Some("1"), |v| f64::from(u8::from(!v.is_nan())))?;
    list.iter_mut().for_each(|series| series.integers = true);
    Ok(list)
}

/// `transformNull(seriesList, default=0, referenceSeries)`: with a reference, only where any of it is known. Name:
/// `transformNull(<name>,<default as %g>)`, with `,referenceSeries` if there is one. Source: graphite-web
/// `transformNull`.
fn transform_null(args: &mut Args<'_, '_>) -> Outcome {
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
    }
    Ok(list)
}

/// Appends `more` and drops as many values from the front: graphite-web's answer to a reference with more values.
fn keep_last(series: &mut Series, more: impl ExactSizeIterator<Item = f64>) {
    let gone = more.len();
    series.values.extend(more);
    series.values.drain(..gone);
}

/// `timeSlice(seriesList, startSliceAt, endSliceAt="now")`: values outside become gaps. Name holds both bounds as epochs.
/// Source: graphite-web `timeSlice`, which is off by up to a step; we compare each point's own time.
fn time_slice(args: &mut Args<'_, '_>) -> Outcome {
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

/// A made-up series over the request's window, whose values are a function of the time.
pub(super) fn over_time(args: &mut Args<'_, '_>, mut value: impl FnMut(i64) -> f64) -> Outcome {
    let (name, step) = (args.text("name")?, args.integer("step")?);
    if step < 1 {
        return Err(args.wrong("step", "at least a second", &step.to_string()));
    }
    let times = Times { start: args.context.from, end: args.context.until, step };
    args.check_points(times)?;
    let values: Vec<f64> = (times.start..times.end).step_by(step as usize).map(&mut value).collect();
    Ok(vec![Series::made(name, times, values, args.x_files_factor())])
}

/// `time(name, step=60)`: from the request's start, unaligned. Source: graphite-web `timeFunction`.
fn time_function(args: &mut Args<'_, '_>) -> Outcome {
    over_time(args, |at| at as f64)
}

/// `sin(name, amplitude=1, step=60)`. Source: graphite-web `sinFunction`.
fn sin(args: &mut Args<'_, '_>) -> Outcome {
    let amplitude = args.float("amplitude")?;
    over_time(args, |at| (at as f64).sin() * amplitude)
}

/// `compressPeriodicGaps(seriesList)`: the interval is guessed from the first two non-zero values and must be confirmed
/// by a third that stands between gaps. Source: graphite-web `_compressPeriodicGaps`, master.
fn compress_periodic_gaps(args: &mut Args<'_, '_>) -> Outcome {
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
            let buckets = super::summarize::Buckets { start, end: series.end, interval: step };
            let (values, _) = buckets.fill(series, super::reduce::Reducer::Last);
            (series.start, series.step) = (start, step);
            series.end = start + step * (values.len() as i64 - 1);
            series.values = values.into();
        }
    }
    Ok(list)
}
