//! Series made of nothing but times.

use crate::functions::args::{Args, Outcome};
use crate::functions::server_clock::ServerClock;
use crate::series::{Series, Times};

/// A made-up series over the request's window, whose values are a function of the time.
///
/// A step with a fraction makes values that far apart, each in the second that has begun; the series itself counts whole
/// seconds, as graphite-web's JSON and raw text do, whose CSV and pickle know the fraction.
pub(in crate::functions) fn over_time(args: &mut Args<'_, '_>, mut value: impl FnMut(i64) -> f64) -> Outcome {
    let (name, step) = (args.text("name")?, args.number("step")?.as_f64());
    if step.is_nan() || step < 1.0 {
        return Err(args.wrong("step", "at least a second", &step.to_string()));
    }
    let times = Times { start: args.context.from, end: args.context.until, step: step as i64 };
    args.check_points(times)?;
    let micros = (step * MICROS as f64).round() as i64;
    let at = |place: i64| times.start.saturating_add(micros.saturating_mul(place) / MICROS);
    let values: Vec<f64> = (0..).map(at).take_while(|at| *at < times.end).map(&mut value).collect();
    Ok(vec![Series::made(name, times, values, args.x_files_factor())])
}

/// Of a second.
const MICROS: i64 = 1_000_000;

/// `time(name, step=60)`: from the request's start, unaligned; values and times are what the server's clock makes of
/// them. Source: graphite-web `timeFunction`.
pub(super) fn time_function(args: &mut Args<'_, '_>) -> Outcome {
    let request = args.request();
    let clock = ServerClock::at(request.from, request);
    let mut list = over_time(args, |at| clock.read(at) as f64)?;
    for series in &mut list {
        let until = ServerClock::at(request.until, request);
        (series.start, series.end) = (clock.read(series.start), until.read(series.end));
    }
    Ok(list)
}

/// `sin(name, amplitude=1, step=60)`: as [`time_function`], but the times stay. Source: graphite-web `sinFunction`.
pub(super) fn sin(args: &mut Args<'_, '_>) -> Outcome {
    let (amplitude, request) = (args.float("amplitude")?, args.request());
    let clock = ServerClock::at(request.from, request);
    over_time(args, |at| (clock.read(at) as f64).sin() * amplitude)
}
