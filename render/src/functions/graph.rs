//! How series look in pictures; their values stay, but for stacks.

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::idle;
use super::param::{Default, Param, SERIES, Type, optional, required};
use super::server_clock::ServerClock;
use crate::query::{Stop, Value};
use crate::series::{Series, Times};
use crate::target::number::g;

const fn graph(
    name: &'static str,
    params: &'static [Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Graph, params, Body::List(code), says)
}

const LABEL: Param = optional("label", Type::Text);
const COLOR: Param = optional("color", Type::Text);

pub(super) const FUNCTIONS: &[Function] = &[
    graph(
        "alpha",
        &[SERIES, required("alpha", Type::Float)],
        |args| {
            let alpha = args.float("alpha")?;
            styled(args, |series| series.style.alpha = Some(alpha))
        },
        "Sets the opacity.",
    ),
    graph(
        "areaBetween",
        &[SERIES],
        |args| {
            let list = args.series()?;
            between(args, list)
        },
        "Fills the area between two series.",
    ),
    graph(
        "color",
        &[SERIES, required("theColor", Type::Text)],
        |args| {
            let color = color(args)?;
            styled(args, |series| series.style.color = color.clone())
        },
        "Sets the colour.",
    ),
    graph(
        "dashed",
        &[SERIES, optional("dashLength", Type::Integer).or(Default::Integer(5))],
        dashed,
        "Draws a dashed line.",
    ),
    graph(
        "drawAsInfinite",
        &[SERIES],
        |args| {
            styled(args, |series| {
                series.style.draw_as_infinite = true;
                series.tag("drawAsInfinite", 1);
                series.name = format!("drawAsInfinite({})", series.name);
            })
        },
        "Draws a vertical line at each value that is not 0.",
    ),
    graph(
        "lineWidth",
        &[SERIES, required("width", Type::Float)],
        |args| {
            let width = args.float("width")?;
            styled(args, |series| series.style.line_width = Some(width))
        },
        "Sets the line width.",
    ),
    graph(
        "secondYAxis",
        &[SERIES],
        |args| {
            styled(args, |series| {
                series.style.second_y_axis = true;
                series.tag("secondYAxis", 1);
                series.name = format!("secondYAxis({})", series.name);
            })
        },
        "Draws against the right axis.",
    ),
    graph(
        "stacked",
        &[SERIES, optional("stack", Type::Text).at_once(idle::is_list)],
        stacked,
        "Stacks series on top of each other.",
    ),
    graph(
        "threshold",
        &[required("value", Type::Float), LABEL, COLOR],
        threshold,
        "Horizontal line with a label and a colour.",
    ),
    graph("verticalLine", &[required("ts", Type::Date), LABEL, COLOR], vertical_line, "Vertical line at an instant."),
];

/// Marks each series; names, tags and values stay unless `mark` changes them. Source: graphite-web.
fn styled(args: &mut Args<'_, '_>, mark: impl Fn(&mut Series)) -> Outcome {
    let mut list = args.series()?;
    list.iter_mut().for_each(mark);
    Ok(list)
}

/// `dashed(seriesList, dashLength=5)`. Name: `dashed(<name>, <length as %g>)`. Source: graphite-web `dashed`.
fn dashed(args: &mut Args<'_, '_>) -> Outcome {
    let length = args.number("dashLength")?;
    styled(args, |series| {
        series.tag("dashed", length);
        series.name = format!("dashed({}, {})", series.name, g(length.as_f64()));
        series.style.dashed = Some(length.as_f64());
    })
}

/// `areaBetween(seriesList)`: two series, the lower first; both are named after the upper one's path expression. Source:
/// graphite-web `areaBetween`.
pub(super) fn between(args: &Args<'_, '_>, mut list: Vec<Series>) -> Outcome {
    let [lower, upper] = &mut list[..] else {
        return Err(args.wrong("seriesList", "exactly two series", &list.len().to_string()));
    };
    upper.tag("areaBetween", 1);
    lower.tags.clone_from(&upper.tags);
    upper.name = format!("areaBetween({})", upper.path_expression);
    lower.name.clone_from(&upper.name);
    (lower.style.stacked, lower.style.invisible, upper.style.stacked) = (true, true, true);
    Ok(list)
}

/// `stacked(seriesList, stack)`: each series on top of those before it in the request with the same stack. Name:
/// `stacked(<name>)`, unless a stack is named. Source: graphite-web `stacked`.
fn stacked(args: &mut Args<'_, '_>) -> Outcome {
    const UNNAMED: &str = "__DEFAULT__";
    let mut list = args.series()?;
    let stack = args.optional_text("stack")?.unwrap_or_else(|| UNNAMED.to_owned());
    let totals = args.stack(&stack);
    for series in &mut list {
        if totals.len() < series.values.len() {
            totals.resize(series.values.len(), 0.0);
        }
        for (value, total) in series.values.iter_mut().zip(totals.iter_mut()).filter(|(value, _)| !value.is_nan()) {
            *total += *value;
            *value = *total;
        }
        let name = match stack == UNNAMED {
            true => format!("stacked({})", series.name),
            false => series.name.clone(),
        };
        if stack == UNNAMED {
            series.tag("stacked", UNNAMED);
        }
        series.renew(name);
        series.style.stacked = true;
        series.style.stack_name = Some(stack.clone());
    }
    Ok(list)
}

/// `threshold(value, label, color)`. Name: the label, else the value. Source: graphite-web `threshold`.
fn threshold(args: &mut Args<'_, '_>) -> Outcome {
    let (label, color) = (args.optional_text("label")?, args.optional_text("color")?);
    let mut line = super::special::constant(args)?;
    if let Some(label) = label.filter(|label| !label.is_empty()) {
        line.name = label;
    }
    line.style.color = color.filter(|color| !color.is_empty());
    Ok(vec![line])
}

/// A colour. One without quotes reads as a path; graphite-web answers with the data all the same, and old dashboards have
/// such.
fn color(args: &mut Args<'_, '_>) -> Result<Option<String>, Stop> {
    match args.any("theColor") {
        Some(Value::Text(text)) => Ok(Some(text)),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(Value::List(_)) => Ok(None),
        other => {
            let found = other.map_or_else(|| "nothing".to_owned(), |value| value.describe());
            Err(args.wrong("theColor", "a text in quotes", &found))
        }
    }
}

/// `verticalLine(ts, label, color)`: inside the request's window, by the server's clock. Source: graphite-web `verticalLine`, which leaves the
/// name empty without a label where we make one.
fn vertical_line(args: &mut Args<'_, '_>) -> Outcome {
    let (at, label, color) =
        (args.date_in("ts", &args.request().tz)?, args.optional_text("label")?, args.optional_text("color")?);
    let request = args.request();
    let read = |label: i64, at: i64| ServerClock::at(label, request).read(at);
    let at = read(at, at);
    let (from, until) = (read(request.from, args.context.from), read(request.until, args.context.until));
    if !(from..=until).contains(&at) {
        return Err(args.wrong("ts", &format!("a time from {from} to {until}"), &at.to_string()));
    }
    let name = label.unwrap_or_else(|| format!("verticalLine({at})"));
    let mut line = Series::made(name, Times { start: at, end: at, step: 1 }, vec![1.0, 1.0], args.x_files_factor());
    line.style.draw_as_infinite = true;
    line.style.color = color.filter(|color| !color.is_empty());
    Ok(vec![line])
}
