//! Windows that move along a series: `movingAverage` and its like, `exponentialMovingAverage`, `stdev`.
//!
//! The window of the first point lies before the request, so the first argument is evaluated again from earlier on. How
//! much earlier depends on the step when the window is a number of points.

use super::args::{Args, Outcome, WindowSize};
use super::function::{Body, Function, Group};
use super::literals::Literals;
use super::param::{Default, Param, SERIES, Type, optional, required};
use super::reduce::Reducer;
use super::slide::slide;
use crate::query::{Context, Request};
use crate::series::Series;
use crate::target::number::round;

const WINDOW: Param =
    required("windowSize", Type::IntOrInterval).such_as(&["5", "7", "10", "1min", "5min", "10min", "30min", "1hour"]);
const XFF: Param = optional("xFilesFactor", Type::Float);
const PARAMS: &[Param] = &[SERIES, WINDOW, XFF];

const fn calculate(
    name: &'static str,
    params: &'static [Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Calculate, params, Body::List(code), says)
}

pub(super) const FUNCTIONS: &[Function] = &[
    calculate("exponentialMovingAverage", &[SERIES, WINDOW], exponential, "Average that forgets exponentially.")
        .looks_back(earlier),
    calculate(
        "movingAverage",
        PARAMS,
        |args| moving(args, "average", Reducer::Average),
        "Average over the window that ends at each point.",
    )
    .looks_back(earlier),
    calculate(
        "movingMax",
        PARAMS,
        |args| moving(args, "max", Reducer::Max),
        "Largest value in the window that ends at each point.",
    )
    .looks_back(earlier),
    calculate(
        "movingMedian",
        PARAMS,
        |args| moving(args, "median", Reducer::Median),
        "Median of the window that ends at each point.",
    )
    .looks_back(earlier),
    calculate(
        "movingMin",
        PARAMS,
        |args| moving(args, "min", Reducer::Min),
        "Smallest value in the window that ends at each point.",
    )
    .looks_back(earlier),
    calculate(
        "movingSum",
        PARAMS,
        |args| moving(args, "sum", Reducer::Sum),
        "Sum of the window that ends at each point.",
    )
    .looks_back(earlier),
    calculate(
        "movingWindow",
        &[SERIES, WINDOW, optional("func", Type::AggFunc).or(Default::Text("average")), XFF],
        |args| {
            let (name, reducer) = args.reducer("func")?;
            moving(args, &name, reducer)
        },
        "Reduces the window that ends at each point.",
    )
    .looks_back(earlier),
    calculate(
        "stdev",
        &[SERIES, required("points", Type::Integer), optional("windowTolerance", Type::Float).or(Default::Float(0.1))],
        stdev,
        "Standard deviation of the window that ends at each point.",
    ),
];

fn earlier(args: &Literals<'_>, context: Context, _: &Request) -> Vec<Context> {
    args.interval("windowSize").map(|secs| context.earlier(secs.abs())).into_iter().collect()
}

/// How the argument is read once more.
#[derive(Clone, Copy)]
struct Preview {
    /// So far before the request.
    secs: i64,
    from: i64,
    /// Whether one preview serves all series, as graphite-web has it: the window is a number of points and they have one
    /// step, or it is a multiple of every step. What is read again may still be coarser.
    serves_all: bool,
}

impl Preview {
    fn new(list: &[Series], size: &WindowSize, from: i64) -> Preview {
        let steps = || list.iter().map(|series| series.step);
        let coarsest = steps().max().unwrap_or(1);
        match size {
            WindowSize::Points(points) => {
                let secs = coarsest.saturating_mul(points.truncated());
                Preview { secs, from, serves_all: steps().all(|step| step == coarsest) }
            }
            WindowSize::Time(_, secs) => {
                Preview { secs: *secs, from, serves_all: steps().all(|step| secs % step == 0) }
            }
        }
    }

    /// Points of one window, points before the first result, and seconds from the first point read to that result.
    ///
    /// Graphite-web shifts the finer series of a mixed list, and all of them when the window is no multiple of the step;
    /// there each series drops its own preview. Lines and aligned buckets begin where they want, not behind the start.
    fn window(self, series: &Series, size: &WindowSize) -> (usize, usize, i64) {
        let (secs, step) = (self.secs, series.step);
        let points = match size {
            WindowSize::Points(points) => points.truncated(),
            WindowSize::Time(_, secs) => secs / step,
        };
        let (before, shift) = if self.serves_all {
            (points, secs)
        } else if secs % step == 0 {
            ((secs / step).max(points), secs)
        } else if series.start == self.from - secs {
            (points, secs)
        } else {
            let before = match series.start <= self.from - secs {
                true => points,
                false => ((self.from - series.start).div_euclid(step) + 1).max(points),
            };
            (before, step.saturating_mul(before))
        };
        let cut = |points: i64| usize::try_from(points).unwrap_or(usize::MAX);
        (cut(points), cut(before), shift)
    }
}

fn named(function: &str, series: &Series, size: &WindowSize) -> String {
    match size {
        WindowSize::Points(points) => format!("{function}({},{points})", series.name),
        WindowSize::Time(text, _) => format!("{function}({},\"{text}\")", series.name),
    }
}

fn size_tag(size: &WindowSize) -> String {
    match size {
        WindowSize::Points(points) => points.to_string(),
        WindowSize::Time(text, _) => text.clone(),
    }
}

/// `movingWindow(seriesList, windowSize, func, xFilesFactor)` and its like.
///
/// Shape: the request's window; a point is known if at least xFilesFactor (the argument, else the series') of its window
/// is. Name and tag: `moving<Func>`, the window in quotes if it is a length of time. Source: graphite-web `movingWindow`.
fn moving(args: &mut Args<'_, '_>, func: &str, reducer: Reducer) -> Outcome {
    let (list, size, xff) = (args.series()?, args.window("windowSize")?, args.optional_float("xFilesFactor")?);
    if list.is_empty() {
        return Ok(list);
    }
    let preview = Preview::new(&list, &size, args.context.from);
    drop(list);
    let mut list = args.again(args.context.earlier(preview.secs))?;
    let function = format!("moving{}", capitalized(func));
    for series in &mut list {
        let (points, before, shift) = preview.window(series, &size);
        args.check_work(points.saturating_mul(series.values.len().saturating_sub(before)))?;
        let xff = xff.unwrap_or(series.x_files_factor);
        series.tag(&function, size_tag(&size));
        series.renew(named(&function, series, &size));
        series.values = slide(&series.values, points, before, reducer, xff, args.pulse())?.into();
        series.start += shift;
        series.integers = series.integers && reducer.keeps_integers() || reducer == Reducer::Count;
    }
    Ok(list)
}

/// Python's `capitalize`: the first letter large, the others small.
fn capitalized(word: &str) -> String {
    let mut letters = word.chars();
    let first = letters.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(letters.map(|c| c.to_ascii_lowercase())).collect()
}

/// `exponentialMovingAverage(seriesList, windowSize)`: warmed up over one window before the request; the average of the
/// warm-up is the first value. Rounded to six decimals. The constant is 2/(window+1), the window in seconds if it is a
/// length of time. Source: graphite-web `exponentialMovingAverage`.
fn exponential(args: &mut Args<'_, '_>) -> Outcome {
    let (list, size) = (args.series()?, args.window("windowSize")?);
    if list.is_empty() {
        return Ok(list);
    }
    let preview = Preview::new(&list, &size, args.context.from);
    let window_size = match &size {
        WindowSize::Points(points) => points.truncated(),
        WindowSize::Time(_, secs) => *secs,
    };
    let weight = 2.0 / (window_size as f64 + 1.0);
    drop(list);
    let mut list = args.again(args.context.earlier(preview.secs))?;
    for series in &mut list {
        let (_, before, shift) = preview.window(series, &size);
        series.tag("exponentialMovingAverage", size_tag(&size));
        series.renew(named("exponentialMovingAverage", series, &size));
        let warm = before.min(series.values.len());
        let mut average = Reducer::Average.apply(&series.values[..warm]);
        // Python's `or 0`: a whole number stands for an average that is unknown or zero.
        let is_nothing = average.is_nan() || average == 0.0;
        if is_nothing {
            average = 0.0;
        }
        let mut result = Vec::with_capacity(series.values.len() - warm + 1);
        result.push(round(average, 6));
        for value in &series.values[warm..] {
            if !value.is_nan() {
                average = weight * value + (1.0 - weight) * average;
            }
            result.push(if value.is_nan() { f64::NAN } else { round(average, 6) });
        }
        series.start += shift;
        (series.values, series.integers) = (result.into(), false);
        series.values.spell_whole(is_nothing.then_some(true));
    }
    Ok(list)
}

/// `stdev(seriesList, points, windowTolerance=0.1)`: windows at the beginning are short; a point is known if at least
/// `windowTolerance` of a full window is, none of them in a window of 0. Source: graphite-web `stdev`.
fn stdev(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, points, tolerance) = (args.series()?, args.integer("points")?, args.float("windowTolerance")?);
    if points < 0 {
        return Err(args.wrong("points", "at least 0", &points.to_string()));
    }
    for series in &mut list {
        let window = usize::try_from(points).unwrap_or(usize::MAX);
        // Python squares whole numbers of any size; ours stay exact near zero, where the deviation is the same.
        let origin = series.values.iter().copied().find(|v| series.integers && !v.is_nan()).unwrap_or(0.0);
        let (mut known, mut sum, mut squares) = (0.0, 0.0, 0.0);
        let mut result = Vec::with_capacity(series.values.len());
        for (index, value) in series.values.iter().map(|v| v - origin).enumerate() {
            if let Some(gone) = index.checked_sub(window).map(|at| series.values[at] - origin).filter(|v| !v.is_nan()) {
                known -= 1.0;
                sum -= gone;
                squares -= gone * gone;
            }
            if !value.is_nan() {
                known += 1.0;
                sum += value;
                squares += value * value;
            }
            let enough = known > 0.0 && known / points as f64 >= tolerance;
            result.push(if enough { (known * squares - sum * sum).sqrt() / known } else { f64::NAN });
        }
        (series.values, series.integers) = (result.into(), false);
        series.tag("stdev", points);
        series.renew(format!("stdev({},{points})", series.name));
    }
    Ok(list)
}
