//! Sentences of `/explain`: why a value is what it is.

use carbon_storage::{FileOrigin, Origin, Slot};
use serde_json::{Value, json};

use super::told::Told;
use crate::query::value_at;
use crate::series::Series;

/// Series whose own reasons are repeated for the answer's.
const MOST_REASONS: usize = 3;

/// Why the answer's series has what it has at a time: its last change first, then what is below.
pub(super) fn why(told: &Told, before: &Series, after: &Series, at: i64) -> String {
    if let Some(value) = value_at(after, at) {
        return format!("known, {value}");
    }
    if at < after.start || at >= end(after) {
        return format!("{at} lies outside of this series, which goes from {} until {}", after.start, after.end);
    }
    if after.step != before.step {
        let group = at - (at - after.start).rem_euclid(after.step.max(1));
        let times = (group..group + after.step).step_by(usize::try_from(before.step).unwrap_or(1).max(1));
        let known = times.filter(|time| value_at(before, *time).is_some()).count();
        if known > 0 {
            let (of, factor) = (after.values_per_point, after.x_files_factor);
            return format!(
                "maxDataPoints joins {of} points to one; {known} of them are known, too few for xFilesFactor {factor}"
            );
        }
    }
    // The last function that was given something and gave nothing.
    let target = told.stages.iter().rev().find(|stage| stage.series.iter().any(|seen| seen.name == before.name));
    let number = target.map(|stage| stage.target);
    let stages = || told.stages.iter().filter(|stage| number.is_none_or(|number| stage.target == number));
    let made_null = stages().rev().find(|stage| {
        let given: usize = stage.given.iter().map(|tally| tally.known_at).sum();
        stage.function.is_some() && given > 0 && stage.gave.known_at < stage.gave.series
    });
    if let Some(stage) = made_null {
        let (given, of): (usize, usize) =
            stage.given.iter().fold((0, 0), |(known, all), tally| (known + tally.known_at, all + tally.series));
        let function = stage.function.as_deref().unwrap_or_default();
        return format!("{function}() made it null: {given} of the {of} series that it was given are known then");
    }
    let mut reasons: Vec<String> = told
        .origins
        .iter()
        .filter(|origin| stages().any(|stage| stage.series.iter().any(|seen| seen.name == origin.name.as_str())))
        .map(|origin| format!("{}: {}", origin.name, of_origin(origin, at, told.now)))
        .collect();
    match reasons.len() {
        0 => "nothing was read for it".to_owned(),
        more if more > MOST_REASONS => {
            reasons.truncate(MOST_REASONS);
            format!("{}; and {} more like that", reasons.join("; "), more - MOST_REASONS)
        }
        _ => reasons.join("; "),
    }
}

/// Where a series ends, also where its last point goes beyond the window.
fn end(series: &Series) -> i64 {
    let points = i64::try_from(series.values.len()).unwrap_or(i64::MAX);
    series.end.max(series.start.saturating_add(series.step.saturating_mul(points)))
}

/// Why there is no series at all.
pub(super) fn nothing(told: &Told) -> String {
    let empty = told.stages.iter().find(|stage| stage.gave.series == 0);
    match empty {
        Some(stage) if stage.function.is_none() => {
            format!("no series that matches `{}` has a file for this time, nor points that wait", stage.text)
        }
        Some(stage) => format!("{}() left no series", stage.function.as_deref().unwrap_or_default()),
        None => "the targets name no series".to_owned(),
    }
}

/// What the storage has of a series at a time, as a sentence.
fn of_origin(origin: &Origin, at: i64, now: i64) -> String {
    let file = match &origin.file {
        _ if at > now => return "that is still to come".to_owned(),
        None if origin.waiting.is_empty() => return "there is no file, and no point waits".to_owned(),
        None => None,
        Some(Err(error)) if error.is_damage() => {
            return "its file is damaged; `plumbago whisper fsck` says how".to_owned();
        }
        Some(Err(_)) => return "its file cannot be read; the server's log says why".to_owned(),
        Some(Ok(file)) => Some(file),
    };
    let step = file
        .and_then(|file| file.archives.iter().find(|archive| archive.answers))
        .map_or(1, |archive| archive.retention.step.as_i64());
    let waits = origin.waiting.iter().any(|point| point.time.as_i64().div_euclid(step) == at.div_euclid(step));
    match file {
        None if waits => "known, in the cache only: it has no file yet".to_owned(),
        None => "it has no file yet, and no point for that time waits".to_owned(),
        Some(file) => of_file(file, at, now, waits),
    }
}

fn of_file(file: &FileOrigin, at: i64, now: i64, waits: bool) -> String {
    let longest = file
        .archives
        .iter()
        .map(|archive| archive.retention.step.as_i64() * i64::from(archive.retention.points.get()))
        .max();
    if longest.is_none_or(|longest| at <= now - longest) {
        return format!("that is older than the {} s that its file keeps", longest.unwrap_or(0));
    }
    let Some(archive) = file.archives.iter().find(|archive| archive.answers) else {
        return "no archive of its file answers for this time".to_owned();
    };
    let step = archive.retention.step.secs();
    let first = file.archives.iter().filter_map(|archive| archive.times).map(|(first, _)| first.as_i64()).min();
    match archive.at {
        Some(Slot::Value(value)) if waits => {
            format!("known, {value} in its archive of {step} s, and newer points wait in the cache")
        }
        Some(Slot::Value(value)) => format!("known, {value} in its archive of {step} s"),
        _ if waits => "known, in the cache only: its point waits to be written".to_owned(),
        _ if first.is_none() => "its file has no point at all".to_owned(),
        _ if first.is_some_and(|first| at < first) => {
            format!("that is before its first point, which is of {}", first.unwrap_or(0))
        }
        Some(Slot::Beyond) | None => format!("that is older than its archive of {step} s reaches"),
        Some(Slot::Never | Slot::Other(_)) => {
            let finer = file.archives.iter().filter(|other| other.retention.step.secs() < step);
            if finer.clone().any(|other| matches!(other.at, Some(Slot::Value(_)))) {
                let factor = file.x_files_factor.as_f64();
                return format!(
                    "its archive of {step} s has nothing there, though a finer one has: too few points for xFilesFactor {factor}"
                );
            }
            match archive.at {
                Some(Slot::Other(time)) => format!(
                    "no point came for that slot of {step} s; it still has the one of {}, a round of the archive before",
                    time.as_i64()
                ),
                _ => format!("no point ever came for that slot of {step} s"),
            }
        }
    }
}

/// A series that was read, with its file and its archives.
pub(super) fn origin_value(origin: &Origin, told: &Told) -> Value {
    let mut value =
        json!({ "name": origin.name.as_str(), "file": null, "waiting": { "points": origin.waiting.len() } });
    if let (Some(first), Some(last)) = (origin.waiting.first(), origin.waiting.last()) {
        value["waiting"]["from"] = first.time.as_i64().into();
        value["waiting"]["until"] = last.time.as_i64().into();
    }
    if let Some(Ok(file)) = &origin.file {
        value["file"] = file.place.as_str().into();
        value["method"] = file.method.to_string().into();
        value["xFilesFactor"] = file.x_files_factor.as_f64().into();
        let archives = file.archives.iter().map(|archive| {
            let mut value = json!({
                "step": archive.retention.step.secs(), "points": archive.retention.points.get(),
                "answers": archive.answers, "slots": archive.slots, "known": archive.known,
            });
            if let Some((first, last)) = archive.times {
                value["oldest"] = first.as_i64().into();
                value["newest"] = last.as_i64().into();
            }
            value
        });
        value["archives"] = archives.collect();
    }
    if let Some(at) = told.at {
        value["why"] = of_origin(origin, at, told.now).into();
    }
    value
}
