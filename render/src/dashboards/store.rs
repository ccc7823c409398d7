//! The folder of dashboards. Nothing is remembered of a file that its `stat` does not confirm, so that what an editor or
//! git has changed is seen at once. All of it blocks.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{BuildHasher, Hasher};
use std::io::{self, ErrorKind};
use std::path::PathBuf;
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::quality::FixedState;

use super::file::{self, Stamp};
use super::model::Dashboard;
use super::name::DashboardName;
use super::ready::Ready;
use super::summary::Summary;

/// Files that are listed; a folder with more is none of ours.
const MOST: usize = 2_000;

/// Entries of the folder that are looked at.
const ENTRIES: usize = 20_000;

/// Dashboards in files, and those that come with the program.
#[derive(Debug)]
pub(crate) struct Store {
    /// Without one there are only those that come with the program.
    folder: Option<PathBuf>,
    /// What was read of each file; held while something is changed.
    seen: Mutex<Seen>,
}

/// Each file's state and what it held then: a summary, or what is wrong with it.
type Seen = BTreeMap<DashboardName, (Stamp, Result<Summary, String>)>;

/// A dashboard as it is kept.
#[derive(Debug)]
pub(crate) struct Kept {
    pub(crate) text: Vec<u8>,
    /// Changes with the text.
    pub(crate) tag: String,
}

/// An entry of the list.
#[derive(Debug)]
pub(crate) struct Listed {
    pub(crate) name: DashboardName,
    /// Or what is wrong with the file.
    pub(crate) summary: Result<Summary, String>,
    /// Whether it came with the program.
    pub(crate) ready: bool,
    /// When the file changed, in seconds since the epoch; 0 for one that came with the program.
    pub(crate) changed: i64,
}

/// What somebody who changes a dashboard believes to be there.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    /// He does not say.
    Anything,
    /// Nothing of this name.
    Nothing,
    /// One of these states, or any if there is an `*`.
    OneOf(Vec<String>),
}

/// Why a dashboard was not given or not changed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreFault {
    #[error("there is no dashboard of this name")]
    Absent,
    #[error("it comes with the program and cannot be deleted; one that is saved under its name takes its place")]
    BuiltIn,
    #[error("it has changed meanwhile")]
    Changed,
    #[error("there is no folder for dashboards; name one with `[http] dashboards`")]
    NoFolder,
    #[error("the file is broken: {0}")]
    Broken(String),
    #[error("the folder of dashboards cannot be used")]
    Io(#[from] io::Error),
}

impl Store {
    pub(crate) fn at(folder: Option<PathBuf>) -> Store {
        Store { folder, seen: Mutex::default() }
    }

    /// All dashboards, by name.
    pub(crate) fn list(&self) -> Result<Vec<Listed>, StoreFault> {
        let mut listed: BTreeMap<DashboardName, Listed> = Ready::all()
            .iter()
            .map(|ready| {
                let (name, summary) = (ready.name.clone(), Ok(ready.summary.clone()));
                (ready.name.clone(), Listed { name, summary, ready: true, changed: 0 })
            })
            .collect();
        let mut seen = self.seen();
        let names = self.files()?;
        seen.retain(|name, _| names.binary_search(name).is_ok());
        for name in names {
            // It may have gone since the folder was read.
            if let Some((summary, stamp)) = self.summary(&name, &mut seen) {
                let changed = stamp.map_or(0, Stamp::epoch);
                listed.insert(name.clone(), Listed { name, summary, ready: false, changed });
            }
        }
        Ok(listed.into_values().collect())
    }

    /// The text of a dashboard that can be read.
    pub(crate) fn get(&self, name: &DashboardName) -> Result<Kept, StoreFault> {
        let kept = self.current(name)?.ok_or(StoreFault::Absent)?;
        match Dashboard::parse(&kept.text) {
            Ok(_) => Ok(kept),
            Err(fault) => Err(StoreFault::Broken(fault.to_string())),
        }
    }

    /// Keeps `dashboard` under `name`, and gives the tag of its new state.
    pub(crate) fn put(
        &self,
        name: &DashboardName,
        dashboard: &Dashboard,
        expected: &Expected,
    ) -> Result<String, StoreFault> {
        let folder = self.folder.as_ref().ok_or(StoreFault::NoFolder)?;
        let _alone = self.seen();
        expected.check(self.current(name)?.as_ref())?;
        let text = dashboard.text();
        file::replace(folder, name, &text)?;
        Ok(tag(text.as_bytes()))
    }

    /// Deletes the file of `name`.
    pub(crate) fn delete(&self, name: &DashboardName, expected: &Expected) -> Result<(), StoreFault> {
        let alone = self.seen();
        let current = self.current(name)?;
        expected.check(current.as_ref())?;
        let folder = self.folder.as_ref().ok_or(StoreFault::NoFolder)?;
        let removed = file::remove(folder, name);
        drop(alone);
        match removed {
            Err(error) if error.kind() == ErrorKind::NotFound => {
                Err(if current.is_some() { StoreFault::BuiltIn } else { StoreFault::Absent })
            }
            other => Ok(other?),
        }
    }

    /// What stands under `name` now, broken or not; a file goes before what came with the program.
    fn current(&self, name: &DashboardName) -> Result<Option<Kept>, StoreFault> {
        let read = self.folder.as_ref().map(|folder| file::read(folder, name));
        match read {
            Some(Ok((text, _))) => Ok(Some(Kept { tag: tag(&text), text })),
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => Err(error.into()),
            _ => Ok(Ready::called(name).map(|ready| {
                let text = ready.text.as_bytes().to_vec();
                Kept { tag: tag(&text), text }
            })),
        }
    }

    /// The names of all files, sorted.
    fn files(&self) -> Result<Vec<DashboardName>, StoreFault> {
        let entries = match self.folder.as_ref().map(fs::read_dir) {
            Some(Ok(entries)) => entries,
            Some(Err(error)) if error.kind() != ErrorKind::NotFound => return Err(error.into()),
            _ => return Ok(Vec::new()),
        };
        let names = entries
            .take(ENTRIES)
            .filter_map(|entry| DashboardName::of_file(entry.ok()?.file_name().to_str()?))
            .take(MOST);
        let mut names: Vec<DashboardName> = names.collect();
        names.sort_unstable();
        Ok(names)
    }

    /// What the list tells of a file, read anew only if it has changed; nothing if it is gone.
    fn summary(&self, name: &DashboardName, seen: &mut Seen) -> Option<(Result<Summary, String>, Option<Stamp>)> {
        let folder = self.folder.as_ref()?;
        let now = file::look(&folder.join(name.file())).ok();
        if let Some((stamp, summary)) = seen.get(name).filter(|(stamp, _)| Some(*stamp) == now) {
            return Some((summary.clone(), Some(*stamp)));
        }
        match file::read(folder, name) {
            Ok((text, stamp)) => {
                let read = Dashboard::parse(&text);
                let summary = read.map(|dashboard| Summary::of(&dashboard)).map_err(|fault| fault.to_string());
                seen.insert(name.clone(), (stamp, summary.clone()));
                Some((summary, Some(stamp)))
            }
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => Some((Err(error.to_string()), now)),
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        // A summary is put in whole.
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Expected {
    fn check(&self, current: Option<&Kept>) -> Result<(), StoreFault> {
        let meets = match (self, current) {
            (Expected::Anything, _) | (Expected::Nothing, None) => true,
            (Expected::OneOf(tags), Some(kept)) => tags.iter().any(|tag| *tag == kept.tag || tag == "*"),
            _ => false,
        };
        if meets { Ok(()) } else { Err(StoreFault::Changed) }
    }
}

/// A tag of `text`, with the quotes that HTTP wants.
fn tag(text: &[u8]) -> String {
    let half = |seed: u64| {
        let mut hasher = FixedState::with_seed(seed).build_hasher();
        hasher.write(text);
        hasher.finish()
    };
    format!("\"{:016x}{:016x}\"", half(1), half(2))
}

#[cfg(test)]
mod tests;
