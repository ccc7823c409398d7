//! The grammar of `at(1)` as graphite-web speaks it: a reference (`now`, `noon yesterday`, `nov1`), then an offset.

use jiff::civil::{Date, DateTime, Time, date};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan};

use super::{TimeFault, offset};

const MONTHS: [&str; 12] = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const WEEKDAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

/// Python's calendar begins and ends here, in seconds since the epoch.
const YEAR_1: i64 = -62_135_596_800;
const YEAR_10_000: i64 = 253_402_300_800;

/// Seconds since the epoch that `text` stands for, seen at `now` from the zone `tz`; the empty text is `now`.
///
/// Blanks, commas and underscores do not count. Digits alone are seconds since the epoch, unless eight of them look
/// like a day (`20261031`). A day without a time of day is its midnight in `tz`; midnights that daylight saving skips
/// or repeats are read as standard time. Source: graphite-web `attime.py`, 1.1.10.
///
/// # Errors
/// Says which part is not understood.
pub fn parse(text: &str, now: i64, tz: &TimeZone) -> Result<i64, TimeFault> {
    let plain: String =
        text.trim().chars().filter(|c| !matches!(c, '_' | ',' | ' ')).flat_map(char::to_lowercase).collect();
    if let Some(epoch) = epoch(&plain) {
        return epoch.ok_or_else(|| TimeFault::new(text, "the number of seconds is out of range"));
    }
    let cut = plain.find('+').or_else(|| plain.find('-')).unwrap_or(plain.len());
    let (reference, rest) = plain.split_at(cut);
    let reference = reference_at(reference, now, tz).map_err(|reason| TimeFault::new(text, reason))?;
    let offset = offset(rest).map_err(|fault| TimeFault { text: TimeFault::new(text, "").text, ..fault })?;
    let at = reference.checked_add(offset).filter(|at| (YEAR_1..YEAR_10_000).contains(at));
    at.ok_or_else(|| TimeFault::new(text, "it lies too far away"))
}

/// `None` when the text is no epoch, `Some(None)` when it is one beyond what a calendar reaches.
fn epoch(text: &str) -> Option<Option<i64>> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) || is_day(text) {
        return None;
    }
    Some(text.parse().ok().filter(|secs| Timestamp::from_second(*secs).is_ok()))
}

/// Whether eight digits are meant as YYYYMMDD.
fn is_day(text: &str) -> bool {
    let number = |range: std::ops::Range<usize>| text.get(range).and_then(|part| part.parse::<u32>().ok()).unwrap_or(0);
    text.len() == 8 && number(0..4) > 1900 && number(4..6) < 13 && number(6..8) < 32
}

fn reference_at(text: &str, now: i64, tz: &TimeZone) -> Result<i64, String> {
    if text.is_empty() || text == "now" {
        return Ok(now);
    }
    let today = Timestamp::from_second(now).map_err(|_| "the clock is out of range".to_owned())?.to_zoned(tz.clone());
    let (time, day) = time_of_day(text)?;
    let day = day_of(day, today.date()).ok_or_else(|| format!("`{text}` is no day or time of day"))??;
    let local = tz.to_ambiguous_zoned(DateTime::from_parts(day, time));
    // Python reads an hour that happens twice as standard time, which is the later of both.
    local.later().map(|zoned| zoned.timestamp().as_second()).map_err(|_| "the day is out of range".to_owned())
}

/// The time of day in front of `text` (midnight if there is none), and what follows it.
fn time_of_day(text: &str) -> Result<(Time, &str), String> {
    let (mut hour, mut minute, mut rest) = (0, 0, text);
    let number = |part: &str| part.parse::<i64>().map_err(|_| format!("`{part}` is no number of hours or minutes"));
    if let Some(colon @ 1..=2) = rest.find(':') {
        let after = &rest[colon + 1..];
        let digits = after.char_indices().nth(2).map_or(after.len(), |(at, _)| at);
        (hour, minute, rest) = (number(&rest[..colon])?, number(&after[..digits])?, &after[digits..]);
        if let Some(after) = rest.strip_prefix("am") {
            rest = after;
        } else if let Some(after) = rest.strip_prefix("pm") {
            (hour, rest) = ((hour + 12) % 24, after);
        }
    }
    if let Some(at @ 1..=2) = rest.find("am") {
        (hour, rest) = (number(&rest[..at])?, &rest[at + 2..]);
    }
    if let Some(at @ 1..=2) = rest.find("pm") {
        (hour, rest) = ((number(&rest[..at])?.saturating_add(12)) % 24, &rest[at + 2..]);
    }
    for (word, at) in [("noon", 12), ("midnight", 0), ("teatime", 16)] {
        if let Some(after) = rest.strip_prefix(word) {
            (hour, minute, rest) = (at, 0, after);
            break;
        }
    }
    let (hour, minute) = (i8::try_from(hour), i8::try_from(minute));
    let time = hour.ok().zip(minute.ok()).and_then(|(hour, minute)| Time::new(hour, minute, 0, 0).ok());
    time.map(|time| (time, rest)).ok_or_else(|| "hours run from 0 to 23, minutes from 0 to 59".to_owned())
}

/// The day that `text` names; `None` when it names none.
fn day_of(text: &str, today: Date) -> Option<Result<Date, String>> {
    let out_of_range = |_| "the day is out of range".to_owned();
    match text {
        "" | "today" => return Some(Ok(today)),
        "yesterday" => return Some(today.yesterday().map_err(out_of_range)),
        "tomorrow" => return Some(today.tomorrow().map_err(out_of_range)),
        _ => {}
    }
    let number = |part: &str| part.parse::<i64>().ok();
    if text.matches('/').count() == 2 {
        let mut parts = text.split('/').map(number);
        let (month, day, year) = (parts.next()??, parts.next()??, parts.next()??);
        let year = if year < 1900 { year.saturating_add(1900) } else { year };
        let year = if year < 1970 { year + 100 } else { year };
        return Some(civil(year, month, day));
    }
    if text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit()) {
        return Some(civil(number(&text[..4])?, number(&text[4..6])?, number(&text[6..])?));
    }
    let name = text.get(..3)?;
    if let Some(month) = MONTHS.iter().position(|known| *known == name) {
        let digits = text.bytes().rev().take(2).take_while(u8::is_ascii_digit).count();
        let Some(day) = number(&text[text.len() - digits..]) else {
            return Some(Err("a month's name wants a day of the month after it".to_owned()));
        };
        return Some(civil(i64::from(today.year()), month as i64 + 1, day));
    }
    let weekday = WEEKDAYS.iter().position(|known| *known == name)? as i64;
    let back = (i64::from(today.weekday().to_sunday_zero_offset()) - weekday).rem_euclid(7);
    Some(today.checked_sub(back.days()).map_err(out_of_range))
}

fn civil(year: i64, month: i64, day: i64) -> Result<Date, String> {
    let fault = || format!("there is no day {day} in month {month} of {year}");
    let (year, month, day) = (
        i16::try_from(year).ok().filter(|year| (1..=9999).contains(year)).ok_or_else(fault)?,
        i8::try_from(month).map_err(|_| fault())?,
        i8::try_from(day).map_err(|_| fault())?,
    );
    if !(1..=12).contains(&month) || !(1..=date(year, month, 1).days_in_month()).contains(&day) {
        return Err(fault());
    }
    Ok(date(year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2026-11-01 06:00 UTC, a Sunday; the hour in which New York leaves daylight saving.
    const NOW: i64 = 1_793_512_800;

    #[track_caller]
    fn check(text: &str, expected: i64) {
        assert_eq!(parse(text, NOW, &TimeZone::UTC), Ok(expected), "{text}");
    }

    fn zone(name: &str) -> TimeZone {
        TimeZone::get(name).unwrap()
    }

    #[test]
    fn offsets_count_from_now() {
        check("", NOW);
        check("now", NOW);
        check("-1h30min", NOW - 5_400);
        check("now+10min", NOW + 600);
        check("-1_h", NOW - 3_600);
    }

    #[test]
    fn digits_are_seconds_unless_they_look_like_a_day() {
        check("1793512800", NOW);
        check("20261031", 1_793_404_800);
        check("19001301", 19_001_301);
    }

    #[test]
    fn days_and_times_of_day_are_read() {
        check("midnight", 1_793_491_200);
        check("noon yesterday", 1_793_448_000);
        check("04:00_20261031", 1_793_404_800 + 4 * 3_600);
        check("12:30am", 1_793_491_200 + 12 * 3_600 + 1_800);
        check("12:30pm", 1_793_491_200 + 1_800);
        check("5pm today", 1_793_491_200 + 17 * 3_600);
        check("teatime-10h", 1_793_491_200 + 6 * 3_600);
        check("10/31/26", 1_793_404_800);
        check("oct31", 1_793_404_800);
        check("october 31", 1_793_404_800);
        check("sunday", 1_793_491_200);
        check("monday", 1_793_491_200 - 6 * 86_400);
    }

    #[test]
    fn midnight_is_that_of_the_zone() {
        assert_eq!(parse("midnight", NOW, &zone("Asia/Kolkata")), Ok(1_793_491_200 - 19_800));
        // 02:00 EDT is followed by 01:00 EST; the repeated hour is read as standard time.
        assert_eq!(parse("01:30", NOW, &zone("America/New_York")), Ok(1_793_491_200 + 6 * 3_600 + 1_800));
        // 02:30 does not exist on this day in Berlin.
        assert_eq!(parse("02:30_20260329", NOW, &zone("Europe/Berlin")), Ok(1_774_747_800));
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "bogus",
            "25:00",
            "now-1h+50min",
            "-10m",
            "-29d-23h",
            "oct",
            "20260231",
            "13/13/2026",
            "1:é",
            "é:1",
            "-999999d",
        ] {
            assert!(parse(text, NOW, &TimeZone::UTC).is_err(), "{text}");
        }
        assert!(parse("99999999999999999999", NOW, &TimeZone::UTC).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_makes_the_reader_panic(text in "\\PC{0,24}|[-+0-9a-z:/ ]{0,24}") {
            let _ = parse(&text, NOW, &TimeZone::UTC);
        }
    }
}
