//! `dump`: every slot of a file as it lies there.

use std::io::Write;

use super::arguments::{Arguments, Opt};
use super::info::archive_fields;
use super::json::Json;
use super::number::{general, local};
use super::{DONE, Failure, JSON, Session, Verb};
use crate::layer::ReadAt;
use crate::{Header, Whisper, map};

pub(super) const VERB: Verb = Verb {
    name: "dump",
    operands: "[options] path",
    about: "Shows the header and every slot of a file in the order of the file.",
    options: &[
        Opt::flag("pretty", "Show local times instead of unix times"),
        Opt::value("time-format", "FORMAT", "Format of times with --pretty, as strftime").letter('t'),
        Opt::flag("raw", "Show only time:value, as `update` reads it").letter('r'),
        Opt::flag("mmap", "Read through a memory map; only for files that nobody shortens meanwhile"),
        JSON,
    ],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let [_] = arguments.operands.as_slice() else {
        return Err(Failure::Usage("require one input file name".into()));
    };
    let path = arguments.path(0).ok_or(Failure::Help)?;
    if !path.exists() {
        return Err(Failure::Message(format!("File \"{}\" does not exist!", path.display())));
    }
    let file = Whisper::open_read_only(&path)?;
    let size = file.file_size()?;
    match arguments.has("mmap") {
        true => dump(arguments, session, &map::on_the_operators_word(&path)?, size),
        false => dump(arguments, session, &file, size),
    }
}

fn dump<L: ReadAt>(arguments: &Arguments, session: &mut Session, file: &Whisper<L>, size: u64) -> Result<u8, Failure> {
    let raw = arguments.has("raw");
    if arguments.has("json") {
        return write_json(session, file, size);
    }
    if !raw {
        write_header(session.out, file.header())?;
    }
    let format = arguments.raw("time-format").map(|format| format.to_string_lossy());
    let pretty = arguments.has("pretty");
    for archive in 0..file.header().archives.len() {
        if !raw {
            writeln!(session.out, "Archive {archive} data:")?;
        }
        let (mut index, mut outcome) = (0, Ok(()));
        let out = &mut *session.out;
        let visited = file.slots(archive, |time, value| {
            if outcome.is_ok() {
                outcome = write_slot(out, index, time, value, raw, pretty.then_some(format.as_deref()));
            }
            index += 1;
        });
        outcome?;
        visited?;
    }
    Ok(DONE)
}

fn write_header(out: &mut dyn Write, header: &Header) -> std::io::Result<()> {
    writeln!(out, "Meta data:")?;
    writeln!(out, "  aggregation method: {}", header.method)?;
    writeln!(out, "  max retention: {}", header.max_retention)?;
    writeln!(out, "  xFilesFactor: {}\n", general(header.x_files_factor.as_f64(), 6))?;
    for (index, archive) in header.archives.iter().enumerate() {
        writeln!(out, "Archive {index} info:")?;
        for (name, value) in archive_fields(archive) {
            let name = if name == "secondsPerPoint" { "seconds per point" } else { name };
            writeln!(out, "  {name}: {value}")?;
        }
        writeln!(out)?;
    }
    Ok(())
}

/// `pretty` holds the format of local times, if they are wanted.
fn write_slot(
    out: &mut dyn Write,
    index: u64,
    time: u32,
    value: f64,
    raw: bool,
    pretty: Option<Option<&str>>,
) -> Result<(), Failure> {
    let value = general(value, 35);
    if raw {
        return Ok(writeln!(out, "{time}:{value}")?);
    }
    let time = match pretty {
        Some(format) => local(time.into(), format).map_err(Failure::Message)?,
        None => time.to_string(),
    };
    Ok(writeln!(out, "{index}: {time}, {value:>10}")?)
}

fn write_json<L: ReadAt>(session: &mut Session, file: &Whisper<L>, size: u64) -> Result<u8, Failure> {
    let mut json = super::info::json(file.header(), size);
    let mut data = Vec::new();
    for archive in 0..file.header().archives.len() {
        let mut slots = Vec::new();
        file.slots(archive, |time, value| {
            slots.push(Json::Map(vec![("timestamp", Json::Whole(time.into())), ("value", Json::Number(value))]));
        })?;
        data.push(Json::List(slots));
    }
    if let Json::Map(fields) = &mut json {
        fields.push(("data", Json::List(data)));
    }
    writeln!(session.out, "{}", json.to_text(": "))?;
    Ok(DONE)
}
