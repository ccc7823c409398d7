//! Mode "file": what a program has left in a file, or in the files of a folder. Files are to be put in place by a
//! rename, so that none is seen half written.

use std::fs::{self, Metadata, OpenOptions};
use std::io::{self, Read};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use collectors::{Out, Scope, Slot, Unit};
use hashbrown::HashMap;
use rustix::fs::OFlags;

use super::book::Entered;
use super::lines::{CHUNK, Lines, Next};
use super::{Fault, Page, PluginConfig, Source};

/// Files beyond these are not read.
const MOST_FILES: usize = 1000;

/// See the module.
pub(super) struct File {
    name: String,
    path: PathBuf,
    stale: Duration,
    line_bytes: usize,
    /// How files looked when they were read, so that lines with timestamps of their own are sent once.
    seen: HashMap<PathBuf, Stamp>,
}

type Stamp = (u64, i64, i64, u64);

impl File {
    pub(super) fn new(name: &str, config: &PluginConfig, interval: Duration) -> File {
        File {
            name: name.to_owned(),
            path: config.path.clone().unwrap_or_default(),
            stale: interval * config.stale,
            line_bytes: config.line_bytes,
            seen: HashMap::default(),
        }
    }

    /// The files to read, in order of their names. Hidden ones and those with names that editors and renamers give to
    /// unfinished ones are left out.
    fn files(&self) -> io::Result<Vec<PathBuf>> {
        if !fs::metadata(&self.path)?.is_dir() {
            return Ok(vec![self.path.clone()]);
        }
        let names = fs::read_dir(&self.path)?.flatten().map(|entry| entry.file_name());
        let finished = names.filter(|name| {
            let name = name.to_string_lossy();
            !(name.starts_with('.') || name.ends_with('~') || name.ends_with(".tmp"))
        });
        let mut paths: Vec<PathBuf> = finished.take(MOST_FILES).map(|name| self.path.join(name)).collect();
        paths.sort_unstable();
        Ok(paths)
    }

    /// Enters one file. A pipe or a device is not read.
    fn enter(&mut self, path: &Path, slot: Slot, page: &mut Page<'_>) -> io::Result<Option<Entered>> {
        let flags = OFlags::NONBLOCK.bits().cast_signed();
        let mut file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Ok(None);
        }
        let age = age(&metadata, slot);
        self.tell_age(path, age, page.out);
        if age > self.stale {
            self.seen.remove(path);
            return Ok(None);
        }
        let stamp = (metadata.ino(), metadata.mtime(), metadata.mtime_nsec(), metadata.len());
        let changed = self.seen.insert(path.to_owned(), stamp) != Some(stamp);
        let (mut lines, mut chunk) = (Lines::new(self.line_bytes), [0; CHUNK]);
        loop {
            let read = file.read(&mut chunk)?;
            lines.add(&chunk[..read]);
            loop {
                let entered = match lines.next() {
                    Next::Line(line) if changed || !has_time(line) => page.enter(line, slot),
                    Next::Line(_) => continue,
                    Next::TooLong => page.book.too_long(),
                    Next::Nothing => break,
                };
                if entered == Entered::TooMany {
                    return Ok(Some(entered));
                }
            }
            if read == 0 {
                let last = match lines.rest() {
                    Next::Line(line) if changed || !has_time(line) => Some(page.enter(line, slot)),
                    _ => None,
                };
                return Ok(last);
            }
        }
    }

    /// Publishes how long ago the file was written.
    fn tell_age(&self, path: &Path, age: Duration, out: &mut Out) {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        out.scope(Scope::Host);
        out.gauge(&["agent", "plugin", &self.name, "age", &file], age.as_secs() as f64).unit(Unit::Seconds);
    }
}

impl Source for File {
    fn gather(&mut self, slot: Slot, page: &mut Page<'_>) -> Result<(), Fault> {
        let failed = |path: &Path, error: io::Error| Fault::Other(format!("cannot read {}: {error}", path.display()));
        let paths = self.files().map_err(|error| failed(&self.path, error))?;
        self.seen.retain(|path, _| paths.contains(path));
        let mut result = Ok(());
        for path in paths {
            match self.enter(&path, slot, page) {
                Ok(Some(Entered::TooMany)) => {
                    return Err(Fault::Other("there are more than `lines` lines; the others are left out".to_owned()));
                }
                Ok(_) => {}
                // It went away since it was listed: replaced, or taken back.
                Err(error) if error.kind() == io::ErrorKind::NotFound && path != self.path => {}
                Err(error) => result = Err(failed(&path, error)),
            }
        }
        result
    }
}

/// Whether a line has a timestamp of its own, which makes it the same point each time it is read.
fn has_time(line: &[u8]) -> bool {
    !line.starts_with(b"#") && line.split(u8::is_ascii_whitespace).filter(|field| !field.is_empty()).count() > 2
}

/// How long before `slot` the file was written; nothing for one of the future.
fn age(metadata: &Metadata, slot: Slot) -> Duration {
    let written = metadata.modified().ok().and_then(|written| written.duration_since(UNIX_EPOCH).ok());
    Duration::from_secs(slot.time.secs().into()).saturating_sub(written.unwrap_or_default())
}
