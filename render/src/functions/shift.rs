//! The same question asked about another time: `timeShift`, `timeStack`.

use jiff::Timestamp;

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::idle;
use super::param::{Default, SERIES, Type, optional, required};
use super::server_clock::ServerClock;
use crate::query::{Context, Request};
use crate::time;

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "timeShift",
        Group::Transform,
        &[
            SERIES,
            required("timeShift", Type::Interval)
                .at_once(idle::no_interval_text)
                .such_as(&["1h", "6h", "12h", "1d", "2d", "7d", "14d", "30d"]),
            optional("resetEnd", Type::Boolean).or(Default::Boolean(true)),
            optional("alignDst", Type::Boolean).or(Default::Boolean(false)),
        ],
        Body::List(time_shift),
        "Shows another time as if it were now.",
    )
    .looks_back(|args, context, request| {
        let secs = args.text("timeShift").and_then(|text| time::offset(&backwards(text)).ok());
        secs.map(|secs| shifted(context, secs, args.boolean("alignDst"), request)).into_iter().collect()
    }),
    Function::new(
        "timeStack",
        Group::Transform,
        &[
            SERIES,
            optional("timeShiftUnit", Type::Interval)
                .or(Default::Text("1d"))
                .at_once(idle::no_interval_text)
                .such_as(&["1h", "6h", "12h", "1d", "2d", "7d", "14d", "30d"]),
            optional("timeShiftStart", Type::Integer).or(Default::Integer(0)),
            optional("timeShiftEnd", Type::Integer).or(Default::Integer(7)),
        ],
        Body::List(time_stack),
        "Shows several earlier times as if they were now.",
    )
    .looks_back(|args, context, request| {
        let unit = args.text("timeShiftUnit").and_then(|text| time::offset(&backwards(text)).ok());
        let (from, until) = (args.integer("timeShiftStart"), args.integer("timeShiftEnd"));
        let (Some(unit), Some(from), Some(until)) = (unit, from, until) else { return Vec::new() };
        let count = until.saturating_sub(from).min(request.limits.windows as i64);
        (from..from.saturating_add(count)).map(|times| context.shifted(unit.saturating_mul(times))).collect()
    }),
];

/// An offset without a sign goes back in time.
fn backwards(text: &str) -> String {
    if text.starts_with(|c: char| c.is_ascii_digit()) { format!("-{text}") } else { text.to_owned() }
}

/// The window `secs` away; with `align`, an hour further if one window lies wholly in the daylight saving of the server's
/// zone and the other wholly not.
fn shifted(context: Context, secs: i64, align: bool, request: &Request) -> Context {
    let there = context.shifted(secs);
    let summer = |label: i64, secs: i64| {
        let secs = ServerClock::at(label, request).read(secs);
        let instant = Timestamp::from_second(secs).unwrap_or(Timestamp::UNIX_EPOCH);
        request.server_tz.to_offset_info(instant).dst().is_dst()
    };
    let both = |context: Context| (summer(request.from, context.from), summer(request.until, context.until));
    match (both(context), both(there)) {
        ((true, true), (false, false)) if align => there.shifted(3_600),
        ((false, false), (true, true)) if align => there.shifted(-3_600),
        _ => there,
    }
}

/// `timeShift(seriesList, timeShift, resetEnd=true, alignDst=false)`: times are moved to the start of the first
/// unshifted series. Name: `timeShift(<name>, "-1d")`. Source: graphite-web `timeShift`.
fn time_shift(args: &mut Args<'_, '_>) -> Outcome {
    let (list, (text, _)) = (args.series()?, args.interval("timeShift")?);
    if text.is_empty() {
        return Err(args.wrong("timeShift", "a length of time such as 1h", "an empty text"));
    }
    let (reset_end, align) = (args.truth("resetEnd"), args.truth("alignDst"));
    let text = backwards(&text);
    let secs = time::offset(&text).unwrap_or_default();
    let mut shifted = args.again(shifted(*args.context, secs, align, args.request()))?;
    let Some(first) = list.first() else { return Ok(Vec::new()) };
    for series in &mut shifted {
        series.tag("timeShift", &text);
        series.name = format!("timeShift({}, \"{text}\")", series.name);
        series.end = if reset_end { first.end } else { series.end - series.start + first.start };
        series.start = first.start;
    }
    Ok(shifted)
}

/// `timeStack(seriesList, timeShiftUnit="1d", timeShiftStart=0, timeShiftEnd=7)`. Name: `timeShift(<name>, -1d, 0)`,
/// without quotes. Source: graphite-web `timeStack`.
fn time_stack(args: &mut Args<'_, '_>) -> Outcome {
    let (list, (text, _)) = (args.series()?, args.interval("timeShiftUnit")?);
    let (from, until) = (args.number("timeShiftStart")?.truncated(), args.number("timeShiftEnd")?.truncated());
    let text = backwards(&text);
    let unit = time::offset(&text).unwrap_or_default();
    let Some(first) = list.first().map(|series| series.times()) else { return Ok(Vec::new()) };
    let windows = args.request().limits.windows as i64;
    if until.saturating_sub(from) > windows {
        return Err(args.wrong("timeShiftEnd", &format!("at most {windows} shifts"), &until.to_string()));
    }
    let contexts: Vec<Context> = (from..until).map(|times| args.context.shifted(unit.saturating_mul(times))).collect();
    let mut results = Vec::new();
    for (times, list) in (from..until).zip(args.again_over(&contexts)?) {
        for mut series in list {
            series.tag("timeShiftUnit", &text);
            series.tag("timeShift", times);
            series.rename(format!("timeShift({}, {text}, {times})", series.name));
            (series.start, series.end) = (first.start, first.end);
            results.push(series);
        }
    }
    Ok(results)
}
