//! `diff`: where two files disagree.

use std::io::{self, Write};
use std::path::Path;

use super::arguments::{Arguments, Opt};
use super::json::Json;
use super::number::repr;
use super::{DONE, Failure, JSON, Session, Verb};
use crate::{ArchiveDiff, DiffOptions, Difference, Whisper};

pub(super) const VERB: Verb = Verb {
    name: "diff",
    operands: "[options] path_a path_b",
    about: "Compares two files with the same archives.",
    options: &[
        Opt::flag("summary", "Show only how many points differ"),
        Opt::flag("ignore-empty", "Leave out slots of which one file knows no value"),
        Opt::flag("columns", "Print plain columns"),
        Opt::flag("no-headers", "Print no column headers"),
        Opt::value("until", "TIME", "Unix time of the end of the comparison (default: now)"),
        JSON,
    ],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let [a, b] = arguments.operands.as_slice() else { return Err(Failure::Help) };
    let (path_a, path_b) = (Path::new(a), Path::new(b));
    let until = arguments.parsed("until", "integer")?.filter(|until| *until != 0);
    let options = DiffOptions { ignore_empty: arguments.has("ignore-empty"), until };
    let (a, b) = (Whisper::open_read_only(path_a)?, Whisper::open_read_only(path_b)?);
    let diffs = a.diff(&b, options, session.now)?;
    let (pretty, headers) = (!arguments.has("columns"), !arguments.has("no-headers"));
    match (arguments.has("summary"), arguments.has("json")) {
        (summary, true) => writeln!(session.out, "{}", json(&diffs, path_a, path_b, !summary).to_text(" : "))?,
        (true, false) => write_summary(session.out, &diffs, pretty, headers)?,
        (false, false) => write_points(session.out, &diffs, pretty, headers)?,
    }
    Ok(DONE)
}

fn write_summary(out: &mut dyn Write, diffs: &[ArchiveDiff], pretty: bool, headers: bool) -> io::Result<()> {
    let mut line = |a: &dyn std::fmt::Display, b: &dyn std::fmt::Display, c: &dyn std::fmt::Display| match pretty {
        true => writeln!(out, "{a:>7} {b:>9} {c:>9}"),
        false => writeln!(out, "{a} {b} {c}"),
    };
    if headers {
        line(&"archive", &"total", &"differing")?;
    }
    diffs.iter().try_for_each(|diff| line(&diff.archive, &diff.total, &diff.points.len()))
}

fn write_points(out: &mut dyn Write, diffs: &[ArchiveDiff], pretty: bool, headers: bool) -> io::Result<()> {
    let line = |out: &mut dyn Write, cells: [&str; 4]| {
        let [archive, time, a, b] = cells;
        match pretty {
            true => writeln!(out, "{archive:>7} {time:>11} {a:>13} {b:>13}"),
            false => writeln!(out, "{archive} {time} {a} {b}"),
        }
    };
    if headers {
        line(out, ["archive", "timestamp", "value_a", "value_b"])?;
    }
    for diff in diffs {
        let archive = diff.archive.to_string();
        if pretty {
            writeln!(out, "Archive {archive} ({} of {} datapoints differ)", diff.points.len(), diff.total)?;
            line(out, ["", "timestamp", "value_a", "value_b"])?;
        }
        for point in &diff.points {
            let value = |value: Option<f64>| value.map_or("None".to_owned(), repr);
            let first = if pretty { "" } else { &archive };
            line(out, [first, &point.time.to_string(), &value(point.a), &value(point.b)])?;
        }
    }
    Ok(())
}

/// Keys in the order of the alphabet, as the script sorts them.
fn json(diffs: &[ArchiveDiff], path_a: &Path, path_b: &Path, with_points: bool) -> Json {
    let point = |point: &Difference| {
        Json::Map(vec![
            ("timestamp", Json::Whole(point.time)),
            ("value_a", Json::optional(point.a)),
            ("value_b", Json::optional(point.b)),
        ])
    };
    let archive = |diff: &ArchiveDiff| {
        let mut fields = vec![("archive", Json::Whole(diff.archive as i64))];
        if with_points {
            fields.push(("datapoint", Json::List(diff.points.iter().map(point).collect())));
        }
        fields.push(("points", Json::Whole(diff.points.len() as i64)));
        fields.push(("total", Json::Whole(diff.total as i64)));
        Json::Map(fields)
    };
    Json::Map(vec![
        ("archives", Json::List(diffs.iter().map(archive).collect())),
        ("path_a", Json::Text(path_a.display().to_string())),
        ("path_b", Json::Text(path_b.display().to_string())),
    ])
}
