//! The head of a file: how it aggregates, and which archives follow.
//!
//! ```text
//! byte   0        4               8              12          16
//!        ┌────────┬───────────────┬──────────────┬───────────┐
//!        │ method │ max retention │ xFilesFactor │ archives  │
//!        │  u32   │ u32, seconds  │     f32      │  u32, n   │
//!        ├────────┼───────────────┼──────────────┼───────────┘
//!        │ offset │ step, seconds │    points    │   n times, from byte 16, 12 bytes each
//!        │  u32   │      u32      │     u32      │
//!        ├────────┴───────────────┴──────────────┤
//!        │ the slots of archive 0, then 1, ...   │   from byte 16 + 12 n
//! ```
//!
//! Everything is big-endian and nothing is padded. Reading is as lenient as the reference, which only looks at the
//! method, the factor and the length of the table: a file that carbon could read yesterday must not become unreadable
//! here. What the header claims about archives is looked at when an archive is used, see [`Ring`](crate::ring::Ring).

use std::path::Path;

use byteorder::{BigEndian, ByteOrder};

use crate::error::Damage;
use crate::layer::ReadAt;
use crate::ring::{RECORD, Ring};
use crate::{AggregationMethod, CreateOptions, Error, Retention, RetentionError, Retentions, XFilesFactor};

/// Bytes of the fixed part.
pub(crate) const FIXED: usize = 16;
/// Steps at least double from archive to archive and fit 32 bits, so no valid file has more than 32.
/// The reference would read more; a table beyond this is certainly garbage.
const MOST_ARCHIVES: u32 = 1024;

/// What the first bytes of a file say.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// How points are aggregated.
    pub method: AggregationMethod,
    /// How far back the file reaches, in seconds, by its own word.
    pub max_retention: u32,
    /// Share of points that must be known.
    pub x_files_factor: XFilesFactor,
    /// The archives, finest first in every valid file.
    pub archives: Vec<ArchiveInfo>,
}

/// One line of the archive table, exactly as the file has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ArchiveInfo {
    /// Where the first slot begins, in bytes from the begin of the file.
    pub offset: u32,
    /// Seconds between points; 0 only in a damaged file.
    pub step: u32,
    /// Number of slots; 0 only in a damaged file.
    pub points: u32,
}

impl ArchiveInfo {
    /// The slots of this line, which is number `archive` of the table.
    pub(crate) fn ring(&self, archive: usize) -> Result<Ring, Damage> {
        let ArchiveInfo { offset, step, points } = *self;
        if step == 0 || points == 0 {
            return Err(Damage::EmptyArchive { archive, step, points });
        }
        Ok(Ring { archive, offset: offset.into(), step: step.into(), points: points.into() })
    }

    /// How far back the archive reaches, in seconds: step times points.
    pub fn retention_secs(&self) -> u64 {
        u64::from(self.step) * u64::from(self.points)
    }

    /// Bytes of all its slots.
    pub fn size(&self) -> u64 {
        u64::from(self.points) * RECORD as u64
    }

    /// The byte after its last slot.
    pub fn end(&self) -> u64 {
        u64::from(self.offset) + self.size()
    }
}

impl Header {
    /// The header of a new file.
    pub(crate) fn of(options: &CreateOptions) -> Header {
        let list = options.retentions.as_slice();
        let mut offset = (FIXED + RECORD * list.len()) as u32;
        let archives = list.iter().map(|retention| {
            let info = ArchiveInfo { offset, step: retention.step.secs(), points: retention.points.get() };
            // `Retentions` proved that the whole file fits 32 bits, so this cannot wrap.
            offset = offset.wrapping_add(info.size() as u32);
            info
        });
        Header {
            method: options.method,
            max_retention: u32::try_from(options.retentions.max_retention_secs()).unwrap_or(u32::MAX),
            x_files_factor: options.x_files_factor,
            archives: archives.collect(),
        }
    }

    /// Bytes of the header itself: 16 and 12 for each archive.
    pub fn len(&self) -> u64 {
        (FIXED + RECORD * self.archives.len()) as u64
    }

    /// Whether there are no archives at all, which only a damaged file has.
    pub fn is_empty(&self) -> bool {
        self.archives.is_empty()
    }

    /// Size of the file by the header's word.
    pub fn file_size(&self) -> u64 {
        self.archives.iter().map(ArchiveInfo::end).max().unwrap_or(0).max(self.len())
    }

    /// The fixed part and the archive table as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = vec![0; FIXED + RECORD * self.archives.len()];
        bytes[..FIXED].copy_from_slice(&self.fixed_bytes());
        for (record, info) in bytes[FIXED..].chunks_exact_mut(RECORD).zip(&self.archives) {
            BigEndian::write_u32(&mut record[0..4], info.offset);
            BigEndian::write_u32(&mut record[4..8], info.step);
            BigEndian::write_u32(&mut record[8..12], info.points);
        }
        bytes
    }

    /// The first 16 bytes, the only ones that change after creation.
    pub(crate) fn fixed_bytes(&self) -> [u8; FIXED] {
        let mut bytes = [0; FIXED];
        BigEndian::write_u32(&mut bytes[0..4], self.method.code());
        BigEndian::write_u32(&mut bytes[4..8], self.max_retention);
        BigEndian::write_f32(&mut bytes[8..12], self.x_files_factor.as_f32());
        BigEndian::write_u32(&mut bytes[12..16], self.archives.len() as u32);
        bytes
    }

    /// The retentions as a checked list.
    ///
    /// # Errors
    /// The rule that the archives break; an archive without points or step counts as rule 1 broken.
    pub fn retentions(&self) -> Result<Retentions, RetentionError> {
        let list = self.archives.iter().map(|info| {
            let zero = RetentionError::Zero {
                text: format!("{}:{}", info.step, info.points),
                step: info.step.into(),
                points: info.points.into(),
            };
            Retention::new(info.step, info.points).ok_or(zero)
        });
        Retentions::new(list.collect::<Result<_, _>>()?)
    }

    /// The first thing about the header that no proper writer leaves behind; `len` is the size of the file.
    ///
    /// Stricter than reading: offsets must follow each other, the rules must hold, and the size must fit exactly.
    ///
    /// # Errors
    /// That thing.
    pub fn verify(&self, len: u64) -> Result<(), Damage> {
        if self.archives.is_empty() {
            return Err(Damage::NoArchives);
        }
        let mut expected = self.len();
        for (archive, info) in self.archives.iter().enumerate() {
            info.ring(archive)?;
            if u64::from(info.offset) != expected {
                return Err(Damage::Offset { archive, expected, found: u64::from(info.offset) });
            }
            expected = info.end();
        }
        if !self.archives.is_sorted_by_key(|info| info.step) {
            let archive = self.archives.windows(2).position(|pair| pair[0].step > pair[1].step).map_or(0, |at| at + 1);
            let info = self.archives[archive];
            return Err(Damage::EmptyArchive { archive, step: info.step, points: info.points });
        }
        let retentions = self.retentions().map_err(Damage::Rules)?;
        if retentions.max_retention_secs() != u64::from(self.max_retention) {
            return Err(Damage::MaxRetention { expected: retentions.max_retention_secs(), found: self.max_retention });
        }
        if self.file_size() != len {
            return Err(Damage::Size { promised: self.file_size(), len });
        }
        Ok(())
    }
}

/// What one read of a file's beginning told.
pub(crate) struct Head {
    pub(crate) header: Header,
    /// Time in the first slot of archive 0, when that followed the header and the read reached it; 0 otherwise.
    pub(crate) first_base: u32,
}

/// Reads the header with one read in all but absurd files.
pub(crate) fn read(layer: &(impl ReadAt + ?Sized), path: &Path) -> Result<Head, Error> {
    let mut bytes = [0; FIXED + 32 * RECORD + RECORD];
    let got = layer.read_at(&mut bytes, 0).map_err(|source| Error::io("read", path, source))?;
    let corrupt = |damage| Error::Corrupt { path: path.to_owned(), damage };
    let mut header = parse_fixed(&bytes[..got]).map_err(corrupt)?;
    let count = BigEndian::read_u32(&bytes[12..16]);
    let table = FIXED as u64 + u64::from(count) * RECORD as u64;
    let whole = |len: usize| len as u64 >= table;
    if whole(got) {
        header.archives = parse_table(&bytes[FIXED..table as usize]);
    } else if got == bytes.len() && count <= MOST_ARCHIVES {
        let mut bytes = vec![0; table as usize];
        let got = layer.read_at(&mut bytes, 0).map_err(|source| Error::io("read", path, source))?;
        if !whole(got) {
            return Err(corrupt(Damage::ArchiveTable { archives: count, len: got as u64 }));
        }
        header.archives = parse_table(&bytes[FIXED..]);
    } else {
        return Err(corrupt(Damage::ArchiveTable { archives: count, len: got as u64 }));
    }
    let first_base = first_base(&header, &bytes[..got]);
    Ok(Head { header, first_base })
}

fn parse_fixed(bytes: &[u8]) -> Result<Header, Damage> {
    if bytes.starts_with(b"whisper_compressed") {
        return Err(Damage::Compressed);
    }
    if bytes.len() < FIXED {
        return Err(Damage::HeaderCutShort { len: bytes.len() as u64 });
    }
    let code = BigEndian::read_u32(&bytes[0..4]);
    let method = AggregationMethod::from_code(code).ok_or(Damage::UnknownAggregation { code })?;
    let bits = BigEndian::read_u32(&bytes[8..12]);
    let x_files_factor = XFilesFactor::from_bits(bits).ok_or(Damage::XFilesFactor { value: f32::from_bits(bits) })?;
    Ok(Header { method, max_retention: BigEndian::read_u32(&bytes[4..8]), x_files_factor, archives: Vec::new() })
}

fn parse_table(bytes: &[u8]) -> Vec<ArchiveInfo> {
    let record = |record: &[u8]| ArchiveInfo {
        offset: BigEndian::read_u32(&record[0..4]),
        step: BigEndian::read_u32(&record[4..8]),
        points: BigEndian::read_u32(&record[8..12]),
    };
    bytes.chunks_exact(RECORD).map(record).collect()
}

fn first_base(header: &Header, bytes: &[u8]) -> u32 {
    let slot = header.archives.first().and_then(|info| bytes.get(info.offset as usize..)?.get(..RECORD));
    slot.map_or(0, |slot| BigEndian::read_u32(&slot[0..4]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_header_survives_its_bytes() {
        let options = CreateOptions::new("60:5,300:12".parse().unwrap());
        let header = Header::of(&options);
        let head = read(&header.to_bytes()[..], Path::new("x.wsp")).unwrap();
        assert_eq!(head.header, header);
        assert_eq!(header.verify(244), Ok(()));
        assert!(matches!(header.verify(243), Err(Damage::Size { promised: 244, len: 243 })));
    }

    #[test]
    fn a_table_longer_than_the_file_is_refused_before_memory_is_taken() {
        let mut bytes = Header::of(&CreateOptions::new("60:5".parse().unwrap())).to_bytes();
        bytes[12..16].copy_from_slice(&[0xff; 4]);
        bytes.resize(100_000, 0);
        let refused = read(&bytes[..], Path::new("x.wsp"));
        assert!(matches!(refused, Err(Error::Corrupt { damage: Damage::ArchiveTable { .. }, .. })));
    }
}
