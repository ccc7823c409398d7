//! What was deleted and renamed, beside the journal that still holds points from before: `changes`, in its folder.
//!
//! ```text
//! delete <tab> 17 <tab> servers.web01.load             points in segments up to 17 are void
//! rename <tab> 18 <tab> servers.web02 <tab> db.web02   points in segments up to 18 are of the new name
//! done                                                 the archives have been changed as told above
//! ```
//!
//! A line is on disk before its change begins, so that a replay neither brings a deleted series back nor loses the points
//! of a renamed one. What stands behind the last `done` may not have been brought to its end and is done again. A line
//! counts until its segments are released; then it is left out when the file is next written.

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use carbon_line::MetricName;
use carbon_storage::{NameTable, Rearrange, SeriesId};
use tracing::{info, warn};
use whisper::Point;

/// The file's name in the journal's folder.
const FILE: &str = "changes";

/// A change of one series.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Change {
    /// Of the points that the journal has, those in segments up to this one.
    pub(crate) until: u32,
    pub(crate) from: MetricName,
    /// `None` when it was deleted.
    pub(crate) to: Option<MetricName>,
}

/// The file, as it was read or written last.
#[derive(Debug)]
pub(crate) struct Changes {
    path: PathBuf,
    list: Vec<Change>,
    /// How many of them are known to be done.
    done: usize,
    /// Whether the file ends in a line that was cut off.
    torn: bool,
}

impl Changes {
    /// Reads the file in `folder`; one that is not there is empty.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub(crate) fn read(folder: &Path) -> io::Result<Changes> {
        let path = folder.join(FILE);
        let text = match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Vec::new(),
            text => text?,
        };
        let mut changes = Changes { path, list: Vec::new(), done: 0, torn: false };
        // What has no line end was cut off by a crash, before its change began.
        let whole = text.iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1);
        changes.torn = whole < text.len();
        for line in String::from_utf8_lossy(&text[..whole]).lines() {
            match line {
                "done" => changes.done = changes.list.len(),
                line => match parse(line) {
                    Some(change) => changes.list.push(change),
                    None => warn!(path = %changes.path.display(), line, "A line of the list of changes is no change."),
                },
            }
        }
        Ok(changes)
    }

    /// Enters changes that are about to be made, on disk, and forgets those whose segments are all below `oldest`.
    pub(crate) fn begin(&mut self, changes: &[Change], oldest: u32) -> io::Result<()> {
        if self.torn || self.list.iter().any(|change| change.until < oldest) {
            self.list.retain(|change| change.until >= oldest);
            self.done = self.list.len();
            self.rewrite()?;
            self.torn = false;
        }
        let text: String = changes.iter().map(line).collect();
        self.append(&text)?;
        self.list.extend_from_slice(changes);
        Ok(())
    }

    /// Takes note that all are made but `failed`, which never happened.
    pub(crate) fn end(&mut self, failed: &[MetricName]) -> io::Result<()> {
        if !failed.is_empty() {
            let begun = self.list.split_off(self.done);
            self.list.extend(begun.into_iter().filter(|change| !failed.contains(&change.from)));
            self.done = self.list.len();
            return self.rewrite();
        }
        self.done = self.list.len();
        self.append("done\n")
    }

    /// Makes in the archives what may not have been brought to its end.
    pub(crate) fn redo(&mut self, store: &dyn Rearrange) -> io::Result<()> {
        if self.done == self.list.len() {
            return Ok(());
        }
        for change in &self.list[self.done..] {
            let made = match &change.to {
                None => store.remove(None, &change.from),
                Some(to) if store.has(to) => Ok(false),
                Some(to) => store.rename(None, &change.from, to),
            };
            match made {
                Ok(true) => info!(metric = %change.from, "A change that a crash had interrupted is made."),
                Ok(false) => {}
                Err(error) => {
                    warn!(metric = %change.from, %error, "A change that a crash had interrupted is not made.")
                }
            }
        }
        self.end(&[])
    }

    /// Forgets everything: the journal holds nothing from before.
    pub(crate) fn clear(&mut self) -> io::Result<()> {
        if self.list.is_empty() && !self.path.exists() {
            return Ok(());
        }
        (self.list, self.done) = (Vec::new(), 0);
        self.rewrite()
    }

    /// What became of series by what is listed, for the points of a replay.
    pub(crate) fn filter<'a>(&self, names: &'a NameTable) -> Filter<'a> {
        let mut by_name: HashMap<MetricName, Vec<(usize, Change)>> = HashMap::new();
        for (place, change) in self.list.iter().enumerate() {
            by_name.entry(change.from.clone()).or_default().push((place, change.clone()));
        }
        Filter { by_name, names }
    }

    /// Names that were given up, as far as the list tells.
    pub(crate) fn given_up(&self) -> Vec<MetricName> {
        let mut names: Vec<MetricName> = self.list.iter().map(|change| change.from.clone()).collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    fn append(&self, text: &str) -> io::Result<()> {
        let mut file = OpenOptions::new().append(true).create(true).open(&self.path)?;
        let before = file.metadata()?.len();
        let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_data());
        if written.is_err() {
            // A torn line in the middle would swallow the next one.
            let _ = file.set_len(before);
        }
        written.and_then(|()| if before == 0 { sync_folder(&self.path) } else { Ok(()) })
    }

    fn rewrite(&self) -> io::Result<()> {
        if self.list.is_empty() {
            return match fs::remove_file(&self.path) {
                Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
                _ => sync_folder(&self.path),
            };
        }
        let new = self.path.with_extension("new");
        let mut file = File::create(&new)?;
        let (done, begun) = self.list.split_at(self.done);
        let text: String = done.iter().map(line).chain(["done\n".to_owned()]).chain(begun.iter().map(line)).collect();
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&new, &self.path)?;
        sync_folder(&self.path)
    }
}

/// Sorts the points of a replay.
pub(crate) struct Filter<'a> {
    by_name: HashMap<MetricName, Vec<(usize, Change)>>,
    names: &'a NameTable,
}

impl Filter<'_> {
    /// `batch`, which is of `segment`, without the points of deleted series, and with those of renamed ones under their
    /// new names.
    pub(crate) fn sift(&self, segment: u32, batch: &[(SeriesId, Point)]) -> Option<Vec<(SeriesId, Point)>> {
        if self.by_name.is_empty() {
            return None;
        }
        let mut last = None;
        let mut series = |id: SeriesId| match last {
            Some((known, became)) if known == id => became,
            _ => {
                let became = self.became(id, segment);
                last = Some((id, became));
                became
            }
        };
        Some(batch.iter().filter_map(|(id, point)| series(*id).map(|id| (id, *point))).collect())
    }

    fn became(&self, id: SeriesId, segment: u32) -> Option<SeriesId> {
        let (mut name, mut after, mut changed) = (self.names.name(id), 0, false);
        while let Some(changes) = self.by_name.get(name.as_str()) {
            let next = changes.iter().find(|(place, change)| *place >= after && segment <= change.until);
            let Some((place, change)) = next else { break };
            name = change.to.clone()?;
            (after, changed) = (place + 1, true);
        }
        Some(if changed { self.names.intern(&name) } else { id })
    }
}

fn line(change: &Change) -> String {
    match &change.to {
        None => format!("delete\t{}\t{}\n", change.until, change.from),
        Some(to) => format!("rename\t{}\t{}\t{to}\n", change.until, change.from),
    }
}

fn parse(line: &str) -> Option<Change> {
    let mut fields = line.split('\t');
    let (kind, until) = (fields.next()?, fields.next()?.parse().ok()?);
    let from = MetricName::parse(fields.next()?).ok()?;
    let to = match kind {
        "delete" => None,
        "rename" => Some(MetricName::parse(fields.next()?).ok()?),
        _ => return None,
    };
    fields.next().is_none().then_some(Change { until, from, to })
}

fn sync_folder(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new("/")))?.sync_all()
}

#[cfg(test)]
mod tests {
    use whisper::Timestamp;

    use super::*;

    fn change(until: u32, from: &str, to: Option<&str>) -> Change {
        let name = |text: &str| MetricName::parse(text).unwrap();
        Change { until, from: name(from), to: to.map(name) }
    }

    #[test]
    fn changes_are_read_as_they_were_written() {
        let folder = tempfile::tempdir().unwrap();
        let mut changes = Changes::read(folder.path()).unwrap();
        changes.begin(&[change(3, "a b", None), change(3, "c", Some("d;e=f"))], 1).unwrap();
        let read = Changes::read(folder.path()).unwrap();
        assert_eq!((read.list.len(), read.done), (2, 0));
        changes.end(&[]).unwrap();
        changes.begin(&[change(4, "x", None), change(4, "y", None)], 1).unwrap();
        changes.end(&[MetricName::parse("y").unwrap()]).unwrap();
        OpenOptions::new().append(true).open(folder.path().join(FILE)).unwrap().write_all(b"delete\t9\tz").unwrap();
        let read = Changes::read(folder.path()).unwrap();
        assert_eq!((&read.list, read.done), (&changes.list, 3));
        changes.begin(&[change(9, "q", None)], 4).unwrap();
        assert_eq!(Changes::read(folder.path()).unwrap().list, [change(4, "x", None), change(9, "q", None)]);
        changes.clear().unwrap();
        assert!(!folder.path().join(FILE).exists());
    }

    #[test]
    fn points_from_before_a_change_follow_it() {
        let folder = tempfile::tempdir().unwrap();
        let mut changes = Changes::read(folder.path()).unwrap();
        let list = [change(3, "a", None), change(5, "b", Some("c")), change(6, "c", Some("d")), change(7, "b", None)];
        changes.begin(&list, 1).unwrap();
        let names = NameTable::new();
        let [a, b, c, d] = ["a", "b", "c", "d"].map(|name| names.intern(&MetricName::parse(name).unwrap()));
        let point = Point { time: Timestamp::from_secs(1), value: 1.0 };
        let filter = changes.filter(&names);
        let ids = |segment: u32| -> Vec<SeriesId> {
            let batch = [a, b, c, d].map(|id| (id, point));
            filter.sift(segment, &batch).unwrap().into_iter().map(|(id, _)| id).collect()
        };
        assert_eq!(ids(3), [d, d, d]);
        assert_eq!(ids(4), [a, d, d, d]);
        assert_eq!(ids(6), [a, d, d], "what came as `b` after its renaming went with its deletion");
        assert_eq!(ids(8), [a, b, c, d]);
    }
}
