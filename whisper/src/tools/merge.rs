//! `merge`: what one file knows, written over another.

use super::arguments::{Arguments, Opt};
use super::json::Json;
use super::{DONE, Failure, JSON, Session, Verb};
use crate::{MergeWindow, Whisper};

pub(super) const VERB: Verb = Verb {
    name: "merge",
    operands: "[options] from_path to_path",
    about: "Writes what one file knows over another with the same archives. The other file is replaced in one step:
interrupted, it is as it was.",
    options: &[
        Opt::value("from", "TIME", "Unix time of the begin (default: epoch)"),
        Opt::value("until", "TIME", "Unix time of the end (default: now)"),
        JSON,
    ],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let (Some(from), Some(to)) = (arguments.path(0), arguments.path(1)) else { return Err(Failure::Help) };
    for path in [&from, &to] {
        if !path.exists() {
            return Err(Failure::Message(format!("File \"{}\" does not exist!", path.display())));
        }
    }
    let window =
        MergeWindow { from: arguments.parsed("from", "integer")?, until: arguments.parsed("until", "integer")? };
    let source = Whisper::open_read_only(&from)?;
    Whisper::change_whole(&to, |copy| copy.merge(&source, window, session.now))?;
    if arguments.has("json") {
        let text = |path: &std::path::Path| Json::Text(path.display().to_string());
        let merged = Json::Map(vec![("from", text(&from)), ("to", text(&to))]);
        writeln!(session.out, "{}", merged.to_text(": "))?;
    }
    Ok(DONE)
}
