//! `import`: round robin databases of rrdtool, from what `rrdtool dump` prints.

use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};

use super::arguments::{Arguments, Opt};
use super::json::Json;
use super::rrd::{self, Rrd, RrdArchive};
use super::{DONE, Failure, JSON, Session, Verb};
use crate::{
    AggregationMethod, Allocation, CreateOptions, Error, Point, Retention, Retentions, Timestamp, Whisper,
    XFilesFactor, sync_folder,
};

pub(super) const VERB: Verb = Verb {
    name: "import",
    operands: "[options] dump.xml",
    about:
        "Makes Whisper files from the output of `rrdtool dump FILE.rrd > dump.xml`; `-` reads it from standard input.
With several data sources there is one file each, NAME_SOURCE.wsp.",
    options: &[
        Opt::value("xFilesFactor", "SHARE", "xFilesFactor of the new files (default: that of the first archive)"),
        Opt::value("aggregationMethod", "METHOD", "Which archives to take: average (default), min, max or last"),
        Opt::value("destinationPath", "FOLDER", "Where the new files go (default: beside the dump)"),
        JSON,
    ],
    run,
};

/// A dump is text about eight times the size of the database; nobody has larger ones.
const LARGEST_DUMP: u64 = 1 << 30;

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let [_] = arguments.operands.as_slice() else { return Err(Failure::Help) };
    let path = arguments.path(0).ok_or(Failure::Help)?;
    let text = read(&path, session)?;
    let rrd = rrd::parse(&text).map_err(|fault| Failure::Message(format!("{}: {fault}", path.display())))?;
    drop(text);
    let name = arguments.raw("aggregationMethod").map_or("average".into(), |name| name.to_string_lossy());
    let method: AggregationMethod = name.parse().map_err(Error::from)?;
    let taken = name.to_uppercase();
    let mut archives: Vec<&RrdArchive> = rrd.archives.iter().filter(|rra| rra.consolidation == taken).collect();
    // Of the same resolution only the longest can be kept.
    archives.sort_by_key(|rra| (rra.per_row, std::cmp::Reverse(rra.rows.len())));
    archives.dedup_by_key(|rra| rra.per_row);
    let Some(first) = archives.first() else {
        return Err(Failure::Message(format!("Unable to find any RRAs with consolidation function: {taken}")));
    };
    let share = arguments.parsed("xFilesFactor", "floating-point")?.unwrap_or(first.x_files_factor);
    let options = CreateOptions {
        retentions: retentions(&rrd, &archives)?,
        method,
        x_files_factor: XFilesFactor::new(share).map_err(Error::from)?,
        allocation: Allocation::Sparse,
    };
    let mut made = Vec::new();
    for (source, name) in rrd.sources.iter().enumerate() {
        let target = target(arguments, &path, (rrd.sources.len() > 1).then_some(name))?;
        let mut file = Whisper::create(&target, &options)?;
        let points = fill(&mut file, &archives, source, session.now)?;
        file.sync()?;
        sync_folder(&target)?;
        let size = file.file_size()?;
        if arguments.has("json") {
            let path = Json::Text(target.display().to_string());
            let fields = [("path", path), ("fileSize", Json::Whole(size as i64)), ("points", Json::Whole(points))];
            made.push(Json::Map(fields.to_vec()));
        } else {
            let list = &options.retentions;
            writeln!(session.out, "Created: {} ({size} bytes) with archives: {list}", target.display())?;
            writeln!(session.out, " migrated {points} datapoints")?;
        }
    }
    if arguments.has("json") {
        writeln!(session.out, "{}", Json::List(made).to_text(": "))?;
    }
    Ok(DONE)
}

fn read(path: &Path, session: &mut Session) -> Result<String, Failure> {
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => (&mut *session.input).take(LARGEST_DUMP).read_to_string(&mut text),
        false => File::open(path).and_then(|file| file.take(LARGEST_DUMP).read_to_string(&mut text)),
    };
    read.map_err(|source| Error::io("read", path, source))?;
    if text.len() as u64 == LARGEST_DUMP {
        return Err(Failure::Message(format!("{} is larger than {LARGEST_DUMP} bytes", path.display())));
    }
    Ok(text)
}

fn retentions(rrd: &Rrd, archives: &[&RrdArchive]) -> Result<Retentions, Failure> {
    let list = archives.iter().map(|rra| Retention::parse(&format!("{}:{}", rra.per_row * rrd.step, rra.rows.len())));
    let list = list.collect::<Result<_, _>>().map_err(Error::from)?;
    Ok(Retentions::new(list).map_err(Error::from)?)
}

/// `load.xml` becomes `load.wsp`, or `load_SOURCE.wsp`.
fn target(arguments: &Arguments, path: &Path, source: Option<&String>) -> Result<PathBuf, Failure> {
    let stem = match path.as_os_str() == "-" {
        true => "import".into(),
        false => path.file_stem().unwrap_or_default().to_string_lossy(),
    };
    let folder = match arguments.raw("destinationPath") {
        Some(folder) => PathBuf::from(folder),
        None => path.parent().unwrap_or(Path::new("")).to_owned(),
    };
    if !folder.as_os_str().is_empty() {
        fs::create_dir_all(&folder).map_err(|source| Error::io("create", &folder, source))?;
    }
    let stem = stem.strip_suffix(".rrd").unwrap_or(&stem);
    let name = source.map_or_else(|| format!("{stem}.wsp"), |source| format!("{stem}_{source}.wsp"));
    // Names of sources come out of the dump, and a dump can be anybody's.
    if name.contains('/') {
        return Err(Failure::Message(format!("the data source of {name} has a slash in its name")));
    }
    Ok(folder.join(name))
}

/// Writes one source's values, coarsest archive first, so that finer ones have the last word.
fn fill(file: &mut Whisper, archives: &[&RrdArchive], source: usize, now: Timestamp) -> Result<i64, Error> {
    let mut count = 0;
    for rra in archives.iter().rev() {
        let known = rra.rows.iter().filter_map(|(time, values)| {
            let value = *values.get(source).filter(|value| !value.is_nan())?;
            Some(Point { time: Timestamp::from_secs(u32::try_from(*time).ok()?), value })
        });
        let points: Vec<Point> = known.collect();
        count += points.len() as i64;
        file.update_many(&points, now)?;
    }
    Ok(count)
}
