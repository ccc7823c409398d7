//! `resize`: the points of a file in other archives.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};

use super::arguments::{Arguments, Opt};
use super::create::retentions;
use super::json::Json;
use super::{DONE, FAILED, Failure, JSON, Session, Verb};
use crate::{Allocation, CreateOptions, Error, Resampled, Whisper, XFilesFactor, sync_folder};

pub(super) const VERB: Verb = Verb {
    name: "resize",
    operands: "[options] path timePerPoint:timeToStore [timePerPoint:timeToStore]*

timePerPoint and timeToStore specify lengths of time, for example:

60:1440      60 seconds per datapoint, 1440 datapoints = 1 day of retention
15m:8        15 minutes per datapoint, 8 datapoints = 2 hours of retention
1h:7d        1 hour per datapoint, 7 days of retention
12h:2y       12 hours per datapoint, 2 years of retention",
    about: "Gives a file other archives. The old file stays as path.bak; interrupted, it is as it was.",
    options: &[
        Opt::value("xFilesFactor", "SHARE", "Change the xFilesFactor"),
        Opt::value("aggregationMethod", "METHOD", "Change the aggregation method"),
        Opt::flag("force", "Accepted for the sake of scripts; the change is always made"),
        Opt::value("newfile", "PATH", "Write to this new file and leave the old one alone"),
        Opt::flag("nobackup", "Remove the .bak file in the end"),
        Opt::flag("aggregate", "Make the points of each new archive from all old ones"),
        Opt::flag("sparse", "Take the blocks on disk as points arrive (default)"),
        Opt::flag("fallocate", "Let the file system reserve the blocks"),
        Opt::flag("quiet", "Print nothing but errors"),
        JSON,
    ],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let (Some(path), true) = (arguments.path(0), arguments.operands.len() > 1) else { return Err(Failure::Help) };
    let old = match Whisper::open_read_only(&path) {
        Err(Error::NotFound { .. }) => {
            writeln!(session.err, "[ERROR] File '{}' does not exist!\n", path.display())?;
            VERB.write_help(session.out)?;
            return Ok(FAILED);
        }
        opened => opened?,
    };
    let share: Option<f64> = arguments.parsed("xFilesFactor", "floating-point")?;
    let options = options(arguments, &old, share)?;
    let told = !arguments.has("quiet") && !arguments.has("json");
    let mut say = |line: &str| if told { writeln!(session.out, "{line}") } else { Ok(()) };
    say("Retrieving all data from the archives")?;
    let new_path = arguments.raw("newfile").map_or_else(|| suffixed(&path, ".tmp"), PathBuf::from);
    let in_place = !arguments.has("newfile");
    if in_place && new_path.exists() {
        say(&format!("Removing previous temporary database file: {}", new_path.display()))?;
        fs::remove_file(&new_path).map_err(|source| Error::io("remove", &new_path, source))?;
    }
    say(&format!("Creating new whisper database: {}", new_path.display()))?;
    let mut new = Whisper::create(&new_path, &options)?;
    let moved = move_points(arguments, session, &old, &mut new, share, told);
    let moved = moved.and_then(|()| Ok(new.sync()?));
    if let (Err(_), true) = (&moved, in_place) {
        // The old file was not touched; what was begun beside it is of no use to anybody.
        let _ = fs::remove_file(&new_path);
    }
    moved?;
    if in_place {
        old.keep_owner(&new)?;
        put_in_place(arguments, session, &path, &new_path, told)?;
    }
    if arguments.has("json") {
        let shown = if in_place { &path } else { &new_path };
        let path = Json::Text(shown.display().to_string());
        let resized = Json::Map(vec![("path", path), ("fileSize", Json::Whole(new.file_size()? as i64))]);
        writeln!(session.out, "{}", resized.to_text(": "))?;
    }
    Ok(DONE)
}

fn options(arguments: &Arguments, old: &Whisper, share: Option<f64>) -> Result<CreateOptions, Failure> {
    Ok(CreateOptions {
        retentions: retentions(arguments, 1)?,
        method: match arguments.raw("aggregationMethod") {
            Some(name) => name.to_string_lossy().parse().map_err(Error::from)?,
            None => old.header().method,
        },
        x_files_factor: match share {
            Some(share) => XFilesFactor::new(share).map_err(Error::from)?,
            None => old.header().x_files_factor,
        },
        allocation: if arguments.has("fallocate") { Allocation::Reserved } else { Allocation::Sparse },
    })
}

fn move_points(
    arguments: &Arguments,
    session: &mut Session,
    old: &Whisper,
    new: &mut Whisper,
    share: Option<f64>,
    told: bool,
) -> Result<(), Failure> {
    let mut say = |line: &str| if told { writeln!(session.out, "{line}") } else { Ok(()) };
    say(&format!("Created: {} ({} bytes)", new.path().display(), new.file_size()?))?;
    if !arguments.has("aggregate") {
        say("Migrating data without aggregation...")?;
        return Ok(new.take_points(old, session.now)?);
    }
    say("Migrating data with aggregation...")?;
    let Resampled { times, windows } =
        new.resample(old, share.unwrap_or(old.header().x_files_factor.as_f64()), session.now)?;
    let times: Vec<String> = times.iter().map(i64::to_string).collect();
    say(&format!("oldtimestamps: [{}]", times.join(", ")))?;
    for (begin, end, step) in windows {
        say(&format!("({begin},{end},{step})"))?;
        // As Python shows a range; it leaves out a step of 1.
        let step = if step == 1 { String::new() } else { format!(", {step}") };
        say(&format!("timepoints_to_update: range({begin}, {end}{step})"))?;
    }
    Ok(())
}

/// The old file gets a second name, then the new one takes the first in one step: at no time is the name without a file.
fn put_in_place(
    arguments: &Arguments,
    session: &mut Session,
    path: &Path,
    new_path: &Path,
    told: bool,
) -> Result<(), Failure> {
    let mut say = |line: String| if told { writeln!(session.out, "{line}") } else { Ok(()) };
    let backup = suffixed(path, ".bak");
    say(format!("Renaming old database to: {}", backup.display()))?;
    match fs::remove_file(&backup) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            return Err(Error::io("remove", &backup, error).into());
        }
        _ => {}
    }
    // Not every file system has hard links.
    fs::hard_link(path, &backup)
        .or_else(|_| fs::copy(path, &backup).map(|_| ()))
        .map_err(|source| Error::io("keep the old file as", &backup, source))?;
    say(format!("Renaming new database to: {}", path.display()))?;
    fs::rename(new_path, path).map_err(|source| Error::io("rename to", path, source))?;
    if arguments.has("nobackup") {
        say(format!("Unlinking backup: {}", backup.display()))?;
        fs::remove_file(&backup).map_err(|source| Error::io("remove", &backup, source))?;
    }
    Ok(sync_folder(path)?)
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(suffix);
    name.into()
}
