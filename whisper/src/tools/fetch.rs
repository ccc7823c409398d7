//! `fetch`: the values of a window, one a line.

use super::arguments::{Arguments, Opt};
use super::number::{fixed, local, repr};
use super::{DONE, Failure, JSON, Session, Verb};
use crate::{FetchedSeconds, Seconds, Whisper};

pub(super) const VERB: Verb = Verb {
    name: "fetch",
    operands: "[options] path",
    about: "Shows the values of a window, by default of the last 24 hours.",
    options: &[
        Opt::value("from", "TIME", "Unix time of the begin of the window (default: 24 hours ago)"),
        Opt::value("until", "TIME", "Unix time of the end of the window (default: now)"),
        JSON,
        Opt::flag("pretty", "Show local times instead of unix times"),
        Opt::value("time-format", "FORMAT", "Format of times with --pretty, as strftime").letter('t'),
        Opt::value("drop", "WHICH", "Leave out `nulls`, `zeroes`, or both (`empty`)"),
    ],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let [_] = arguments.operands.as_slice() else { return Err(Failure::Help) };
    let path = arguments.path(0).ok_or(Failure::Help)?;
    let now = session.now.as_i64();
    let from = arguments.parsed("from", "integer")?.unwrap_or(now - 24 * 3600);
    let until = arguments.parsed("until", "integer")?.unwrap_or(now);
    let keeps = keeps(arguments)?;
    let file = Whisper::open_read_only(&path)?;
    let Some(fetched) = file.fetch_seconds(&Seconds { from, until, now, step: None })? else {
        // The script says this without its usual mark.
        writeln!(session.err, "No data in selected timerange")?;
        return Ok(super::FAILED);
    };
    if arguments.has("json") {
        return write_json(session, &fetched, keeps);
    }
    let format = arguments.raw("time-format").map(|format| format.to_string_lossy());
    for (time, value) in (fetched.from..).step_by(fetched.step as usize).zip(fetched.values) {
        if !keeps(value) {
            continue;
        }
        let time = match arguments.has("pretty") {
            true => local(time, format.as_deref()).map_err(Failure::Message)?,
            false => time.to_string(),
        };
        writeln!(session.out, "{time}\t{}", value.map_or("None".into(), fixed))?;
    }
    Ok(DONE)
}

type Keeps = fn(Option<f64>) -> bool;

fn keeps(arguments: &Arguments) -> Result<Keeps, Failure> {
    let Some(which) = arguments.raw("drop") else { return Ok(|_| true) };
    Ok(match which.to_string_lossy().as_ref() {
        "nulls" => |value| value.is_some(),
        "zeroes" => |value| value != Some(0.0),
        "empty" => |value| value.is_some_and(|value| value != 0.0),
        other => {
            let message = format!("option --drop: invalid choice: '{other}' (choose from 'zeroes', 'nulls', 'empty')");
            return Err(Failure::Usage(message));
        }
    })
}

fn write_json(session: &mut Session, fetched: &FetchedSeconds, keeps: Keeps) -> Result<u8, Failure> {
    let FetchedSeconds { from, until, step, values } = fetched;
    // What JSON has no number for is shown as a gap; the script prints `nan`, which no JSON reader takes.
    let text = |value: &Option<f64>| value.filter(|value| value.is_finite()).map_or("null".to_owned(), repr);
    let values: Vec<String> = values.iter().filter(|value| keeps(**value)).map(text).collect();
    let values = values.join(", ");
    writeln!(
        session.out,
        "{{\n    \"start\" : {from},\n    \"end\" : {until},\n    \"step\" : {step},\n    \"values\" : [{values}]\n  }}"
    )?;
    Ok(DONE)
}
