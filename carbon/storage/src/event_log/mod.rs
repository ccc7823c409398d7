//! [`Events`] in memory and in a file of one line an event, which only grows; once it is too long, the oldest quarter
//! goes.
//!
//! ```text
//! 17 TAB 1793512500000000 TAB deploy 1 TAB deploy web TAB v1.2 NEWLINE      number, microseconds, what, tags, data
//! ```
//!
//! Backslash, tab and line ends are written `\\ \t \n \r`. A last line without its end was cut by a crash and goes.

mod line;

use std::collections::HashMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, BufWriter, Seek, SeekFrom, Write};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tracing::warn;

use crate::{Answer, Event, EventQuery, Events, NewEvent, StorageError};

/// Bytes that all events may take before the oldest go.
const LARGEST: usize = 64 << 20;

/// Bytes of one event.
const LARGEST_EVENT: usize = 1 << 20;

/// The log, cheap to clone; clones share it.
#[derive(Clone, Debug)]
pub struct EventLog(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// By time, then by number.
    events: Vec<Event>,
    /// In how many events each tag occurs.
    tags: HashMap<String, usize>,
    last: u64,
    bytes: usize,
    largest: usize,
    file: Option<Kept>,
}

/// The file, as far as it was read or written.
#[derive(Debug)]
struct Kept {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines that were read or written.
    known: u64,
    /// Whether it is ours alone, so that we may write. Until then another process does: one whose place we take.
    ours: bool,
}

impl EventLog {
    /// A log that is forgotten with the process.
    pub fn in_memory() -> EventLog {
        EventLog(Arc::new(Mutex::new(State::new(LARGEST))))
    }

    /// The log in the file at `path`, which is made if it is not there. Reads it whole.
    ///
    /// # Errors
    /// Names the file when it can neither be read nor made. Lines that are no events are passed over, with a warning.
    pub fn open(path: &Path) -> Result<EventLog, StorageError> {
        EventLog::open_with(path, LARGEST)
    }

    fn open_with(path: &Path, largest: usize) -> Result<EventLog, StorageError> {
        let file = open(path).map_err(|source| fault("open", path, source))?;
        let mut state = State::new(largest);
        state.file = Some(Kept { path: path.to_owned(), file, known: 0, ours: false });
        state.refresh()?;
        Ok(EventLog(Arc::new(Mutex::new(state))))
    }

    // Each change leaves the state whole at every step that can panic.
    fn state(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&mut State) -> Result<T, StorageError> + Send + 'static,
    ) -> Answer<'_, Result<T, StorageError>> {
        let log = self.clone();
        Box::pin(async move {
            let answer = tokio::task::spawn_blocking(move || {
                let mut state = log.state();
                state.refresh()?;
                question(&mut state)
            });
            answer.await.map_err(|_| StorageError::WorkerLost)?
        })
    }
}

impl Events for EventLog {
    fn find<'a>(&'a self, query: &'a EventQuery) -> Answer<'a, Result<Vec<Event>, StorageError>> {
        let query = query.clone();
        self.ask(move |state| Ok(query.choose(state.events.iter(), |tag| state.tags.contains_key(tag))))
    }

    fn one(&self, id: u64) -> Answer<'_, Result<Option<Event>, StorageError>> {
        self.ask(move |state| Ok(state.events.iter().find(|event| event.id == id).cloned()))
    }

    fn add(&self, event: NewEvent) -> Answer<'_, Result<u64, StorageError>> {
        self.ask(move |state| state.add(event))
    }
}

impl State {
    fn new(largest: usize) -> State {
        State { events: Vec::new(), tags: HashMap::new(), last: 0, bytes: 0, largest, file: None }
    }

    /// Makes the file ours if nobody else has it, and takes in what others have written. Once it is ours, there is
    /// nothing to do.
    fn refresh(&mut self) -> Result<(), StorageError> {
        let Some(mut kept) = self.file.take_if(|kept| !kept.ours) else { return Ok(()) };
        let read = self.read(&mut kept);
        let read = read.map_err(|source| fault("read", &kept.path, source));
        self.file = Some(kept);
        read
    }

    fn read(&mut self, kept: &mut Kept) -> io::Result<()> {
        kept.ours = kept.file.try_lock().is_ok();
        if fs::metadata(&kept.path)?.ino() != kept.file.metadata()?.ino() {
            // It was written anew.
            *kept = Kept { file: open(&kept.path)?, known: 0, ours: false, path: kept.path.clone() };
            *self = State::new(self.largest);
            kept.ours = kept.file.try_lock().is_ok();
        }
        kept.file.seek(SeekFrom::Start(kept.known))?;
        let (mut reader, mut bytes, mut bad) = (BufReader::new(&kept.file), Vec::new(), 0);
        while reader.read_until(b'\n', &mut bytes)? > 0 && bytes.ends_with(b"\n") {
            kept.known += bytes.len() as u64;
            match std::str::from_utf8(&bytes).ok().and_then(|text| line::read(text.trim_end_matches('\n'))) {
                Some(event) => self.insert(event),
                None => bad += 1,
            }
            bytes.clear();
        }
        if bad > 0 {
            warn!(lines = bad, "Lines of the file of events are no events and are passed over.");
        }
        if kept.ours { kept.file.set_len(kept.known) } else { Ok(()) }
    }

    fn add(&mut self, told: NewEvent) -> Result<u64, StorageError> {
        if told.bytes() > LARGEST_EVENT {
            let reason = format!("an event may take {LARGEST_EVENT} bytes, this one takes {}", told.bytes());
            return Err(StorageError::Declined { reason });
        }
        if self.file.as_ref().is_some_and(|kept| !kept.ours) {
            let reason = "the events are kept by another process; send them there".to_owned();
            return Err(StorageError::Declined { reason });
        }
        if self.bytes + told.bytes() > self.largest {
            self.forget_oldest();
            self.rewrite()?;
        }
        let event = Event { id: self.last + 1, told };
        if let Some(kept) = &mut self.file {
            kept.append(&line::written(&event)).map_err(|source| fault("write", &kept.path, source))?;
        }
        self.insert(event);
        Ok(self.last)
    }

    fn insert(&mut self, event: Event) {
        self.last = self.last.max(event.id);
        self.bytes += event.told.bytes();
        for tag in event.told.tags() {
            *self.tags.entry(tag.to_owned()).or_default() += 1;
        }
        let key = |event: &Event| (event.told.when, event.id);
        let at = self.events.partition_point(|other| key(other) <= key(&event));
        self.events.insert(at, event);
    }

    /// Lets a quarter of the events go, those that came first.
    fn forget_oldest(&mut self) {
        let mut ids: Vec<u64> = self.events.iter().map(|event| event.id).collect();
        ids.sort_unstable();
        let first = ids.get(ids.len().div_ceil(4)).copied().unwrap_or(u64::MAX);
        let (last, mut kept) = (self.last, std::mem::take(&mut self.events));
        kept.retain(|event| event.id >= first);
        self.tags.clear();
        self.bytes = 0;
        kept.into_iter().for_each(|event| self.insert(event));
        self.last = last;
    }

    /// Puts a file with what is left in the place of the old one.
    fn rewrite(&mut self) -> Result<(), StorageError> {
        let Some(kept) = &mut self.file else { return Ok(()) };
        kept.replace(&self.events).map_err(|source| fault("rewrite", &kept.path, source))
    }
}

impl Kept {
    fn append(&mut self, line: &str) -> io::Result<()> {
        let written = self.file.write_all(line.as_bytes()).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // A line cut short would spoil the next one.
            self.file.set_len(self.known)?;
        }
        written.map(|()| self.known += line.len() as u64)
    }

    fn replace(&mut self, events: &[Event]) -> io::Result<()> {
        let beside = self.path.with_extension("new");
        fs::write(&beside, "")?;
        let file = open(&beside)?;
        // Before it has the name under which others look for it.
        file.lock()?;
        let mut writer = BufWriter::new(&file);
        let mut known = 0;
        for event in events {
            let line = line::written(event);
            known += line.len() as u64;
            writer.write_all(line.as_bytes())?;
        }
        writer.flush()?;
        drop(writer);
        file.sync_all()?;
        fs::rename(&beside, &self.path)?;
        (self.file, self.known) = (file, known);
        Ok(())
    }
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).open(path)
}

fn fault(action: &'static str, path: &Path, source: io::Error) -> StorageError {
    StorageError::Io { action, path: path.to_owned(), source }
}

#[cfg(test)]
mod tests;
