//! `create`: a new file, or an estimate of what it would take.

use super::arguments::{Arguments, Opt};
use super::json::Json;
use super::{DONE, Failure, JSON, Session, Verb};
use crate::{Allocation, CreateOptions, Error, Retention, Retentions, Whisper, XFilesFactor, sync_folder};

pub(super) const VERB: Verb = Verb {
    name: "create",
    operands: "[options] path timePerPoint:timeToStore [timePerPoint:timeToStore]*
       whisper-create --estimate timePerPoint:timeToStore [timePerPoint:timeToStore]*

timePerPoint and timeToStore specify lengths of time, for example:

60:1440      60 seconds per datapoint, 1440 datapoints = 1 day of retention
15m:8        15 minutes per datapoint, 8 datapoints = 2 hours of retention
1h:7d        1 hour per datapoint, 7 days of retention
12h:2y       12 hours per datapoint, 2 years of retention",
    about: "Creates a file without points. It appears complete or not at all.",
    options: &[
        Opt::value("xFilesFactor", "SHARE", "Share of points that must be known for a coarser point (default: 0.5)"),
        Opt::value("aggregationMethod", "METHOD", "average, sum, last, max, min, avg_zero, absmax or absmin"),
        Opt::flag("overwrite", "Replace an existing file"),
        Opt::flag("estimate", "Do not create a file, estimate the storage it would take"),
        Opt::flag("sparse", "Take the blocks on disk as points arrive"),
        Opt::flag("fallocate", "Let the file system reserve the blocks"),
        JSON,
    ],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    if arguments.has("estimate") {
        return estimate(arguments, session);
    }
    let (Some(path), true) = (arguments.path(0), arguments.operands.len() > 1) else { return Err(Failure::Help) };
    let options = CreateOptions {
        retentions: retentions(arguments, 1)?,
        method: match arguments.raw("aggregationMethod") {
            Some(name) => name.to_string_lossy().parse().map_err(Error::from)?,
            None => Default::default(),
        },
        x_files_factor: match arguments.parsed("xFilesFactor", "floating-point")? {
            Some(share) => XFilesFactor::new(share).map_err(Error::from)?,
            None => XFilesFactor::default(),
        },
        allocation: match (arguments.has("fallocate"), arguments.has("sparse")) {
            (true, _) => Allocation::Reserved,
            (_, true) => Allocation::Sparse,
            _ => Allocation::Zeroed,
        },
    };
    let json = arguments.has("json");
    let file = if arguments.has("overwrite") && path.exists() {
        if !json {
            writeln!(session.out, "Overwriting existing file: {}", path.display())?;
        }
        Whisper::create_or_replace(&path, &options)?
    } else {
        Whisper::create(&path, &options)?
    };
    file.sync()?;
    sync_folder(&path)?;
    let size = file.file_size()?;
    if json {
        let path = Json::Text(path.display().to_string());
        let created = Json::Map(vec![("path", path), ("fileSize", Json::Whole(size as i64))]);
        writeln!(session.out, "{}", created.to_text(": "))?;
    } else {
        writeln!(session.out, "Created: {} ({size} bytes)", path.display())?;
    }
    Ok(DONE)
}

/// The operands from `first` on as a checked list of archives.
pub(super) fn retentions(arguments: &Arguments, first: usize) -> Result<Retentions, Failure> {
    Ok(Retentions::new(parse_all(arguments, first)?).map_err(Error::from)?)
}

fn parse_all(arguments: &Arguments, first: usize) -> Result<Vec<Retention>, Failure> {
    let texts = arguments.operands.iter().skip(first).map(|operand| operand.to_string_lossy());
    let parsed: Result<Vec<_>, _> = texts.map(|text| Retention::parse(&text)).collect();
    Ok(parsed.map_err(Error::from)?)
}

fn estimate(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let list = match arguments.operands.as_slice() {
        [] => return Err(Failure::Help),
        [one] if one.to_string_lossy().contains(',') => {
            Retention::parse_list(&one.to_string_lossy()).map_err(Error::from)?
        }
        _ => parse_all(arguments, 0)?,
    };
    let points: u64 = list.iter().map(|retention| u64::from(retention.points.get())).sum();
    let size = 16 + 12 * (list.len() as u64 + points);
    let on_disk = size.div_ceil(4096) * 4096;
    if arguments.has("json") {
        let estimate =
            Json::Map(vec![("fileSize", Json::Whole(size as i64)), ("diskSize", Json::Whole(on_disk as i64))]);
        writeln!(session.out, "{}", estimate.to_text(": "))?;
        return Ok(DONE);
    }
    for (index, archive) in list.iter().enumerate() {
        writeln!(session.out, "Archive {index}: {} points of {}s precision", archive.points, archive.step)?;
    }
    let size = readable(size);
    writeln!(session.out, "\nEstimated Whisper DB Size: {size} ({on_disk} bytes on disk with 4k blocks)\n")?;
    for thousands in [1, 5, 10, 50, 100, 500] {
        let room = readable(thousands * 1000 * on_disk);
        writeln!(session.out, "Estimated storage requirement for {thousands}k metrics: {room}")?;
    }
    Ok(DONE)
}

fn readable(bytes: u64) -> String {
    let mut number = bytes as f64;
    for unit in ["bytes", "KB", "MB"] {
        if number < 1024.0 {
            return format!("{number:.3}{unit}");
        }
        number /= 1024.0;
    }
    format!("{number:.3}GB")
}
