//! `fsck`: are the files sound? With `--repair`, what can be saved is saved; what was damaged is kept in a folder aside.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::arguments::{Arguments, Opt};
use super::json::Json;
use super::walk::{is_leftover, walk};
use super::{DONE, FAILED, Failure, JSON, Session, Verb};
use crate::{Error, Whisper, sync_folder};

pub(super) const VERB: Verb = Verb {
    name: "fsck",
    operands: "[options] path...",
    about:
        "Checks headers, sizes and slots of files or of whole trees. Nothing is ever deleted: --repair moves a damaged
file into the quarantine folder and puts what could be saved in its place. Repair only trees nobody writes to.",
    options: &[
        Opt::flag("repair", "Save what can be saved and set damaged files aside"),
        Opt::value("quarantine", "FOLDER", "Where damaged files go (default: the path with .quarantine)"),
        Opt::flag("verbose", "Name sound files too"),
        JSON,
    ],
    run,
};

/// What came of one path.
struct Outcome {
    path: PathBuf,
    findings: Vec<String>,
    /// What was done about them; `None` if they stay.
    repaired: Option<String>,
}

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    if arguments.operands.is_empty() {
        return Err(Failure::Help);
    }
    let (mut checked, mut damaged, mut open) = (0_i64, Vec::new(), 0_i64);
    for root in &arguments.operands {
        let root = Path::new(root);
        let quarantine = quarantine(arguments, root);
        walk(root, |path| -> Result<(), Failure> {
            checked += 1;
            let outcome = match path {
                Ok(path) => examine(path, root, arguments.has("repair").then_some(&quarantine), session),
                Err(error) => Outcome { path: root.to_owned(), findings: vec![describe(&error)], repaired: None },
            };
            if !arguments.has("json") {
                tell(session, &outcome, arguments.has("verbose"))?;
            }
            if !outcome.findings.is_empty() {
                open += i64::from(outcome.repaired.is_none());
                damaged.push(outcome);
            }
            Ok(())
        })?;
    }
    if arguments.has("json") {
        let entry = |outcome: &Outcome| {
            Json::Map(vec![
                ("path", Json::Text(outcome.path.display().to_string())),
                ("findings", Json::List(outcome.findings.iter().cloned().map(Json::Text).collect())),
                ("repaired", outcome.repaired.clone().map_or(Json::Null, Json::Text)),
            ])
        };
        let report = Json::Map(vec![
            ("checked", Json::Whole(checked)),
            ("damaged", Json::List(damaged.iter().map(entry).collect())),
        ]);
        writeln!(session.out, "{}", report.to_text(": "))?;
    } else {
        let repaired = damaged.len() as i64 - open;
        writeln!(session.out, "Checked {checked} files: {} damaged, {repaired} repaired", damaged.len())?;
    }
    Ok(if open == 0 { DONE } else { FAILED })
}

fn tell(session: &mut Session, outcome: &Outcome, verbose: bool) -> io::Result<()> {
    let path = outcome.path.display();
    if outcome.findings.is_empty() && verbose {
        writeln!(session.out, "{path}: sound")?;
    }
    for finding in &outcome.findings {
        writeln!(session.out, "{path}: {finding}")?;
    }
    match &outcome.repaired {
        Some(repaired) => writeln!(session.out, "{path}: {repaired}"),
        None => Ok(()),
    }
}

/// `tree.quarantine` beside `tree`: the same file system, so that moving is renaming, and outside of what is rendered.
fn quarantine(arguments: &Arguments, root: &Path) -> PathBuf {
    if let Some(folder) = arguments.raw("quarantine") {
        return folder.into();
    }
    let mut name = OsString::from(root.components().as_path());
    name.push(".quarantine");
    name.into()
}

fn examine(path: &Path, root: &Path, quarantine: Option<&PathBuf>, session: &Session) -> Outcome {
    let findings = match Whisper::check(path, session.now) {
        _ if is_leftover(path) => vec!["left behind by an interrupted creation; nothing reads it".to_owned()],
        Ok(findings) => findings.iter().map(ToString::to_string).collect(),
        Err(error) => vec![describe(&error)],
    };
    let mut outcome = Outcome { path: path.to_owned(), findings, repaired: None };
    if let (false, Some(quarantine)) = (outcome.findings.is_empty(), quarantine) {
        match repair(path, root, quarantine, session) {
            Ok(done) => outcome.repaired = Some(done),
            Err(error) => outcome.findings.push(describe(&error)),
        }
    }
    outcome
}

/// With the cause, which the outer message leaves to its source.
fn describe(error: &Error) -> String {
    use std::error::Error as _;
    error.source().map_or_else(|| error.to_string(), |source| format!("{error}: {source}"))
}

fn repair(path: &Path, root: &Path, quarantine: &Path, session: &Session) -> Result<String, Error> {
    let salvaged = match Whisper::salvage(path, session.now) {
        _ if is_leftover(path) => None,
        Err(Error::NotAFile { .. }) => None,
        salvaged => salvaged?,
    };
    let aside = free_name(path, root, quarantine);
    let folder = aside.parent().unwrap_or(quarantine);
    fs::create_dir_all(folder).map_err(|source| Error::io("create", folder, source))?;
    let set_aside = aside.display().to_string();
    match salvaged {
        Some(salvaged) => {
            // First the second name, then the new file under the first: whatever happens between, both contents exist.
            let kept = fs::hard_link(path, &aside).or_else(|_| fs::copy(path, &aside).map(|_| ()));
            kept.map_err(|source| Error::io("keep the damaged file as", &aside, source))?;
            let points = salvaged.points;
            salvaged.put_in_place(path)?;
            sync_folder(path)?;
            Ok(format!("{points} points saved, the damaged file is {set_aside}"))
        }
        None => {
            fs::rename(path, &aside).map_err(|source| Error::io("set aside as", &aside, source))?;
            Ok(format!("nothing could be saved, the file is {set_aside}"))
        }
    }
}

/// A name in quarantine that nobody has, and that no reader takes for a metric.
fn free_name(path: &Path, root: &Path, quarantine: &Path) -> PathBuf {
    let inner = match path.strip_prefix(root) {
        Ok(inner) if !inner.as_os_str().is_empty() => inner,
        _ => Path::new(path.file_name().unwrap_or_default()),
    };
    let mut count = 0;
    loop {
        let mut name = OsString::from(quarantine.join(inner));
        name.push(if count == 0 { ".damaged".to_owned() } else { format!(".damaged.{count}") });
        if fs::symlink_metadata(&name).is_err() {
            return name.into();
        }
        count += 1;
    }
}
