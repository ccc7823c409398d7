//! What fits no other chapter: constant lines, consolidation, fallbacks, names with columns.

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::param::{Default, Param, SERIES, Type, optional, required};
use super::reduce::Reducer;
use crate::query::Stop;
use crate::series::{Consolidation, Series, Times, Values};
use crate::target::number::repr;

const fn special(
    name: &'static str,
    params: &'static [Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Special, params, Body::List(code), says)
}

const METHODS: &[&str] = &["average", "avg", "avg_zero", "first", "last", "max", "min", "sum"];

pub(super) const FUNCTIONS: &[Function] = &[
    special(
        "cactiStyle",
        &[SERIES, optional("system", Type::Text).of(&["si", "binary"]), optional("units", Type::Text)],
        cacti_style,
        "Appends current, largest and smallest value to the names.",
    ),
    special("changed", &[SERIES], changed, "1 where a value differs from the one before it."),
    special(
        "consolidateBy",
        &[SERIES, required("consolidationFunc", Type::Text).of(METHODS)],
        |args| {
            let method = args.text("consolidationFunc")?;
            consolidate_by(args, &method)
        },
        "Chooses how neighbouring values are joined when there are too many.",
    ),
    special("constantLine", &[required("value", Type::Float)], |args| Ok(vec![constant(args)?]), "Horizontal line."),
    special("cumulative", &[SERIES], |args| consolidate_by(args, "sum"), "Joins neighbouring values by their sum."),
    special("events", &[required("tags", Type::Text).many()], events, "How many events happened in each second."),
    special(
        "fallbackSeries",
        &[SERIES, required("fallback", Type::SeriesList)],
        |args| {
            let list = args.series()?;
            if list.is_empty() || !args.is_given("fallback") { args.list("fallback") } else { Ok(list) }
        },
        "Another list if there is no series.",
    ),
    special(
        "randomWalk",
        &[required("name", Type::Text), optional("step", Type::Integer).or(Default::Integer(60))],
        random_walk,
        "Values that wander about.",
    )
    .also(&["randomWalkFunction"]),
    special(
        "seriesByTag",
        &[required("tagExpressions", Type::Text).many()],
        |args| Err(args.refuse("it reads series and cannot work on others")),
        "Series chosen by their tags.",
    ),
    special(
        "setXFilesFactor",
        &[SERIES, required("xFilesFactor", Type::Float)],
        set_x_files_factor,
        "Share of values that must be known for an aggregate to be known.",
    )
    .also(&["xFilesFactor"]),
    special(
        "substr",
        &[
            SERIES,
            optional("start", Type::Node).or(Default::Integer(0)),
            optional("stop", Type::Node).or(Default::Integer(0)),
        ],
        substr,
        "Names each series by some of its nodes.",
    ),
];

/// Three points over the request's window: start, middle, end. Source: graphite-web `constantLine`, which fails over a
/// window of one second.
pub(super) fn line(args: &Args<'_, '_>, value: f64, text: String) -> Series {
    let (start, end) = (args.context.from, args.context.until);
    let times = Times { start, end, step: ((end - start) / 2).max(1) };
    let expression = format!("constantLine({text})");
    let mut line = Series::made(text, times, vec![value; 3], args.x_files_factor());
    line.path_expression = expression;
    line
}

/// `constantLine(value)`. Graphite-web takes any text for a value, and answers with it; so do we.
pub(super) fn constant(args: &mut Args<'_, '_>) -> Result<Series, Stop> {
    let word = args.peek_text("value");
    if word.is_empty() || word.trim().parse::<f64>().is_ok() {
        let value = args.float("value")?;
        return Ok(line(args, value, repr(value)));
    }
    let mut line = line(args, f64::NAN, word.clone());
    line.values = Values::words(&word, line.values.len());
    Ok(line)
}

/// `events(*tags)`: one value a second; `*` alone stands for all events. An event at the very end of the window has no
/// second of its own, and graphite-web fails over it. Source: graphite-web `events`.
fn events(args: &mut Args<'_, '_>) -> Outcome {
    let tags = args.texts()?;
    let times = Times { start: args.context.from, end: args.context.until, step: 1 };
    args.check_points(times)?;
    let name = format!("events(\"{}\")", tags.join("\", \""));
    let all = tags == ["*"];
    let happened = args.events((!all).then_some(tags))?;
    let mut values = vec![f64::NAN; usize::try_from(times.end - times.start).unwrap_or(0)];
    for time in happened {
        let second = usize::try_from(time - times.start).ok();
        if let Some(count) = second.and_then(|second| values.get_mut(second)) {
            *count = if count.is_nan() { 1.0 } else { *count + 1.0 };
        }
    }
    let mut series = Series::made(name, times, values, args.x_files_factor());
    (series.integers, series.consolidation) = (true, Consolidation::Sum);
    Ok(vec![series])
}

/// `changed(seriesList)`: gaps and everything up to the first known value become 0. Source: graphite-web `changed`.
fn changed(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    for series in &mut list {
        series.rename(format!("changed({})", series.name));
        series.integers = true;
        let mut previous = f64::NAN;
        for value in &mut series.values {
            let differs = !value.is_nan() && !previous.is_nan() && *value != previous;
            if !value.is_nan() {
                previous = *value;
            }
            *value = f64::from(u8::from(differs));
        }
    }
    Ok(list)
}

/// `consolidateBy(seriesList, consolidationFunc)`. Name: `consolidateBy(<name>,"<func>")`. Source: graphite-web
/// `consolidateBy`, which takes unknown methods until they are used, and keeps the name that was given.
fn consolidate_by(args: &mut Args<'_, '_>, method: &str) -> Outcome {
    let mut list = args.series()?;
    let consolidation = match method {
        "average" => Consolidation::Average,
        "avg" => Consolidation::Avg,
        "avg_zero" => Consolidation::AverageZero,
        "sum" => Consolidation::Sum,
        "min" => Consolidation::Min,
        "max" => Consolidation::Max,
        "first" => Consolidation::First,
        "last" => Consolidation::Last,
        _ => {
            return Err(args.wrong(
                "consolidationFunc",
                &format!("one of {}", METHODS.join(", ")),
                &format!("`{method}`"),
            ));
        }
    };
    for series in &mut list {
        series.consolidation = consolidation;
        series.tag("consolidateBy", method);
        series.rename(format!("consolidateBy({},\"{method}\")", series.name));
    }
    Ok(list)
}

/// `setXFilesFactor(seriesList, xFilesFactor)`: holds for the series and for the functions around it. Source: graphite-web
/// `setXFilesFactor`, where it also holds for the targets after it.
fn set_x_files_factor(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, share) = (args.series()?, args.float("xFilesFactor")?);
    args.context.x_files_factor = share;
    for series in &mut list {
        series.x_files_factor = share;
        series.tag("xFilesFactor", repr(share));
    }
    Ok(list)
}

/// `randomWalk(name, step=60)`: the walk depends on the name and on nothing else, so that a reload shows it again.
fn random_walk(args: &mut Args<'_, '_>) -> Outcome {
    let mut state = args
        .peek_text("name")
        .bytes()
        .fold(0x9e37_79b9_7f4a_7c15_u64, |state, byte| (state ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3));
    let mut at = 0.0;
    super::transform::over_time(args, |_| {
        let here = at;
        // xorshift64*: good enough for a line that wanders.
        state ^= state >> 12;
        state ^= state << 25;
        state ^= state >> 27;
        at += (state.wrapping_mul(0x2545_f491_4f6c_dd1d) >> 11) as f64 / (1_u64 << 53) as f64 - 0.5;
        here
    })
}

/// `substr(seriesList, start=0, stop=0)`. Source: graphite-web `substr`.
fn substr(args: &mut Args<'_, '_>) -> Outcome {
    let mut list = args.series()?;
    let (start, stop) = (args.number("start")?.truncated(), args.number("stop")?.truncated());
    list.iter_mut().for_each(|series| series.name = sliced(&series.name, start, stop));
    Ok(list)
}

/// Nodes `start` to `stop` (0: to the end) of what stands in the innermost brackets, up to a comma.
pub(super) fn sliced(name: &str, start: i64, stop: i64) -> String {
    let left = name.rfind('(').map_or(0, |at| at + 1);
    let right = name.find(')').unwrap_or(name.len());
    let inner = name.get(left..right).unwrap_or("");
    let nodes: Vec<&str> = inner.split('.').collect();
    let length = nodes.len() as i64;
    let at = |index: i64| (if index < 0 { index + length } else { index }).clamp(0, length) as usize;
    let (from, until) = (at(start), if stop == 0 { nodes.len() } else { at(stop) });
    let joined = nodes.get(from..until).unwrap_or(&[]).join(".");
    joined.split(',').next().unwrap_or("").to_owned()
}

/// A value in thousands or in powers of 1024, with the sign for it. Source: graphite-web `format_units`.
pub(super) fn units(value: f64, system: &str) -> (f64, &'static str) {
    const BINARY: [&str; 5] = ["Pi", "Ti", "Gi", "Mi", "Ki"];
    const SI: [&str; 5] = ["P", "T", "G", "M", "k"];
    let (base, signs) = if system == "binary" { (1024.0_f64, BINARY) } else { (1000.0, SI) };
    for (power, sign) in (1..=5).rev().zip(signs) {
        let size = base.powi(power);
        if value.abs() >= size {
            return (value / size, sign);
        }
    }
    (value, "")
}

/// `cactiStyle(seriesList, system, units)`: columns are as wide as the widest whole value. Source: graphite-web
/// `cactiStyle`.
fn cacti_style(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, system) = (args.series()?, args.optional_text("system")?.filter(|system| !system.is_empty()));
    let unit = args.optional_text("units")?.filter(|unit| !unit.is_empty());
    if let Some(system) = system.as_deref().filter(|system| !matches!(*system, "si" | "binary")) {
        return Err(args.wrong("system", "si or binary", &format!("`{system}`")));
    }
    let format = |value: f64| match (&system, &unit) {
        (Some(system), unit) => {
            let (value, sign) = units(value, system);
            match unit {
                Some(unit) => format!("{value:.2} {sign}{unit}"),
                None => format!("{value:.2}{sign}"),
            }
        }
        (None, Some(unit)) => format!("{value:.2} {unit}"),
        (None, None) => format!("{value:.2}"),
    };
    let columns = [("Current", Reducer::Last), ("Max", Reducer::Max), ("Min", Reducer::Min)];
    let name_width = list.iter().map(|series| series.name.chars().count()).max().unwrap_or(0);
    args.announce(name_width.saturating_mul(list.len()))?;
    let width = |reducer: Reducer| {
        let sample = |series: &Series| match reducer.apply(&series.values) {
            value if value.is_nan() || value == 0.0 => 3.0,
            // Python's whole numbers know no -0.
            value => value.trunc() + 0.0,
        };
        list.iter().map(|series| format(sample(series)).chars().count()).max().unwrap_or(0) + 3
    };
    let widths = columns.map(|(_, reducer)| width(reducer));
    for series in &mut list {
        let mut name = format!("{:<name_width$} ", series.name);
        for ((title, reducer), width) in columns.iter().zip(widths) {
            let value = reducer.apply(&series.values);
            let text = if value.is_nan() { "nan".to_owned() } else { format(value) };
            name.push_str(&format!("{title}:{text:<width$} "));
        }
        series.name = name;
    }
    Ok(list)
}
