//! `migrate`: a tree of files given the layouts that storage-schemas.conf and storage-aggregation.conf want now.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};

use super::arguments::{Arguments, Opt};
use super::json::Json;
use super::walk::{is_leftover, metric_of, walk};
use super::{DONE, FAILED, Failure, JSON, Session, Verb, Wanted};
use crate::{Allocation, CreateOptions, Error, Migration, Timestamp, Whisper};

pub(super) const VERB: Verb = Verb {
    name: "migrate",
    operands: "[options] folder",
    about: "Gives the files of a tree the archives and settings that the rules want. A daemon may run meanwhile.
Files that are as they should be are left alone, so an interrupted run is resumed by running it again.",
    options: &[
        Opt::value("schemas", "FILE", "storage-schemas.conf (required)"),
        Opt::value("aggregation", "FILE", "storage-aggregation.conf (default: each file keeps its settings)"),
        Opt::flag("dry-run", "Only say what would be done"),
        Opt::flag("quiet", "Name only the files that could not be migrated"),
        JSON,
    ],
    run,
};

#[derive(Default)]
struct Counts {
    same: i64,
    settings: i64,
    archives: i64,
    failed: i64,
}

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let root = arguments.path(0).ok_or(Failure::Help)?;
    let schemas = arguments.raw("schemas").ok_or_else(|| Failure::Usage("--schemas is required".into()))?;
    let read = session.rules.ok_or_else(|| Failure::Message("this program brings no rules to migrate by".into()))?;
    let layouts = read(Path::new(schemas), arguments.raw("aggregation").map(Path::new)).map_err(Failure::Message)?;
    let (dry, quiet, json) = (arguments.has("dry-run"), arguments.has("quiet"), arguments.has("json"));
    let (paths, mut counts) = list(&root, session)?;
    let mut progress = Progress::new(paths.len());
    for (done, path) in paths.iter().enumerate() {
        progress.show(session.err, done)?;
        let metric = metric_of(&root, path);
        let Some(wanted) = layouts(&metric) else {
            counts.same += 1;
            continue;
        };
        let outcome = migrate(path, wanted, dry, session.now);
        let what = match outcome {
            Ok((Migration::Nothing, _)) => {
                counts.same += 1;
                continue;
            }
            Ok((Migration::Settings, options)) => {
                counts.settings += 1;
                format!("{} {}", options.method, options.x_files_factor)
            }
            Ok((Migration::Archives, options)) => {
                counts.archives += 1;
                format!("{} {} {}", options.retentions, options.method, options.x_files_factor)
            }
            Err(error) => {
                counts.failed += 1;
                progress.clear(session.err)?;
                complain(session, &error)?;
                continue;
            }
        };
        if !quiet && !json {
            progress.clear(session.err)?;
            writeln!(session.out, "{metric}: {}{what}", if dry { "would become " } else { "" })?;
        }
    }
    progress.clear(session.err)?;
    conclude(session, &counts, dry, json)?;
    Ok(if counts.failed == 0 { DONE } else { FAILED })
}

fn list(root: &Path, session: &mut Session) -> Result<(Vec<PathBuf>, Counts), Failure> {
    let (mut paths, mut counts) = (Vec::new(), Counts::default());
    walk(root, |path| -> Result<(), Failure> {
        match path {
            Ok(path) if is_leftover(path) => {}
            Ok(path) => paths.push(path.to_owned()),
            Err(error) => {
                counts.failed += 1;
                complain(session, &error)?;
            }
        }
        Ok(())
    })?;
    Ok((paths, counts))
}

fn complain(session: &mut Session, error: &Error) -> io::Result<()> {
    use std::error::Error as _;
    match error.source() {
        Some(source) => writeln!(session.err, "[ERROR] {error}: {source}"),
        None => writeln!(session.err, "[ERROR] {error}"),
    }
}

/// Does, or in a dry run only finds out, what it takes.
fn migrate(path: &Path, wanted: Wanted, dry: bool, now: Timestamp) -> Result<(Migration, CreateOptions), Error> {
    let file = Whisper::open_read_only(path)?;
    let own = (file.header().method, file.header().x_files_factor);
    let (method, x_files_factor) = wanted.settings.unwrap_or(own);
    let allocation = Allocation::Sparse;
    let options = CreateOptions { retentions: wanted.retentions, method, x_files_factor, allocation };
    let needed = file.migration(&options);
    drop(file);
    if !dry && needed != Migration::Nothing {
        Whisper::migrate(path, &options, now)?;
    }
    Ok((needed, options))
}

fn conclude(session: &mut Session, counts: &Counts, dry: bool, json: bool) -> io::Result<()> {
    let Counts { same, settings, archives, failed } = counts;
    if json {
        let numbers = [("same", same), ("settings", settings), ("archives", archives), ("failed", failed)];
        let report = Json::Map(numbers.map(|(name, number)| (name, Json::Whole(*number))).to_vec());
        return writeln!(session.out, "{}", report.to_text(": "));
    }
    let would = if dry { " (dry run, nothing was changed)" } else { "" };
    writeln!(
        session.out,
        "{same} as they should be, {settings} with other settings, {archives} with other archives, {failed} failed{would}"
    )
}

/// A bar on standard error, only where somebody looks at it.
struct Progress {
    total: usize,
    shown: bool,
    percent: usize,
}

impl Progress {
    const WIDTH: usize = 40;

    fn new(total: usize) -> Progress {
        Progress { total, shown: io::stderr().is_terminal(), percent: usize::MAX }
    }

    fn show(&mut self, err: &mut dyn Write, done: usize) -> io::Result<()> {
        let percent = done * 100 / self.total.max(1);
        if !self.shown || percent == self.percent {
            return Ok(());
        }
        self.percent = percent;
        let filled = percent * Progress::WIDTH / 100;
        write!(
            err,
            "\r[{:<width$}] {percent:3} % of {} files",
            "#".repeat(filled),
            self.total,
            width = Progress::WIDTH
        )?;
        err.flush()
    }

    fn clear(&mut self, err: &mut dyn Write) -> io::Result<()> {
        if !self.shown {
            return Ok(());
        }
        self.percent = usize::MAX;
        write!(err, "\r{:80}\r", "")
    }
}
