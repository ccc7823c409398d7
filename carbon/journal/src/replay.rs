//! What an earlier process left: read at start, in order, and kept until the archives hold it.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use carbon_storage::{NameTable, SeriesId};
use tracing::warn;
use whisper::Point;

use crate::chunk::Segment;
use crate::disk::Disk;
use crate::error::JournalError;
use crate::files::{self, Named};
use crate::generation::Generation;
use crate::layout::{FileHead, Head, Kind, VERSION};
use crate::points::Decoder;
use crate::records::{Found, Records};
use crate::state::OnDisk;

/// What a start found in the journal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Replayed {
    /// Files of points.
    pub segments: usize,
    /// Their bytes.
    pub bytes: u64,
    /// Points handed over.
    pub points: u64,
    /// Points whose series' name is lost, and which are lost with it.
    pub nameless: u64,
    /// Bytes cut off the ends of files: what was being written when the power went.
    pub torn: u64,
    /// Damaged places between sound records, and files that could not be read or whose head is damaged.
    pub damaged: u64,
    /// Bytes in damaged places.
    pub skipped: u64,
}

impl Replayed {
    /// Whether nothing but a torn end, which holds nothing that was promised, was lost.
    pub fn is_whole(&self) -> bool {
        self.nameless == 0 && self.damaged == 0
    }

    /// Adds what was wrong with a file.
    pub(crate) fn count(&mut self, found: Found) {
        self.torn += found.torn();
        self.damaged += found.gaps;
        self.skipped += found.skipped;
    }
}

/// The files that stay, and the numbers to go on with.
#[derive(Debug)]
pub(crate) struct Inventory {
    pub(crate) segments: Vec<OnDisk>,
    pub(crate) generations: Vec<(u32, u64)>,
    pub(crate) next_segment: u32,
    pub(crate) next_generation: u32,
}

/// Takes each batch of a segment.
pub(crate) type Each<'a> = &'a mut dyn FnMut(Segment, &[(SeriesId, Point)]);

/// Reads all segments in order and hands over their points, with ids as `table` has them.
pub(crate) fn replay(
    dir: &Path,
    disk: &dyn Disk,
    table: &NameTable,
    each: Each<'_>,
) -> Result<(Inventory, Replayed), JournalError> {
    let mut replay = Replay { dir, disk, table, each, loaded: None, report: Replayed::default(), batch: Vec::new() };
    let (segments, generations) = replay.list()?;
    let heads = replay.heads(&segments, &generations)?;
    let mut inventory = Inventory {
        segments: Vec::new(),
        next_segment: segments.last_key_value().map_or(0, |(number, _)| *number) + 1,
        next_generation: generations.last_key_value().map_or(0, |(number, _)| *number) + 1,
        generations: generations.into_iter().collect(),
    };
    let last = inventory.next_segment - 1;
    for (number, bytes) in segments {
        let head = heads.get(&number);
        let generation = head.map_or(0, |head| head.generation);
        let bytes = match head {
            Some(_) => replay.segment(number, generation)?,
            None => replay.unreadable(number, bytes, number == last),
        };
        inventory.segments.push(OnDisk { number, generation, bytes });
        inventory.next_generation = inventory.next_generation.max(generation.saturating_add(1));
    }
    disk.sync_folder().map_err(|source| JournalError::Disk { path: dir.to_owned(), source })?;
    Ok((inventory, replay.report))
}

struct Replay<'a> {
    dir: &'a Path,
    disk: &'a dyn Disk,
    table: &'a NameTable,
    each: Each<'a>,
    /// The generation that the last segment referred to; the next one mostly does, too.
    loaded: Option<(u32, Generation)>,
    report: Replayed,
    batch: Vec<(SeriesId, Point)>,
}

/// Files by number, with their lengths.
type Files = BTreeMap<u32, u64>;

impl Replay<'_> {
    fn list(&self) -> Result<(Files, Files), JournalError> {
        let (mut segments, mut generations) = (Files::new(), Files::new());
        let files = self.disk.list().map_err(|source| JournalError::Disk { path: self.dir.to_owned(), source })?;
        for (name, bytes) in files {
            match files::parse(&name) {
                Some(Named::Segment(number)) => segments.insert(number, bytes),
                Some(Named::Names(number)) => generations.insert(number, bytes),
                None => None,
            };
        }
        Ok((segments, generations))
    }

    /// The heads of the segments that have one, after a look that no file is too new for us.
    fn heads(&self, segments: &Files, generations: &Files) -> Result<BTreeMap<u32, FileHead>, JournalError> {
        for number in generations.keys() {
            self.head(&files::names(*number))?;
        }
        let mut heads = BTreeMap::new();
        for number in segments.keys() {
            let head = self.head(&files::segment(*number))?;
            if let Some(head) = head.filter(|head| head.kind == Kind::Points && head.number == *number) {
                heads.insert(*number, head);
            }
        }
        Ok(heads)
    }

    fn head(&self, name: &str) -> Result<Option<FileHead>, JournalError> {
        match self.disk.read(name).and_then(Records::open) {
            Ok((Head::Known(head), _)) => Ok(Some(head)),
            Ok((Head::Newer(version), _)) => {
                Err(JournalError::Newer { path: self.dir.join(name), version, known: VERSION })
            }
            Ok((Head::Damaged, _)) => Ok(None),
            Err(source) if source.kind() == io::ErrorKind::PermissionDenied => Err(self.error(name, source)),
            // A disk that fails to give some bytes keeps others that can be saved.
            Err(_) => Ok(None),
        }
    }

    /// Hands over the points of a segment, cuts its torn end off and makes the rest safe. Returns its length.
    fn segment(&mut self, number: u32, generation: u32) -> Result<u64, JournalError> {
        let name = files::segment(number);
        let mut names = self.names_of(generation);
        let (_, mut records) = self.disk.read(&name).and_then(Records::open).map_err(|e| self.error(&name, e))?;
        let ended = loop {
            match records.next() {
                Ok(Some(payload)) => self.record(Segment::new(number), payload, &mut names),
                Ok(None) => break true,
                Err(error) => {
                    warn!(path = %self.dir.join(&name).display(), %error, "Cannot read a segment of the journal to its end.");
                    break false;
                }
            }
        };
        let found = records.found();
        self.loaded = Some((generation, names));
        self.report.segments += 1;
        self.report.bytes += found.length;
        self.count(&name, found);
        self.report.damaged += u64::from(!ended);
        self.settle(&name, found, ended).map_err(|source| self.error(&name, source))?;
        Ok(if ended { found.sound } else { found.length })
    }

    fn record(&mut self, segment: Segment, payload: &[u8], names: &mut Generation) {
        self.batch.clear();
        for point in Decoder::new(payload) {
            let Ok((id, point)) = point else {
                self.report.damaged += 1;
                break;
            };
            match names.series(id, self.table) {
                Some(series) => self.batch.push((series, point)),
                None => self.report.nameless += 1,
            }
        }
        self.report.points += self.batch.len() as u64;
        (self.each)(segment, &self.batch);
    }

    /// The names of a generation; none, when its file is lost.
    fn names_of(&mut self, generation: u32) -> Generation {
        if let Some((_, names)) = self.loaded.take().filter(|(loaded, _)| *loaded == generation) {
            return names;
        }
        let name = files::names(generation);
        let of = |head: FileHead| head.kind == Kind::Names && head.generation == generation;
        match self.disk.read(&name).and_then(Records::open) {
            Ok((Head::Known(head), records)) if of(head) => {
                let (names, found) = Generation::read(records);
                self.count(&name, found);
                if let Err(error) = self.disk.open(&name).and_then(|file| file.sync()) {
                    warn!(path = %self.dir.join(&name).display(), %error, "Cannot sync a file of the journal.");
                }
                names
            }
            _ => {
                self.report.damaged += 1;
                warn!(path = %self.dir.join(&name).display(), "The names of a part of the journal are lost.");
                Generation::default()
            }
        }
    }

    /// A segment without a head has nothing to say. The last one may never have had it.
    fn unreadable(&mut self, number: u32, bytes: u64, last: bool) -> u64 {
        let path = self.dir.join(files::segment(number));
        if last {
            self.report.torn += bytes;
        } else if bytes > 0 {
            self.report.damaged += 1;
            self.report.skipped += bytes;
            warn!(path = %path.display(), bytes, "A segment of the journal has no sound head; its points are lost.");
        }
        bytes
    }

    fn count(&mut self, name: &str, found: Found) {
        self.report.count(found);
        let path = self.dir.join(name);
        if found.gaps > 0 {
            warn!(path = %path.display(), places = found.gaps, bytes = found.skipped, "Skipped damaged bytes of the journal.");
        }
        if found.torn() > 0 {
            warn!(path = %path.display(), bytes = found.torn(), "Cut a torn end off the journal; it was never promised.");
        }
    }

    /// What is handed over must be safe, too: the process before may have ended between its write and its sync.
    fn settle(&self, name: &str, found: Found, ended: bool) -> io::Result<()> {
        let file = self.disk.open(name)?;
        if ended {
            // A killed process has given nothing back of the room that it had reserved behind the last record.
            file.cut(found.sound)?;
        }
        file.sync()
    }

    fn error(&self, name: &str, source: io::Error) -> JournalError {
        JournalError::Disk { path: self.dir.join(name), source }
    }
}
