//! Lines on disk that wait for a destination: a folder of segments, each a row of records, the oldest first.
//!
//! Records are written and read whole, and checked by their sums. A segment is removed when all of it has been with the
//! destination for long enough; until then a broken connection begins it anew, as does a restart: same names, same
//! times, so nothing counts twice. What was written survives `kill -9` at once, and a power cut once its segment is
//! full or the agent has stopped in order.

mod record;
mod segment;
#[cfg(test)]
mod tests;
mod worker;

use std::collections::VecDeque;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use rustix::fs::FlockOperation;

use self::record::Head;
use self::segment::Segment;
pub(crate) use self::worker::Worker;
use crate::outlet::{Cause, Chunk, Replay};

/// The smallest spool that makes sense.
pub(crate) const SMALLEST: u64 = 1 << 20;

/// Points that were in the spool and will never be sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Loss {
    pub(crate) cause: Cause,
    pub(crate) points: u64,
    pub(crate) span: Option<(u32, u32)>,
}

/// See the module.
#[derive(Debug)]
pub(crate) struct Spool {
    folder: PathBuf,
    most: u64,
    segments: VecDeque<Segment>,
    /// The last segment, when records can be appended to it.
    active: Option<File>,
    /// The file that is read, by its number.
    reading: Option<(u64, File)>,
    /// Segment and offset of the next record to read.
    cursor: (u64, u64),
    losses: Vec<Loss>,
    /// Keeps others out.
    _lock: File,
}

impl Spool {
    /// Opens the spool in `folder`, which is made when it is not there, for `most` bytes.
    ///
    /// # Errors
    /// The folder cannot be used, or another process uses it.
    pub(crate) fn open(folder: &Path, most: u64) -> io::Result<Spool> {
        fs::create_dir_all(folder)?;
        let lock = File::create(folder.join("lock"))?;
        rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive)
            .map_err(|_| io::Error::new(io::ErrorKind::WouldBlock, "another agent uses it"))?;
        let mut found: Vec<_> = fs::read_dir(folder)?
            .filter_map(|entry| Some(entry.ok()?.path()))
            .filter_map(|path| Some((Segment::number_of(&path)?, path)))
            .collect();
        found.sort();
        let mut spool = Spool {
            folder: folder.to_owned(),
            most,
            segments: VecDeque::new(),
            active: None,
            reading: None,
            cursor: (0, 0),
            losses: Vec::new(),
            _lock: lock,
        };
        for (number, path) in found {
            let (segment, rest) = Segment::scan(path, number)?;
            if rest > 0 {
                spool.cut(&segment)?;
            }
            if segment.bytes == 0 {
                fs::remove_file(segment.path())?;
                continue;
            }
            spool.segments.push_back(segment);
        }
        spool.make_room(0);
        spool.rewind();
        Ok(spool)
    }

    /// Takes away what lies behind the last sound record: half a record of a kill, or damage.
    fn cut(&mut self, segment: &Segment) -> io::Result<()> {
        let rest = read_rest(segment.path(), segment.bytes)?;
        // What a kill cut off has no whole head, or too few bytes; its lines were never counted as spooled.
        let lines = rest.iter().filter(|byte| **byte == b'\n').count() as u64;
        self.losses.push(Loss { cause: Cause::Damaged, points: lines, span: None });
        File::options().write(true).open(segment.path())?.set_len(segment.bytes)
    }

    /// Appends lines; the oldest segments go when there is no room.
    ///
    /// # Errors
    /// The disk does not take them. The spool has to be opened anew then.
    pub(crate) fn append(&mut self, chunk: &Chunk) -> io::Result<()> {
        let head = Head::of(chunk);
        self.make_room(head.whole());
        if self.segments.back().is_none_or(|last| last.bytes >= self.segment_bytes()) {
            self.close()?;
        }
        let mut file = match self.active.take() {
            Some(file) => file,
            None => {
                let (segment, file) = Segment::create(&self.folder, self.next_number())?;
                self.segments.push_back(segment);
                file
            }
        };
        let mut bytes = Vec::with_capacity(head.whole() as usize);
        head.write(&mut bytes);
        bytes.extend_from_slice(&chunk.lines);
        if let Err(error) = file.write_all(&bytes) {
            // The lines stay in memory. Half of them here would be sent twice, and the rest be counted as damage.
            let _ = file.set_len(self.segments.back().map_or(0, |last| last.bytes));
            return Err(error);
        }
        self.active = Some(file);
        if let Some(last) = self.segments.back_mut() {
            last.enter(&head);
        }
        Ok(())
    }

    /// The next record; `None` when all were read. A damaged one is left out and counted.
    ///
    /// # Errors
    /// The disk does not give it.
    pub(crate) fn next(&mut self) -> io::Result<Option<Replay>> {
        loop {
            let Some(at) = self.segments.iter().position(|segment| segment.number >= self.cursor.0) else {
                return Ok(None);
            };
            let number = self.segments[at].number;
            if number > self.cursor.0 {
                self.cursor = (number, 0);
            }
            if at + 1 == self.segments.len() && self.active.is_some() {
                // What comes later goes into the next one, so that this one comes to an end.
                self.close()?;
            }
            let segment = &self.segments[at];
            if self.cursor.1 >= segment.bytes {
                self.cursor = (number + 1, 0);
                continue;
            }
            if self.reading.as_ref().is_none_or(|(open, _)| *open != number) {
                self.reading = Some((number, File::open(segment.path())?));
            }
            let Some((_, file)) = &self.reading else { continue };
            let Some(head) = segment.head_at(file, self.cursor.1, segment.bytes)? else {
                let (end, waiting) = (segment.bytes, segment.waiting());
                self.damaged(at, end, waiting, None);
                self.cursor.1 = end;
                return Ok(Some(Replay {
                    lines: Vec::new(),
                    points: 0,
                    again: true,
                    segment: number,
                    end,
                    last: true,
                }));
            };
            let mut lines = vec![0; head.length as usize];
            file.read_exact_at(&mut lines, self.cursor.1 + record::HEAD as u64)?;
            let end = self.cursor.1 + head.whole();
            let again = head.points == 0 || end <= segment.handed;
            let last = end >= segment.bytes;
            self.cursor.1 = end;
            if !head.fits(&lines) {
                self.damaged(at, end, if again { 0 } else { head.points.into() }, Some(head.span));
                lines.clear();
                if !last {
                    continue;
                }
            }
            let points = lines.iter().filter(|byte| **byte == b'\n').count() as u64;
            return Ok(Some(Replay { lines, points, again, segment: number, end, last }));
        }
    }

    /// Enters damage that ends at `end`, once however often it is read.
    fn damaged(&mut self, at: usize, end: u64, points: u64, span: Option<(u32, u32)>) {
        let segment = &mut self.segments[at];
        if end > segment.damaged {
            segment.damaged = end;
            segment.sent = (segment.sent + points).min(segment.points);
            self.losses.push(Loss { cause: Cause::Damaged, points, span });
        }
    }

    /// Enters that a record was handed over.
    pub(crate) fn handed(&mut self, replay: &Replay) {
        let Some(segment) = self.segments.iter_mut().find(|segment| segment.number == replay.segment) else { return };
        segment.handed = segment.handed.max(replay.end);
        if !replay.again {
            segment.sent = (segment.sent + replay.points).min(segment.points);
        }
    }

    /// Removes the segment `number`, all of which has arrived.
    pub(crate) fn settled(&mut self, number: u64) {
        let Some(at) = self.segments.iter().position(|segment| segment.number == number) else { return };
        let active = at + 1 == self.segments.len() && self.active.is_some();
        if !active && let Some(segment) = self.segments.remove(at) {
            // A file that stays is sent once more after a restart, and nothing worse.
            let _ = fs::remove_file(segment.path());
        }
    }

    /// Begins anew with the oldest record.
    pub(crate) fn rewind(&mut self) {
        self.cursor = (self.segments.front().map_or(0, |segment| segment.number), 0);
    }

    /// Points that nobody has sent yet.
    pub(crate) fn points(&self) -> u64 {
        self.segments.iter().map(Segment::waiting).sum()
    }

    /// Bytes of all segments.
    pub(crate) fn bytes(&self) -> u64 {
        self.segments.iter().map(|segment| segment.bytes).sum()
    }

    /// What was lost since the last call.
    pub(crate) fn losses(&mut self) -> Vec<Loss> {
        std::mem::take(&mut self.losses)
    }

    /// Brings the last segment to disk and ends it.
    ///
    /// # Errors
    /// The disk does not take it.
    pub(crate) fn close(&mut self) -> io::Result<()> {
        self.active.take().map_or(Ok(()), |file| file.sync_all())
    }

    /// Removes the oldest segments until `more` bytes fit.
    fn make_room(&mut self, more: u64) {
        while self.bytes() + more > self.most {
            let Some(oldest) = self.segments.pop_front() else { return };
            if self.segments.is_empty() {
                self.active = None;
            }
            self.losses.push(Loss { cause: Cause::Full, points: oldest.waiting(), span: oldest.span });
            // Gone or not: it is not counted any more, and removed at the next start.
            let _ = fs::remove_file(oldest.path());
        }
    }

    fn next_number(&self) -> u64 {
        // Never a number of before, by which a record on its way may still be known.
        self.segments.back().map_or(0, |last| last.number).max(self.cursor.0) + 1
    }

    fn segment_bytes(&self) -> u64 {
        (self.most / 16).clamp(64 << 10, 4 << 20)
    }
}

fn read_rest(path: &Path, from: u64) -> io::Result<Vec<u8>> {
    let file = File::open(path)?;
    let mut rest = vec![0; (file.metadata()?.len() - from).min(8 << 20) as usize];
    let read = file.read_at(&mut rest, from)?;
    rest.truncate(read);
    Ok(rest)
}
