//! Records in memory, one behind the other as they will stand in the file, their heads not yet filled.

use crate::layout::{self, RECORD_HEAD};

/// A record that has grown past this is closed; damage to one byte costs at most this much and one entry more.
const CLOSE_AT: usize = 32 * 1024;

/// Records on their way to a file. Appending computes no checksum: [`seal`](Frames::seal) does, off the hot path, once
/// the place in the file is known; a second time, when another file has to take them.
#[derive(Debug, Default)]
pub(crate) struct Frames {
    bytes: Vec<u8>,
    /// Where each record's head begins.
    starts: Vec<usize>,
}

impl Frames {
    /// Room for `bytes` without growing.
    pub(crate) fn with_capacity(bytes: usize) -> Frames {
        Frames { bytes: Vec::with_capacity(bytes), starts: Vec::new() }
    }

    /// Makes sure that a record is open; true when it is a new one, which knows nothing of entries before.
    pub(crate) fn open(&mut self) -> bool {
        if self.starts.last().is_some_and(|start| self.bytes.len() - start < CLOSE_AT) {
            return false;
        }
        self.starts.push(self.bytes.len());
        self.bytes.extend_from_slice(&[0; RECORD_HEAD]);
        true
    }

    /// Adds to the open record.
    pub(crate) fn extend(&mut self, entry: &[u8]) {
        self.bytes.extend_from_slice(entry);
    }

    /// Fills all heads for a file with this seed, the first record at `offset`.
    pub(crate) fn seal(&mut self, seed: u32, offset: u64) {
        for (nth, start) in self.starts.iter().enumerate() {
            let end = self.starts.get(nth + 1).copied().unwrap_or(self.bytes.len());
            layout::seal(&mut self.bytes[*start..end], seed, offset + *start as u64);
        }
    }

    /// All records, heads included.
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Bytes of all records, heads included.
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    /// Whether no record was opened.
    pub(crate) fn is_empty(&self) -> bool {
        self.bytes.is_empty()
    }
}
