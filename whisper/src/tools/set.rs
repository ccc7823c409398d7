//! `set-aggregation-method` and `set-xfilesfactor`: the two settings that can change after creation.

use std::path::Path;

use super::arguments::Arguments;
use super::json::Json;
use super::number::repr;
use super::{DONE, FAILED, Failure, JSON, Session, Verb, open_in_turn};
use crate::{AggregationMethod, Error, Whisper, XFilesFactor};

pub(super) const AGGREGATION_METHOD: Verb = Verb {
    name: "set-aggregation-method",
    operands: "path <average|sum|last|max|min|avg_zero|absmax|absmin> [xFilesFactor]",
    about: "Changes how coarser points are made from now on; stored points stay.",
    options: &[JSON],
    run: set_method,
};

pub(super) const X_FILES_FACTOR: Verb = Verb {
    name: "set-xfilesfactor",
    operands: "path xFilesFactor",
    about: "Changes which share of points must be known for a coarser point, from now on; a number from 0 to 1.",
    options: &[JSON],
    run: set_factor,
};

fn set_method(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let (Some(path), Some(name)) = (arguments.path(0), arguments.text(1)) else { return Err(Failure::Help) };
    let Some(mut file) = open(&path, session, &AGGREGATION_METHOD)? else { return Ok(FAILED) };
    let method: AggregationMethod = name.parse().map_err(Error::from)?;
    let factor = arguments.text(2).map(|text| text.parse::<XFilesFactor>().map_err(Error::from)).transpose()?;
    let old = file.set_aggregation_method(method)?;
    if let Some(factor) = factor {
        file.set_x_files_factor(factor)?;
    }
    file.sync()?;
    let (old, new) = (Json::Text(old.to_string()), Json::Text(name.clone()));
    tell(arguments, session, &path, "aggregation method", old, new)
}

fn set_factor(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let (Some(path), Some(text)) = (arguments.path(0), arguments.text(1)) else {
        return Err(Failure::Usage("the following arguments are required: path, xFilesFactor".into()));
    };
    let share: f64 = text
        .trim()
        .parse()
        .map_err(|_| Failure::Usage(format!("argument xFilesFactor: invalid float value: '{text}'")))?;
    let Some(mut file) = open(&path, session, &X_FILES_FACTOR)? else { return Ok(FAILED) };
    let old = file.set_x_files_factor(XFilesFactor::new(share).map_err(Error::from)?)?;
    file.sync()?;
    tell(arguments, session, &path, "xFilesFactor", Json::Number(old.as_f64()), Json::Number(share))
}

/// A file that does not exist is told together with the help, as the scripts do.
fn open(path: &Path, session: &mut Session, verb: &Verb) -> Result<Option<Whisper>, Failure> {
    match open_in_turn(path) {
        Err(Error::NotFound { .. }) => {
            writeln!(session.err, "[ERROR] File '{}' does not exist!\n", path.display())?;
            verb.write_help(session.out)?;
            Ok(None)
        }
        opened => Ok(Some(opened?)),
    }
}

fn tell(
    arguments: &Arguments,
    session: &mut Session,
    path: &Path,
    what: &str,
    old: Json,
    new: Json,
) -> Result<u8, Failure> {
    if arguments.has("json") {
        let path = Json::Text(path.display().to_string());
        writeln!(session.out, "{}", Json::Map(vec![("path", path), ("old", old), ("new", new)]).to_text(": "))?;
        return Ok(DONE);
    }
    let plain = |value: Json| match value {
        Json::Text(text) => text,
        Json::Number(number) => repr(number),
        _ => String::new(),
    };
    writeln!(session.out, "Updated {what}: {} ({} -> {})", path.display(), plain(old), plain(new))?;
    Ok(DONE)
}
