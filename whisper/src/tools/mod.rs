//! What the command line verbs do and print.
//!
//! The verbs stand for the `whisper-*.py` scripts: the same options, the same words on standard output, the same exit
//! codes, so that a link named `whisper-info` serves the scripts that called the other one. Beyond these there are
//! `--json` for every verb, and verbs of our own. A verb owns no clock and no stream: `now` and the writers are given.

mod arguments;
mod json;
mod number;
mod words;

mod create;
mod diff;
mod dump;
mod fetch;
mod fill;
mod find;
mod fsck;
mod import;
mod info;
mod merge;
mod migrate;
mod resize;
mod rrd;
mod set;
mod update;
mod walk;

use std::ffi::OsString;
use std::io::{self, BufRead, Write};
use std::path::Path;

use crate::{AggregationMethod, Error, Retentions, Timestamp, Whisper, XFilesFactor};
use arguments::{Arguments, Opt};

/// Exit code of a run that did what it was asked.
const DONE: u8 = 0;
/// Exit code when it could not.
const FAILED: u8 = 1;
/// Exit code for options that do not exist.
const MISUSED: u8 = 2;

/// One verb of the command line.
struct Verb {
    name: &'static str,
    /// What stands behind the verb in the usage line.
    operands: &'static str,
    /// One line that says what it does.
    about: &'static str,
    options: &'static [Opt],
    run: fn(&Arguments, &mut Session) -> Result<u8, Failure>,
}

/// All verbs, in the order of the help.
const VERBS: &[&Verb] = &[
    &info::VERB,
    &create::VERB,
    &update::VERB,
    &fetch::VERB,
    &dump::VERB,
    &diff::VERB,
    &merge::VERB,
    &fill::VERB,
    &resize::VERB,
    &set::AGGREGATION_METHOD,
    &set::X_FILES_FACTOR,
    &find::VERB,
    &fsck::VERB,
    &migrate::VERB,
    &import::VERB,
];

/// What rules want of a file that exists.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Its archives.
    pub retentions: Retentions,
    /// Its aggregation method and xFilesFactor; `None` keeps the file's own.
    pub settings: Option<(AggregationMethod, XFilesFactor)>,
}

/// What is wanted of a metric's file, by its dotted name; `None` leaves the file alone.
pub type Layouts = Box<dyn Fn(&str) -> Option<Wanted>>;

/// Reads storage-schemas.conf and, if given, storage-aggregation.conf. This crate knows no rules; the program that links
/// it brings them along.
pub type ReadRules = dyn Fn(&Path, Option<&Path>) -> Result<Layouts, String>;

/// Everything a verb touches besides files.
pub struct Session<'a> {
    /// The clock.
    pub now: Timestamp,
    /// Standard input, read by `update` without points.
    pub input: &'a mut dyn BufRead,
    /// Standard output.
    pub out: &'a mut dyn Write,
    /// Standard error.
    pub err: &'a mut dyn Write,
    /// What `migrate` reads its rules with; without it the verb says that it needs them.
    pub rules: Option<&'a ReadRules>,
}

/// Why a verb ended early.
enum Failure {
    /// A file refused; printed in the words of the reference, with ours below where they say more.
    Whisper(Error),
    /// Printed after `[ERROR] `.
    Message(String),
    /// Operands are missing: the help is printed.
    Help,
    /// An option or its value is wrong: the usage is printed with this message.
    Usage(String),
    /// Standard output is closed.
    Output(io::Error),
}

impl From<Error> for Failure {
    fn from(error: Error) -> Failure {
        Failure::Whisper(error)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Failure {
        Failure::Output(error)
    }
}

/// Names and one-line descriptions of all verbs.
pub fn verbs() -> impl Iterator<Item = (&'static str, &'static str)> {
    VERBS.iter().map(|verb| (verb.name, verb.about))
}

/// The verb that a program of this name stands for: `whisper-info` and `whisper-info.py` mean `info`.
///
/// ```
/// assert_eq!(whisper::tools::verb_of_link("whisper-set-xfilesfactor.py"), Some("set-xfilesfactor"));
/// assert_eq!(whisper::tools::verb_of_link("plumbago"), None);
/// ```
pub fn verb_of_link(program: &str) -> Option<&'static str> {
    let name = program.strip_suffix(".py").unwrap_or(program);
    let name = name.strip_prefix("whisper-")?;
    verbs().map(|(verb, _)| verb).find(|verb| *verb == name)
}

/// Runs `verb` with what followed it on the command line and gives the exit code. Standard input is the process's own.
pub fn run(verb: &str, args: &[OsString], now: Timestamp, out: &mut dyn Write, err: &mut dyn Write) -> u8 {
    run_in(verb, args, &mut Session { now, input: &mut io::stdin().lock(), out, err, rules: None })
}

/// As [`run`], with every stream given.
pub fn run_in(verb: &str, args: &[OsString], session: &mut Session) -> u8 {
    let Some(verb) = VERBS.iter().find(|known| known.name == verb) else {
        let _ = write_verbs(session.err, verb);
        return MISUSED;
    };
    let mut buffered = io::BufWriter::new(&mut *session.out);
    let mut inner = Session {
        now: session.now,
        input: &mut *session.input,
        out: &mut buffered,
        err: &mut *session.err,
        rules: session.rules,
    };
    let outcome = verb.run(args, &mut inner);
    // What was printed before a failure comes before the message about it.
    let outcome = match buffered.flush() {
        Ok(()) => outcome,
        Err(error) => Err(Failure::Output(error)),
    };
    drop(buffered);
    let told = match outcome {
        Ok(code) => return code,
        Err(failure) => verb.tell(failure, session),
    };
    // Nobody listens any more when even this cannot be written.
    told.unwrap_or(FAILED)
}

impl Verb {
    fn run(&self, args: &[OsString], session: &mut Session) -> Result<u8, Failure> {
        let arguments = Arguments::parse(args, self.options).map_err(Failure::Usage)?;
        if arguments.wants_help() {
            self.write_help(session.out)?;
            return Ok(DONE);
        }
        (self.run)(&arguments, session)
    }

    fn tell(&self, failure: Failure, session: &mut Session) -> io::Result<u8> {
        match failure {
            Failure::Output(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(FAILED),
            Failure::Output(error) => {
                writeln!(session.err, "[ERROR] cannot write the output: {error}").map(|()| FAILED)
            }
            Failure::Message(message) => writeln!(session.err, "[ERROR] {message}").map(|()| FAILED),
            Failure::Whisper(error) => words::write(session.err, &error).map(|()| FAILED),
            Failure::Help => self.write_help(session.out).map(|()| FAILED),
            Failure::Usage(message) => {
                writeln!(session.err, "Usage: whisper-{} {}\n", self.name, self.operands)?;
                writeln!(session.err, "whisper-{}: error: {message}", self.name)?;
                Ok(MISUSED)
            }
        }
    }

    fn write_help(&self, out: &mut dyn Write) -> io::Result<()> {
        writeln!(out, "Usage: whisper-{} {}\n\n{}\n\nOptions:", self.name, self.operands, self.about)?;
        arguments::write_options(out, self.options)
    }
}

/// Opens a file to write to it, in turn with everybody else who does, a running carbon above all. Where the file system
/// has no locks, nobody can take turns.
fn open_in_turn(path: &Path) -> Result<Whisper, Error> {
    loop {
        let file = match Whisper::open_locked(path) {
            Err(error) if error.io_kind() == Some(io::ErrorKind::Unsupported) => return Whisper::open(path),
            opened => opened?,
        };
        // Whoever held the lock may have put another file under the name meanwhile.
        if !file.is_replaced()? {
            return Ok(file);
        }
    }
}

fn write_verbs(err: &mut dyn Write, given: &str) -> io::Result<()> {
    writeln!(err, "[ERROR] there is no verb `{given}`; choose one of")?;
    for (name, about) in verbs() {
        writeln!(err, "  {name:24} {about}")?;
    }
    Ok(())
}

/// `--json`, which every verb knows.
const JSON: Opt = Opt::flag("json", "Output results in JSON form");
