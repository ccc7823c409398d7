//! `fill`: the gaps of one file, closed from another.

use super::arguments::{Arguments, Opt};
use super::json::Json;
use super::{DONE, Failure, JSON, Session, Verb, open_in_turn};
use crate::Whisper;

pub(super) const VERB: Verb = Verb {
    name: "fill",
    operands: "[options] src dst",
    about: "Copies points from src to dst where dst has none.",
    options: &[Opt::flag("lock", "For scripts that give it: the lock of dst is waited for and held in any case"), JSON],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let [_, _] = arguments.operands.as_slice() else { return Err(Failure::Help) };
    let (Some(src), Some(dst)) = (arguments.path(0), arguments.path(1)) else { return Err(Failure::Help) };
    let source = Whisper::open_read_only(&src)?;
    let mut file = open_in_turn(&dst)?;
    file.fill(&source, session.now)?;
    file.sync()?;
    if arguments.has("json") {
        let text = |path: &std::path::Path| Json::Text(path.display().to_string());
        let filled = Json::Map(vec![("src", text(&src)), ("dst", text(&dst))]);
        writeln!(session.out, "{}", filled.to_text(": "))?;
    }
    Ok(DONE)
}
