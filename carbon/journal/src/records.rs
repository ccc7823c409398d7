//! Finds the sound records of a file, whatever else stands in it.

use std::io::{self, Read};

use crate::layout::{self, FILE_HEAD, FileHead, Head, LONGEST_PAYLOAD, RECORD_HEAD};

/// The longest record, head included.
const LONGEST: usize = RECORD_HEAD + LONGEST_PAYLOAD;
/// Bytes asked for at a time.
const READ: usize = 256 * 1024;

/// The sound records of a file in order, damaged bytes skipped. Holds a window of the file, never more.
///
/// A record with a damaged payload is stepped over by its length, which has a check of its own. Behind anything else
/// that is no record, each following byte is tried as the first of the next one.
#[derive(Debug)]
pub(crate) struct Records<R> {
    source: R,
    window: Vec<u8>,
    /// The next byte to look at, in the window.
    at: usize,
    /// Where the window begins in the file.
    base: u64,
    ended: bool,
    seed: u32,
    found: Found,
}

/// What a file held.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Found {
    /// Bytes up to the end of the last sound record; what stands behind it is a torn tail.
    pub(crate) sound: u64,
    /// Bytes in all.
    pub(crate) length: u64,
    /// Runs of damaged bytes with a sound record behind them.
    pub(crate) gaps: u64,
    /// Bytes in those runs.
    pub(crate) skipped: u64,
}

impl<R: Read> Records<R> {
    /// Reads the head of a file; the records follow when it is one of ours.
    pub(crate) fn open(source: R) -> io::Result<(Head, Records<R>)> {
        let window = Vec::with_capacity(LONGEST + READ);
        let found = Found { sound: FILE_HEAD as u64, ..Found::default() };
        let mut records = Records { source, window, at: 0, base: 0, ended: false, seed: 0, found };
        records.fill(FILE_HEAD)?;
        let head = FileHead::decode(&records.window[..records.window.len().min(FILE_HEAD)]);
        if let Head::Known(head) = head {
            records.seed = head.seed();
        }
        records.at = FILE_HEAD.min(records.window.len());
        Ok((head, records))
    }

    /// The payload of the next sound record.
    ///
    /// # Errors
    /// When the file cannot be read on; the end of what is known is then the end of the file.
    pub(crate) fn next(&mut self) -> io::Result<Option<&[u8]>> {
        loop {
            self.fill(LONGEST)?;
            let rest = &self.window[self.at..];
            if rest.is_empty() {
                return Ok(None);
            }
            let offset = self.base + self.at as u64;
            let Some((length, crc)) = layout::record_at(rest, self.seed, offset) else {
                self.at += 1;
                continue;
            };
            let Some(payload) = rest.get(RECORD_HEAD..RECORD_HEAD + length) else {
                // Torn at the end of the file; nothing can follow.
                self.at = self.window.len();
                continue;
            };
            let sound = crc32fast::hash(payload) == crc;
            let start = self.at + RECORD_HEAD;
            self.at = start + length;
            if sound {
                self.found.accept(offset, (RECORD_HEAD + length) as u64);
                return Ok(Some(&self.window[start..start + length]));
            }
        }
    }

    /// What the file held, as far as it was read.
    pub(crate) fn found(&self) -> Found {
        Found { length: self.base + self.window.len() as u64, ..self.found }
    }

    /// Makes at least `wanted` bytes visible from `at` on, unless the file ends before.
    fn fill(&mut self, wanted: usize) -> io::Result<()> {
        while !self.ended && self.window.len() - self.at < wanted {
            self.window.drain(..self.at);
            self.base += self.at as u64;
            self.at = 0;
            let had = self.window.len();
            let read = (&mut self.source).take(READ as u64).read_to_end(&mut self.window)?;
            self.ended = read == 0 || self.window.len() == had;
        }
        Ok(())
    }
}

impl Found {
    fn accept(&mut self, offset: u64, length: u64) {
        if offset > self.sound {
            self.gaps += 1;
            self.skipped += offset - self.sound;
        }
        self.sound = offset + length;
    }

    /// Bytes behind the last sound record.
    pub(crate) fn torn(&self) -> u64 {
        self.length.saturating_sub(self.sound)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::frames::Frames;
    use crate::layout::Kind;

    const HEAD: FileHead = FileHead { kind: Kind::Points, generation: 1, number: 1 };

    /// A file of `count` records whose payloads say their place.
    fn file(count: u32) -> Vec<u8> {
        let mut bytes = HEAD.encode().to_vec();
        for nth in 0..count {
            let mut record = Frames::default();
            record.open();
            record.extend(format!("record {nth}").as_bytes());
            record.seal(HEAD.seed(), bytes.len() as u64);
            bytes.extend_from_slice(record.bytes());
        }
        bytes
    }

    fn read(bytes: &[u8]) -> (Vec<String>, Found) {
        let (_, mut records) = Records::open(bytes).unwrap();
        let mut payloads = Vec::new();
        while let Some(payload) = records.next().unwrap() {
            payloads.push(String::from_utf8(payload.to_vec()).unwrap());
        }
        (payloads, records.found())
    }

    #[test]
    fn a_damaged_byte_costs_its_own_record_and_no_other() {
        let whole = file(20);
        for at in FILE_HEAD..whole.len() {
            let mut damaged = whole.clone();
            damaged[at] ^= 0x40;
            let (payloads, found) = read(&damaged);
            assert_eq!(payloads.len(), 19, "at {at}");
            assert_eq!(found.gaps + u64::from(found.torn() > 0), 1, "at {at}");
        }
    }

    #[test]
    fn lost_and_foreign_bytes_are_skipped() {
        let whole = file(20);
        let (_, found) = read(&whole);
        assert_eq!((found.gaps, found.torn(), found.length), (0, 0, whole.len() as u64));
        // Bytes behind a hole have moved; their checks say so.
        let mut shorter = whole.clone();
        shorter.remove(100);
        let (payloads, found) = read(&shorter);
        assert!(payloads.len() < 5 && found.torn() > 0);
        let mut zeros = whole.clone();
        zeros.resize(whole.len() + 3 * READ, 0);
        let (payloads, found) = read(&zeros);
        assert_eq!((payloads.len(), found.torn()), (20, 3 * READ as u64));
    }
}
