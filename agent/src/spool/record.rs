//! A record of a segment: lines with what has to be known about them before they are read.
//!
//! ```text
//! offset  0        4        8             12            16            20            24
//!         length   points   first second  last second   CRC of lines  CRC of 0..20  lines
//! ```
//! All numbers are little-endian u32. `points` is 0 for lines that were handed over before they came here: they are
//! counted already.

use crate::outlet::Chunk;

/// Bytes before the lines.
pub(crate) const HEAD: usize = 24;

/// No record is longer; what says so is damaged.
const LONGEST: u32 = 1 << 20;

/// The head of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Head {
    /// Bytes of lines.
    pub(crate) length: u32,
    /// Lines that nobody has sent yet.
    pub(crate) points: u32,
    /// Their first and last timestamp.
    pub(crate) span: (u32, u32),
    crc: u32,
}

impl Head {
    /// The head that goes before the lines of `chunk`.
    pub(crate) fn of(chunk: &Chunk) -> Head {
        let points = if chunk.handed == 0 { chunk.points as u32 } else { 0 };
        let (length, crc) = (chunk.lines.len() as u32, crc32fast::hash(&chunk.lines));
        Head { length, points, span: chunk.span().unwrap_or_default(), crc }
    }

    pub(crate) fn write(&self, bytes: &mut Vec<u8>) {
        let start = bytes.len();
        for number in [self.length, self.points, self.span.0, self.span.1, self.crc] {
            bytes.extend(number.to_le_bytes());
        }
        let crc = crc32fast::hash(&bytes[start..]);
        bytes.extend(crc.to_le_bytes());
    }

    /// `None` when this is no head.
    pub(crate) fn parse(bytes: &[u8; HEAD]) -> Option<Head> {
        let mut numbers = bytes.chunks_exact(4).map(|four| u32::from_le_bytes([four[0], four[1], four[2], four[3]]));
        let mut next = || numbers.next().unwrap_or_default();
        let (length, points, first, last, crc, own) = (next(), next(), next(), next(), next(), next());
        let sound = own == crc32fast::hash(&bytes[..HEAD - 4]) && length <= LONGEST && points <= length;
        sound.then_some(Head { length, points, span: (first, last), crc })
    }

    /// Whether `lines` are those that this head was made for.
    pub(crate) fn fits(&self, lines: &[u8]) -> bool {
        crc32fast::hash(lines) == self.crc
    }

    /// Bytes of the whole record.
    pub(crate) fn whole(&self) -> u64 {
        HEAD as u64 + u64::from(self.length)
    }
}
