//! The Whisper tools, as `plumbago whisper info` and through links named `whisper-info` or `whisper-info.py`.

use std::env;
use std::ffi::OsString;
use std::io::{stderr, stdout};
use std::path::Path;
use std::process::ExitCode;
use std::time::{SystemTime, UNIX_EPOCH};

use whisper::{Timestamp, tools};

/// Runs the tool that the program was called as, if it was called as one.
pub(crate) fn by_program_name() -> Option<ExitCode> {
    let mut arguments = env::args_os();
    let name = arguments.next()?;
    let verb = tools::verb_of_link(Path::new(&name).file_name()?.to_str()?)?;
    Some(run(verb, &arguments.collect::<Vec<_>>()))
}

/// Runs `plumbago whisper` with a verb and its arguments; without any it lists the verbs.
pub(crate) fn whisper(arguments: &[OsString]) -> ExitCode {
    match arguments.split_first() {
        Some((verb, rest)) if verb != "--help" && verb != "-h" => run(&verb.to_string_lossy(), rest),
        asked => {
            println!("Usage: plumbago whisper VERB [ARGUMENTS]; each verb has its own --help\n");
            tools::verbs().for_each(|(verb, about)| println!("  {verb:24} {about}"));
            if asked.is_some() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
    }
}

fn run(verb: &str, arguments: &[OsString]) -> ExitCode {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = Timestamp::saturating_from(i64::try_from(now).unwrap_or(i64::MAX));
    ExitCode::from(tools::run(verb, arguments, now, &mut stdout(), &mut stderr()))
}
