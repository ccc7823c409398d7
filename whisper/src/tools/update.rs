//! `update`: points from the command line or, without any, from standard input, one `time:value` a line.

use std::io::BufRead;

use super::arguments::Arguments;
use super::json::Json;
use super::{DONE, Failure, JSON, Session, Verb, open_in_turn};
use crate::{Point, Timestamp};

pub(super) const VERB: Verb = Verb {
    name: "update",
    operands: "[options] path [timestamp:value]*",
    about: "Writes points; `N` as the timestamp is now. Without points they are read from standard input, one a line.
One point must be within the file's time; of several, those too old are dropped.",
    options: &[JSON],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let path = arguments.path(0).ok_or(Failure::Help)?;
    let now = session.now;
    let points: Vec<Point> = if arguments.operands.len() > 1 {
        arguments.operands[1..].iter().map(|text| parse(&text.to_string_lossy(), now)).collect::<Result<_, _>>()?
    } else {
        let mut points = Vec::new();
        for line in (&mut *session.input).lines() {
            let line = line.map_err(|error| Failure::Message(format!("cannot read standard input: {error}")))?;
            points.push(parse(&line, now)?);
        }
        points
    };
    let mut file = open_in_turn(&path)?;
    match points.as_slice() {
        [point] => file.update(*point, now)?,
        points => file.update_many(points, now)?,
    }
    if arguments.has("json") {
        let path = Json::Text(path.display().to_string());
        let updated = Json::Map(vec![("path", path), ("points", Json::Whole(points.len() as i64))]);
        writeln!(session.out, "{}", updated.to_text(": "))?;
    }
    Ok(DONE)
}

fn parse(text: &str, now: Timestamp) -> Result<Point, Failure> {
    let refuse = |what: &str| Failure::Message(format!("point `{text}`: {what}; write it as time:value"));
    let (time, value) = text.trim().split_once(':').ok_or_else(|| refuse("there is no colon"))?;
    let time = match time.trim() {
        "N" => now,
        time => Timestamp::from_secs(time.parse().map_err(|_| refuse("the time is not in whole seconds"))?),
    };
    let value = value.trim().parse().map_err(|_| refuse("the value is no number"))?;
    Ok(Point { time, value })
}
