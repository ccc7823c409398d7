//! The axis of time: ticks on round local times, the day under the hour where it changes, the zone named.
//!
//! The distance between labels is the smallest of graphite-web's that leaves each label its room, which gives its table
//! of seconds per pixel; unlike there months and years follow the calendar, and weeks begin on Monday.

use std::ops::Range;

use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};
use plotters::coord::ranged1d::{KeyPointHint, NoDefaultFormatting, Ranged};

use super::TimeRange;
use super::value_axis::nearest;

/// A stretch of time with its labels.
#[derive(Clone, Debug)]
pub(super) struct TimeAxis {
    from: f64,
    until: f64,
    /// Labelled times, in order.
    pub(super) ticks: Vec<TimeTick>,
    minor: Vec<f64>,
    /// Abbreviation of the zone (`EST`, `CET/CEST` if it changes), unless it is UTC.
    pub(super) zone: Option<String>,
}

/// A labelled time.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TimeTick {
    pub(super) time: f64,
    pub(super) label: String,
    /// Date, where it differs from the label's before.
    pub(super) day: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Step {
    Seconds(i64),
    Months(i64),
}

const MINUTE: i64 = 60;
const HOUR: i64 = 3600;
const DAY: i64 = 86_400;

/// Distances between labels, and between the faint lines that go with them.
const STEPS: &[(Step, Step)] = &[
    (Step::Seconds(1), Step::Seconds(1)),
    (Step::Seconds(2), Step::Seconds(1)),
    (Step::Seconds(5), Step::Seconds(1)),
    (Step::Seconds(10), Step::Seconds(5)),
    (Step::Seconds(15), Step::Seconds(5)),
    (Step::Seconds(30), Step::Seconds(10)),
    (Step::Seconds(MINUTE), Step::Seconds(30)),
    (Step::Seconds(2 * MINUTE), Step::Seconds(MINUTE)),
    (Step::Seconds(5 * MINUTE), Step::Seconds(MINUTE)),
    (Step::Seconds(10 * MINUTE), Step::Seconds(2 * MINUTE)),
    (Step::Seconds(20 * MINUTE), Step::Seconds(5 * MINUTE)),
    (Step::Seconds(30 * MINUTE), Step::Seconds(10 * MINUTE)),
    (Step::Seconds(HOUR), Step::Seconds(10 * MINUTE)),
    (Step::Seconds(2 * HOUR), Step::Seconds(30 * MINUTE)),
    (Step::Seconds(4 * HOUR), Step::Seconds(HOUR)),
    (Step::Seconds(6 * HOUR), Step::Seconds(2 * HOUR)),
    (Step::Seconds(12 * HOUR), Step::Seconds(4 * HOUR)),
    (Step::Seconds(DAY), Step::Seconds(6 * HOUR)),
    (Step::Seconds(2 * DAY), Step::Seconds(12 * HOUR)),
    (Step::Seconds(4 * DAY), Step::Seconds(DAY)),
    (Step::Seconds(7 * DAY), Step::Seconds(DAY)),
    (Step::Seconds(14 * DAY), Step::Seconds(7 * DAY)),
    (Step::Months(1), Step::Seconds(7 * DAY)),
    (Step::Months(2), Step::Months(1)),
    (Step::Months(3), Step::Months(1)),
    (Step::Months(6), Step::Months(1)),
    (Step::Months(12), Step::Months(3)),
    (Step::Months(24), Step::Months(12)),
    (Step::Months(60), Step::Months(12)),
    (Step::Months(120), Step::Months(24)),
    (Step::Months(600), Step::Months(120)),
    (Step::Months(1200), Step::Months(240)),
    (Step::Months(6000), Step::Months(1200)),
];

/// More than any picture has room for.
const MOST_TICKS: usize = 2000;

impl TimeAxis {
    /// An axis of `pixels` logical pixels for `range`, with labels as `measure` finds them wide.
    pub(super) fn new(
        range: TimeRange,
        tz: &TimeZone,
        format: Option<&str>,
        pixels: f64,
        measure: &dyn Fn(&str) -> f64,
    ) -> TimeAxis {
        let until = range.until.max(range.from.saturating_add(1));
        let span = (until - range.from) as f64;
        let mut axis = TimeAxis {
            from: range.from as f64,
            until: until as f64,
            ticks: Vec::new(),
            minor: Vec::new(),
            zone: zone(range.from, until, tz),
        };
        for (major, minor) in STEPS {
            // `xFormat` may be much wider than the usual labels.
            let sample = zoned(range.from, tz).map_or(0.0, |time| measure(&label(&time, *major, format)));
            let room = (sample + 18.0).max(54.0);
            if pixels * major.seconds() / span >= room || STEPS.last().is_some_and(|(last, _)| last == major) {
                axis.minor = minor.times(range.from, until, tz);
                axis.ticks = ticks(*major, range.from, until, tz, format);
                // Minor lines closer than this are fog.
                if pixels * minor.seconds() / span < 4.0 {
                    axis.minor.clear();
                }
                axis.minor.retain(|time| axis.ticks.binary_search_by(|tick| tick.time.total_cmp(time)).is_err());
                break;
            }
        }
        axis
    }

    /// Something stands in the second line.
    pub(super) fn names_days(&self) -> bool {
        self.ticks.iter().any(|tick| tick.day.is_some())
    }

    /// Times outside are placed outside, but not farther than one width away.
    fn share(&self, time: f64) -> f64 {
        ((time - self.from) / (self.until - self.from)).clamp(-1.0, 2.0)
    }
}

impl Ranged for TimeAxis {
    type FormatOption = NoDefaultFormatting;
    type ValueType = f64;

    fn map(&self, time: &f64, (from, to): (i32, i32)) -> i32 {
        from + nearest(self.share(*time) * f64::from(to - from))
    }

    fn key_points<Hint: KeyPointHint>(&self, hint: Hint) -> Vec<f64> {
        let labelled = self.ticks.iter().map(|tick| tick.time);
        if hint.weight().allow_light_points() { self.minor.clone() } else { labelled.collect() }
    }

    fn range(&self) -> Range<f64> {
        self.from..self.until
    }
}

impl Step {
    fn seconds(self) -> f64 {
        match self {
            Step::Seconds(seconds) => seconds as f64,
            Step::Months(months) => months as f64 * 30.4 * DAY as f64,
        }
    }

    /// Round local times from `from` to `until`, both included.
    fn times(self, from: i64, until: i64, tz: &TimeZone) -> Vec<f64> {
        match self {
            Step::Seconds(step) => clock_times(step, from, until, tz),
            Step::Months(step) => calendar_times(step, from, until, tz),
        }
    }
}

/// Times whose local clock is a multiple of `step`; the offset is asked anew each time, because it may change on the way.
fn clock_times(step: i64, from: i64, until: i64, tz: &TimeZone) -> Vec<f64> {
    // The epoch was a Thursday; weeks begin on Monday.
    let phase = if step % (7 * DAY) == 0 { 4 * DAY } else { 0 };
    let mut times = Vec::new();
    let mut at = from;
    while at <= until && times.len() < MOST_TICKS {
        let shift = offset(at, tz) - phase;
        let next = at + (-(at + shift)).rem_euclid(step);
        // If the clock changed before that time, the round local time is elsewhere.
        let moved = next + offset(at, tz) - offset(next, tz);
        let next = if offset(moved, tz) == offset(next, tz) && moved >= at { moved } else { next };
        if next <= until {
            times.push(next as f64);
        }
        at = next.max(at) + 1;
    }
    times
}

/// First days of months whose number since year 0 is a multiple of `step`.
fn calendar_times(step: i64, from: i64, until: i64, tz: &TimeZone) -> Vec<f64> {
    let Some(start) = zoned(from, tz) else { return Vec::new() };
    let month = i64::from(start.year()) * 12 + i64::from(start.month()) - 1;
    let first = month.div_euclid(step) * step;
    let midnight = |month: i64| {
        let year = i16::try_from(month.div_euclid(12)).ok()?;
        let date = Date::new(year, month.rem_euclid(12) as i8 + 1, 1).ok()?;
        Some(date.to_zoned(tz.clone()).ok()?.timestamp().as_second())
    };
    let times = (0..MOST_TICKS as i64).map_while(|index| midnight(first + index * step));
    times.skip_while(|time| *time < from).take_while(|time| *time <= until).map(|time| time as f64).collect()
}

fn ticks(step: Step, from: i64, until: i64, tz: &TimeZone, format: Option<&str>) -> Vec<TimeTick> {
    let within_days = step.seconds() < DAY as f64 && format.is_none();
    let mut before: Option<Date> = None;
    let times: Vec<Zoned> = step.times(from, until, tz).iter().filter_map(|time| zoned(*time as i64, tz)).collect();
    // A single day needs no date, as in the reference; where it changes, the first label has one too.
    let changes = zoned(from, tz).zip(times.last()).is_some_and(|(first, last)| first.date() != last.date());
    let several = within_days && changes;
    let tick = |time: &Zoned| {
        let new_day = several && before != Some(time.date());
        before = Some(time.date());
        TimeTick {
            time: time.timestamp().as_second() as f64,
            label: label(time, step, format),
            day: new_day.then(|| time.strftime("%a %-d %b").to_string()),
        }
    };
    times.iter().map(tick).collect()
}

fn label(time: &Zoned, step: Step, format: Option<&str>) -> String {
    let seconds = step.seconds();
    let pattern = match format {
        Some(format) => format,
        None if seconds < MINUTE as f64 => "%H:%M:%S",
        None if seconds < DAY as f64 => "%H:%M",
        None if seconds < 28.0 * DAY as f64 => "%-d %b",
        None if seconds < 360.0 * DAY as f64 => "%b %Y",
        None => "%Y",
    };
    // Lenient: what strftime does not know stays as it was written.
    let config = jiff::fmt::strtime::Config::new().lenient(true);
    let mut text = String::new();
    match jiff::fmt::strtime::BrokenDownTime::from(time).format_with_config(&config, pattern, &mut text) {
        Ok(()) => text,
        Err(_) => pattern.to_owned(),
    }
}

fn zone(from: i64, until: i64, tz: &TimeZone) -> Option<String> {
    let name = |time: i64| zoned(time, tz).map(|time| time.strftime("%Z").to_string());
    let (first, last) = (name(from)?, name(until)?);
    match (first.as_str(), last.as_str()) {
        ("UTC", "UTC") => None,
        _ if first == last => Some(first),
        _ => Some(format!("{first}/{last}")),
    }
}

fn zoned(time: i64, tz: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::from_second(time).ok()?.to_zoned(tz.clone()))
}

fn offset(time: i64, tz: &TimeZone) -> i64 {
    Timestamp::from_second(time).map_or(0, |time| tz.to_offset(time).seconds().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(from: &str, until: &str, zone: &str, pixels: f64, format: Option<&str>) -> TimeAxis {
        let tz = TimeZone::get(zone).unwrap();
        let second = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let range = TimeRange { from: second(from), until: second(until) };
        TimeAxis::new(range, &tz, format, pixels, &|text| text.len() as f64 * 6.5)
    }

    fn labels(axis: &TimeAxis) -> Vec<&str> {
        axis.ticks.iter().map(|tick| tick.label.as_str()).collect()
    }

    #[test]
    fn an_hour_is_labelled_each_five_minutes() {
        let axis = axis("2026-11-01T05:00:00Z", "2026-11-01T06:00:00Z", "UTC", 740.0, None);
        assert_eq!(labels(&axis)[..3], ["05:00", "05:05", "05:10"]);
        assert_eq!(axis.minor.len(), 61 - 13);
        assert_eq!(axis.zone, None);
        assert!(!axis.names_days());
    }

    #[test]
    fn a_change_of_day_is_named() {
        let axis = axis("2026-11-20T07:00:00Z", "2026-11-21T07:00:00Z", "America/New_York", 740.0, None);
        let days: Vec<_> =
            axis.ticks.iter().filter_map(|tick| tick.day.clone().map(|day| (&*tick.label, day))).collect();
        assert_eq!(days, [("02:00", "Fri 20 Nov".to_owned()), ("00:00", "Sat 21 Nov".to_owned())]);
        assert_eq!(axis.zone.as_deref(), Some("EST"));
    }

    #[test]
    fn ticks_stay_on_round_hours_when_the_clocks_change() {
        for (from, until) in
            [("2026-03-28T20:00:00Z", "2026-03-29T20:00:00Z"), ("2026-10-24T20:00:00Z", "2026-10-25T20:00:00Z")]
        {
            let axis = axis(from, until, "Europe/Berlin", 740.0, None);
            let odd: Vec<&str> = labels(&axis)
                .into_iter()
                .filter(|label| !["00:00", "02:00", "04:00", "06:00", "08:00"].contains(label) && *label < "10:00")
                .collect();
            assert!(odd.len() <= 1, "{:?}", labels(&axis));
            assert_eq!(axis.zone.as_deref().map(|zone| zone.contains('/')), Some(true));
        }
    }

    #[test]
    fn weeks_begin_on_monday_and_months_on_the_first() {
        let weeks = axis("2026-09-01T00:00:00Z", "2026-11-21T00:00:00Z", "UTC", 740.0, None);
        assert_eq!(labels(&weeks)[0], "7 Sep");
        let months = axis("2025-12-15T00:00:00Z", "2026-11-21T00:00:00Z", "UTC", 740.0, None);
        assert_eq!(labels(&months)[0], "Jan 2026");
    }

    #[test]
    fn a_format_of_the_request_is_used_and_given_room() {
        let axis = axis("2026-11-19T06:00:00Z", "2026-11-21T06:00:00Z", "UTC", 740.0, Some("%a %H:%M"));
        assert_eq!(labels(&axis)[0], "Thu 06:00");
        assert!(!axis.names_days());
        let odd = self::axis("2026-11-19T06:00:00Z", "2026-11-21T06:00:00Z", "UTC", 740.0, Some("%ö %"));
        assert!(odd.ticks.len() < 20);
    }

    #[test]
    fn any_range_gives_few_ticks() {
        let tz = TimeZone::get("Australia/Lord_Howe").unwrap();
        for span in [0, 1, 7, 100, 86_400, 1 << 24, 1 << 32, 1 << 40, 1 << 61] {
            for from in [0, -1 << 40, 1_790_000_000, i64::MIN / 4] {
                let axis = TimeAxis::new(TimeRange { from, until: from + span }, &tz, None, 740.0, &|_| 30.0);
                assert!(axis.ticks.len() <= 40, "{from} {span}: {}", axis.ticks.len());
            }
        }
    }
}
