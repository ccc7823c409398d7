//! `info`: the header, as text, as JSON, or one field of it.

use super::arguments::Arguments;
use super::json::Json;
use super::number::repr;
use super::{DONE, FAILED, Failure, JSON, Session, Verb};
use crate::{ArchiveInfo, Header, Whisper};

pub(super) const VERB: Verb = Verb {
    name: "info",
    operands: "[options] path [field]",
    about: "Shows what the header of a file says.",
    options: &[JSON],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let path = arguments.path(0).ok_or(Failure::Help)?;
    let file = Whisper::open_read_only(&path)?;
    let (header, size) = (file.header(), file.file_size()?);
    if let Some(field) = arguments.text(1) {
        return match field_of(header, size, &field) {
            Some(value) => writeln!(session.out, "{value}").map(|()| DONE).map_err(Failure::from),
            None => {
                let valid = "aggregationMethod,maxRetention,xFilesFactor,archives,fileSize";
                writeln!(session.out, "Unknown field \"{field}\". Valid fields are {valid}")?;
                Ok(FAILED)
            }
        };
    }
    if arguments.has("json") {
        writeln!(session.out, "{}", json(header, size).to_text(": "))?;
        return Ok(DONE);
    }
    for field in ["aggregationMethod", "maxRetention", "xFilesFactor", "fileSize"] {
        writeln!(session.out, "{field}: {}", field_of(header, size, field).unwrap_or_default())?;
    }
    writeln!(session.out)?;
    for (index, archive) in header.archives.iter().enumerate() {
        writeln!(session.out, "Archive {index}")?;
        for (name, value) in archive_fields(archive) {
            writeln!(session.out, "{name}: {value}")?;
        }
        writeln!(session.out)?;
    }
    Ok(DONE)
}

fn field_of(header: &Header, size: u64, name: &str) -> Option<String> {
    Some(match name {
        "aggregationMethod" => header.method.to_string(),
        "maxRetention" => header.max_retention.to_string(),
        "xFilesFactor" => repr(header.x_files_factor.as_f64()),
        "fileSize" => size.to_string(),
        "archives" => {
            let archive = |archive: &ArchiveInfo| {
                let fields = archive_fields(archive).map(|(name, value)| format!("'{name}': {value}"));
                format!("{{{}}}", fields.join(", "))
            };
            format!("[{}]", header.archives.iter().map(archive).collect::<Vec<_>>().join(", "))
        }
        _ => return None,
    })
}

/// The archive table's fields in the order of the reference, with the two it derives.
pub(super) fn archive_fields(archive: &ArchiveInfo) -> [(&'static str, u64); 5] {
    [
        ("offset", archive.offset.into()),
        ("secondsPerPoint", archive.step.into()),
        ("points", archive.points.into()),
        ("retention", archive.retention_secs()),
        ("size", archive.size()),
    ]
}

/// The header as `info --json` shows it.
pub(super) fn json(header: &Header, size: u64) -> Json {
    let archive = |archive: &ArchiveInfo| {
        Json::Map(archive_fields(archive).map(|(name, value)| (name, Json::Whole(value as i64))).to_vec())
    };
    Json::Map(vec![
        ("aggregationMethod", Json::Text(header.method.to_string())),
        ("maxRetention", Json::Whole(header.max_retention.into())),
        ("xFilesFactor", Json::Number(header.x_files_factor.as_f64())),
        ("archives", Json::List(header.archives.iter().map(archive).collect())),
        ("fileSize", Json::Whole(size as i64)),
    ])
}
