//! Values gathered into buckets of time: `summarize`, `smartSummarize`, `hitcount`.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::idle;
use super::literals::Literals;
use super::param::{Default, Param, SERIES, Type, optional, required};
use super::reduce::Reducer;
use crate::query::{Context, Request, Stop, Value};
use crate::series::{Series, Times};
use crate::time::Unit;

const INTERVAL: Param =
    required("intervalString", Type::Interval).at_once(idle::no_interval).such_as(&["10min", "1h", "1d"]);
const FUNC: Param = optional("func", Type::AggFunc).or(Default::Text("sum"));

pub(super) const FUNCTIONS: &[Function] = &[
    Function::new(
        "summarize",
        Group::Transform,
        &[SERIES, INTERVAL, FUNC, optional("alignToFrom", Type::Boolean).or(Default::Boolean(false))],
        Body::List(summarize),
        "Gathers values into buckets of equal length.",
    ),
    Function::new(
        "smartSummarize",
        Group::Transform,
        &[
            SERIES,
            INTERVAL,
            FUNC,
            optional("alignTo", Type::Text)
                .at_once(idle::no_unit)
                .of(&["years", "months", "weeks", "days", "hours", "minutes", "seconds"]),
        ],
        Body::List(smart_summarize),
        "Gathers values into buckets that begin with the request, or with a unit of the calendar.",
    )
    .looks_back(|args, context, request| {
        let unit = args.text("alignTo").and_then(|text| aligned(context.from, text, request));
        unit.map(|from| Context { from, ..context }).into_iter().collect()
    }),
    Function::new(
        "hitcount",
        Group::Transform,
        &[SERIES, INTERVAL, optional("alignToInterval", Type::Boolean).or(Default::Boolean(false))],
        Body::List(hitcount),
        "Integral of the values over buckets of equal length.",
    )
    .looks_back(hitcount_windows),
];

/// Buckets of equal length that begin at `start`; the last is the one that reaches `end`.
#[derive(Clone, Copy, Debug)]
pub(super) struct Buckets {
    pub(super) start: i64,
    pub(super) end: i64,
    pub(super) interval: i64,
}

impl Buckets {
    /// The reduced values, and where the last bucket ends.
    ///
    /// A bucket is known if at least the series' xFilesFactor of the values that fit into it is. A value belongs to the
    /// bucket in which it begins; when buckets are shorter than steps, the ones without a beginning are gaps. Source:
    /// graphite-web `_summarizeValues`.
    pub(super) fn fill(self, series: &Series, reducer: Reducer) -> (Vec<f64>, i64) {
        let Buckets { start, end, interval } = self;
        let fitting = interval as f64 / series.step as f64;
        let in_window = (series.end - series.start + series.step - 1).max(0) / series.step;
        let values = &series.values[..series.values.len().min(usize::try_from(in_window).unwrap_or(0))];
        let time = |index: usize| series.start + index as i64 * series.step;
        let mut result = Vec::with_capacity(usize::try_from((end - start) / interval + 1).unwrap_or(0));
        let (mut bucket, mut at) = (start, 0);
        let mut buffer = Vec::new();
        while bucket < end {
            let (mut first, mut known) = (at, 0_usize);
            while at < values.len() && time(at) < bucket + interval {
                if time(at) <= bucket {
                    first = at;
                }
                known += usize::from(time(at) >= bucket && !values[at].is_nan());
                at += 1;
            }
            let enough = known > 0 && known as f64 / fitting >= series.x_files_factor;
            result.push(if enough { reducer.apply_with(&values[first..at], &mut buffer) } else { f64::NAN });
            bucket += interval;
        }
        (result, bucket)
    }

    fn check(self, args: &mut Args<'_, '_>) -> Result<(), Stop> {
        args.check_points(Times { start: self.start, end: self.end, step: self.interval })
    }
}

/// `summarize(seriesList, intervalString, func="sum", alignToFrom=false)`.
///
/// Shape: one value per interval; buckets lie at multiples of the interval since the epoch, so the first may begin
/// before the request, and one more follows the last, unless `alignToFrom`. Name: `summarize(<name>, "1h", "sum")`, with
/// `, true` if aligned. Source: graphite-web `summarize`.
fn summarize(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, (text, interval)) = (args.series()?, args.bucket("intervalString")?);
    let ((func, reducer), align) = (args.reducer("func")?, args.truth("alignToFrom"));
    for series in &mut list {
        let buckets = match align {
            true => Buckets { start: series.start, end: series.end, interval },
            false => Buckets {
                start: series.start - series.start.rem_euclid(interval),
                end: series.end - series.end.rem_euclid(interval) + interval,
                interval,
            },
        };
        buckets.check(args)?;
        let (values, last) = buckets.fill(series, reducer);
        series.values = values.into();
        (series.start, series.step) = (buckets.start, interval);
        series.end = if align { last } else { buckets.end };
        series.integers = series.integers && reducer.keeps_integers() || reducer == Reducer::Count;
        series.tag("summarize", &text);
        series.tag("summarizeFunction", &func);
        let aligned = if align { ", true" } else { "" };
        series.renew(format!("summarize({}, \"{text}\", \"{func}\"{aligned})", series.name));
    }
    Ok(list)
}

/// `smartSummarize(seriesList, intervalString, func="sum", alignTo)`: buckets begin at the first point; with `alignTo`
/// the request begins earlier, at the start of that unit in the request's zone. Source: graphite-web `smartSummarize`.
fn smart_summarize(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, (text, interval)) = (args.series()?, args.bucket("intervalString")?);
    let (func, reducer) = args.reducer("func")?;
    // A truth value here is what old dashboards pass; graphite-web ignores it.
    let align = match args.any("alignTo") {
        None | Some(Value::Boolean(_)) => None,
        Some(Value::Text(unit)) => Some(unit),
        Some(other) => return Err(args.wrong("alignTo", "a unit such as days", &other.describe())),
    };
    if let Some(unit) = align {
        let Some(from) = aligned(args.context.from, &unit, args.request()) else {
            return Err(args.wrong("alignTo", "a unit such as days or weeks1", &format!("`{unit}`")));
        };
        list = args.again(Context { from, ..*args.context })?;
    }
    for series in &mut list {
        let buckets = Buckets { start: series.start, end: series.end, interval };
        buckets.check(args)?;
        let (values, last) = buckets.fill(series, reducer);
        (series.values, series.step, series.end) = (values.into(), interval, last);
        series.integers = series.integers && reducer.keeps_integers() || reducer == Reducer::Count;
        series.tag("smartSummarize", &text);
        series.tag("smartSummarizeFunction", &func);
        series.renew(format!("smartSummarize({}, \"{text}\", \"{func}\")", series.name));
    }
    Ok(list)
}

/// The start of the year, month, week (`weeks3` begins on Wednesday), day, hour, minute or second that holds `from`;
/// `None` if `unit` is none of them. As in graphite-web, the offset from UTC is the one at the start of the request, also
/// for days on the other side of a change of the clocks.
fn aligned(from: i64, unit: &str, request: &Request) -> Option<i64> {
    let offset = request.tz.to_offset(Timestamp::from_second(request.from).ok()?);
    let zoned = Timestamp::from_second(from).ok()?.to_zoned(TimeZone::fixed(offset));
    let midnight = |zoned: Zoned| zoned.start_of_day().ok();
    let aligned = match Unit::parse(unit)? {
        Unit::Year => midnight(zoned.first_of_year().ok()?)?,
        Unit::Month => midnight(zoned.first_of_month().ok()?)?,
        Unit::Week => {
            let first = match unit.chars().last() {
                Some(c) if !c.is_alphabetic() => i64::from(c.to_digit(10)?),
                _ => i64::from(Weekday::Monday.to_monday_one_offset()),
            };
            let back = i64::from(zoned.weekday().to_monday_one_offset()) - first;
            let back = if back < 0 { back + 7 } else { back };
            midnight(zoned.checked_sub(back.days()).ok()?)?
        }
        Unit::Day => midnight(zoned)?,
        Unit::Hour => floor(&zoned, Time::new(zoned.hour(), 0, 0, 0).ok()?)?,
        Unit::Minute => floor(&zoned, Time::new(zoned.hour(), zoned.minute(), 0, 0).ok()?)?,
        Unit::Second => zoned,
    };
    Some(aligned.timestamp().as_second())
}

/// The instant of this hour or minute; the offset stays, so that a repeated hour is not mistaken for the other one.
fn floor(zoned: &Zoned, time: Time) -> Option<Zoned> {
    let since = zoned.time().duration_since(time);
    zoned.checked_sub(since).ok()
}

fn hitcount_windows(args: &Literals<'_>, context: Context, request: &Request) -> Vec<Context> {
    let interval = args.interval("intervalString").filter(|_| args.boolean("alignToInterval"));
    interval
        .and_then(|secs| aligned(context.from, hitcount_unit(secs), request))
        .map(|from| Context { from, ..context })
        .into_iter()
        .collect()
}

fn hitcount_unit(interval: i64) -> &'static str {
    match interval {
        86_400.. => "days",
        3_600.. => "hours",
        60.. => "minutes",
        _ => "seconds",
    }
}

/// `hitcount(seriesList, intervalString, alignToInterval=false)`: value times seconds, spread over the buckets that each
/// point's step overlaps. Buckets are aligned to the end of the series; with `alignToInterval` they begin at the day,
/// hour or minute. Source: graphite-web `hitcount`.
fn hitcount(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, (text, interval)) = (args.series()?, args.bucket("intervalString")?);
    let align = args.truth("alignToInterval");
    if align {
        let from = aligned(args.context.from, hitcount_unit(interval), args.request()).unwrap_or(args.context.from);
        list = args.again(Context { from, ..*args.context })?;
        for series in &mut list {
            let whole = (series.end - series.start).div_euclid(interval);
            series.end = series.start + whole * interval + interval;
        }
    }
    for series in &mut list {
        args.check_points(Times { start: series.start, end: series.end, step: interval })?;
        let count = (series.end - series.start + interval - 1).div_euclid(interval).max(0);
        let start = series.end - count * interval;
        series.values = hits(series, start, interval, count as usize).into();
        (series.start, series.step, series.integers) = (start, interval, false);
        series.tag("hitcount", &text);
        let aligned = if align { ", true" } else { "" };
        series.renew(format!("hitcount({}, \"{text}\"{aligned})", series.name));
    }
    Ok(list)
}

fn hits(series: &Series, start: i64, interval: i64, count: usize) -> Vec<f64> {
    let mut buckets = vec![f64::NAN; count];
    let mut add = |bucket: i64, hits: f64| {
        if let Some(sum) = usize::try_from(bucket).ok().and_then(|bucket| buckets.get_mut(bucket)) {
            *sum = if sum.is_nan() { hits } else { *sum + hits };
        }
    };
    for (index, value) in series.values.iter().enumerate().filter(|(_, value)| !value.is_nan()) {
        let begin = series.start + index as i64 * series.step - start;
        let end = begin + series.step;
        let (first, first_rest) = (begin.div_euclid(interval), begin.rem_euclid(interval));
        let (mut last, mut last_rest) = (end.div_euclid(interval), end.rem_euclid(interval));
        if last >= count as i64 {
            (last, last_rest) = (count as i64 - 1, interval);
        }
        if first == last {
            add(first, value * (last_rest - first_rest) as f64);
            continue;
        }
        add(first, value * (interval - first_rest) as f64);
        for bucket in (first + 1).max(0)..last {
            add(bucket, value * interval as f64);
        }
        if last_rest > 0 {
            add(last, value * last_rest as f64);
        }
    }
    buckets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn units_keep_the_offset_of_the_request() {
        let instant = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let now = instant("2026-10-26T09:15:30Z");
        let tz = TimeZone::get("Europe/Berlin").unwrap();
        let request = Request { tz, ..Request::new(now, now + 60, now + 60) };
        for (unit, expected) in [
            ("seconds", "2026-10-26T09:15:30Z"),
            ("hours", "2026-10-26T09:00:00Z"),
            ("days", "2026-10-25T23:00:00Z"),
            ("weeks7", "2026-10-24T23:00:00Z"),
            ("months", "2026-09-30T23:00:00Z"),
            ("years", "2025-12-31T23:00:00Z"),
        ] {
            assert_eq!(aligned(now, unit, &request), Some(instant(expected)), "{unit}");
        }
        assert_eq!(aligned(now, "fortnights", &request), None);
    }
}
