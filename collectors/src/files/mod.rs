//! What programs and scripts leave in files, as `name value` lines. Names are those of Diamond's FilesCollector, that is
//! the ones in the files.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use rustix::fs::OFlags;
use serde::Deserialize;

use crate::proc::{lines, text};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// The most that is read of one file.
const LONGEST: u64 = 1 << 20;
/// Files beyond these are not read.
const MOST_FILES: usize = 1000;
/// Values beyond these are left out.
const MOST_VALUES: usize = 20_000;
/// A longer name is none.
const LONGEST_NAME: usize = 255;

/// `[collectors.files]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Where the files are. Default `/var/lib/plumbago/files`.
    directory: PathBuf,
    /// Removes a file when it has been read and held a value. Default false.
    delete: bool,
    /// Leaves out files that nobody has written for so long. Default: none.
    #[serde(with = "humantime_serde")]
    max_age: Option<Duration>,
}

impl Default for Options {
    fn default() -> Options {
        Options { directory: "/var/lib/plumbago/files".into(), delete: false, max_age: None }
    }
}

struct Files {
    options: Options,
    directory: PathBuf,
    bytes: Vec<u8>,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let chosen = options.contains_key("directory");
    let mut options: Options = options.try_into()?;
    if site.is_diamond() && !chosen {
        options.directory = "/tmp/diamond".into();
    }
    let directory = site.root().join(options.directory.strip_prefix("/").unwrap_or(&options.directory));
    Ok(Box::new(Files { options, directory, bytes: Vec::new() }))
}

impl Collector for Files {
    fn spec(&self) -> Spec {
        Spec { name: "files", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        let entries = fs::read_dir(&self.directory).map_err(|source| failed(&self.directory, source))?;
        let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).take(MOST_FILES).collect();
        paths.sort_unstable();
        let mut result = Ok(());
        for path in paths {
            match self.publish(&path, slot, out) {
                Ok(true) if self.options.delete => {
                    result = result.and(fs::remove_file(&path).map_err(|source| failed(&path, source)));
                }
                // A file that went away since it was listed.
                Ok(_) | Err(Fail::Absent { .. }) => {}
                Err(fail) => result = Err(fail),
            }
        }
        result
    }
}

impl Files {
    /// Publishes the values of one file; gives whether it had any.
    fn publish(&mut self, path: &Path, slot: Slot, out: &mut Out) -> Result<bool, Fail> {
        let Some((file, metadata)) = open(path)? else { return Ok(false) };
        if self.options.max_age.is_some_and(|limit| age(&metadata, slot) > limit) {
            return Ok(false);
        }
        self.bytes.clear();
        file.take(LONGEST + 1).read_to_end(&mut self.bytes).map_err(|source| failed(path, source))?;
        if self.bytes.len() as u64 > LONGEST {
            return Err(Fail::TooLong { path: path.to_owned(), limit: LONGEST as usize });
        }
        let mut found = false;
        let mut parts = Vec::new();
        for (name, value) in lines(&self.bytes).filter_map(|(_, line)| read_line(text(line)?)) {
            if out.len() >= MOST_VALUES {
                return Err(Fail::TooLong { path: self.directory.clone(), limit: MOST_VALUES });
            }
            parts.clear();
            parts.extend(name.split('.').filter(|part| !part.is_empty()));
            if let (false, Ok(number)) = (parts.is_empty(), value.parse::<f64>()) {
                let decimals = value.split_once('.').map_or(0, |(_, decimals)| decimals.len().min(9));
                out.gauge(&parts, number).decimals(decimals as u8);
                found = true;
            }
        }
        Ok(found)
    }
}

/// A regular file with its metadata; `None` for anything else. A pipe without a writer would keep us, and a link may
/// lead anywhere.
fn open(path: &Path) -> Result<Option<(File, Metadata)>, Fail> {
    let flags = OFlags::NONBLOCK | OFlags::NOFOLLOW;
    let is_file = fs::symlink_metadata(path).map_err(|source| failed(path, source))?.is_file();
    if !is_file {
        return Ok(None);
    }
    let opened = OpenOptions::new().read(true).custom_flags(flags.bits().cast_signed()).open(path);
    let file = opened.map_err(|source| failed(path, source))?;
    let metadata = file.metadata().map_err(|source| failed(path, source))?;
    Ok(metadata.is_file().then_some((file, metadata)))
}

/// How long before `slot` the file was written; nothing for one of the future.
fn age(metadata: &Metadata, slot: Slot) -> Duration {
    let written = metadata.modified().ok().and_then(|written| written.duration_since(UNIX_EPOCH).ok());
    Duration::from_secs(slot.time.secs().into()).saturating_sub(written.unwrap_or_default())
}

/// `name value`, `name=value` or `name: value`; what follows the number does not count.
fn read_line(line: &str) -> Option<(&str, &str)> {
    let ends = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-'));
    let (name, rest) = line.split_at(line.find(ends)?);
    let value = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, '=' | ':'));
    let sign = usize::from(value.starts_with('-'));
    let whole = digits(&value[sign..]);
    let end = sign + whole;
    let fraction = value[end..].strip_prefix('.').map_or(0, |rest| 1 + digits(rest));
    (!name.is_empty() && name.len() <= LONGEST_NAME && whole > 0).then(|| (name, &value[..end + fraction]))
}

/// How many digits `text` begins with.
fn digits(text: &str) -> usize {
    text.bytes().take_while(u8::is_ascii_digit).count()
}

fn failed(path: &Path, source: io::Error) -> Fail {
    match source.kind() {
        io::ErrorKind::NotFound => Fail::Absent { what: path.display().to_string() },
        _ => Fail::Read { path: path.to_owned(), source },
    }
}

#[cfg(test)]
mod tests;
