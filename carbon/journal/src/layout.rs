//! The bytes of a journal file: a head that says whose records follow, and the head of each record.
//!
//! All numbers are little-endian. A file of points and a file of names differ in their kind and in what a record holds.
//!
//! ```text
//! byte  0            8          10      12            16        20      24
//!       ┌────────────┬──────────┬───────┬─────────────┬─────────┬───────┬──────────────────────┐
//!       │ "plumjrnl" │ version  │ kind  │ generation  │ number  │ crc32 │ the same 24 bytes    │
//!       │            │ u16 = 1  │  u16  │     u32     │   u32   │  u32  │ once more            │
//!  48   ├────────────┴┬─────────┴───────┴───┬─────────┴─────┬───┴───────┴──────────────────────┤
//!       │ length u32  │ crc32 of payload    │ check u32     │ payload, `length` bytes          │
//!       ├─────────────┴─────────────────────┴───────────────┴──────────────────────────────────┤
//!       │ next record ...                                                                      │
//! ```
//!
//! - **kind**: 1 points, 2 names. **generation**: the names file that these points' numbers refer to.
//! - **number**: of the segment; 0 in a names file. It must be the one in the file's name.
//! - **check**: crc32 of the file's head crc, the record's offset, its length and its payload's crc. It makes a length
//!   trustworthy when the payload is damaged, lets a reader find the next record behind damaged bytes, and keeps bytes
//!   that a peer sent as values from passing for a record.
//!
//! The head stands twice, so that no single damaged byte costs a file.

/// Bytes before the first record.
pub(crate) const FILE_HEAD: usize = 2 * HEAD_COPY;
/// Bytes before a record's payload.
pub(crate) const RECORD_HEAD: usize = 12;
/// No payload is longer; a reader holds no more than this at a time.
pub(crate) const LONGEST_PAYLOAD: usize = 128 * 1024;

/// The layout this program writes, and the newest it reads.
pub(crate) const VERSION: u16 = 1;

const HEAD_COPY: usize = 24;
const MAGIC: &[u8; 8] = b"plumjrnl";

/// What the records of a file are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Points = 1,
    Names = 2,
}

/// What a file says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct FileHead {
    pub(crate) kind: Kind,
    pub(crate) generation: u32,
    /// Of the segment; 0 in a file of names.
    pub(crate) number: u32,
}

/// What the first bytes of a file turned out to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Head {
    /// Ours to read.
    Known(FileHead),
    /// Whole, but of a layout that this program is too old for.
    Newer(u16),
    /// Neither copy of the head is whole.
    Damaged,
}

impl FileHead {
    /// The head as it stands in the file, both copies.
    pub(crate) fn encode(&self) -> [u8; FILE_HEAD] {
        let mut bytes = [0; FILE_HEAD];
        for copy in bytes.chunks_exact_mut(HEAD_COPY) {
            copy[..8].copy_from_slice(MAGIC);
            copy[8..10].copy_from_slice(&VERSION.to_le_bytes());
            copy[10..12].copy_from_slice(&(self.kind as u16).to_le_bytes());
            copy[12..16].copy_from_slice(&self.generation.to_le_bytes());
            copy[16..20].copy_from_slice(&self.number.to_le_bytes());
            let crc = crc32fast::hash(&copy[..20]);
            copy[20..].copy_from_slice(&crc.to_le_bytes());
        }
        bytes
    }

    /// What every record's check begins with: records of one file mean nothing in another.
    pub(crate) fn seed(&self) -> u32 {
        u32_at(&self.encode(), 20)
    }

    /// Reads the first bytes of a file, as many as there are.
    pub(crate) fn decode(bytes: &[u8]) -> Head {
        let copies = bytes.chunks_exact(HEAD_COPY).take(2);
        copies.filter_map(decode_copy).next().unwrap_or(Head::Damaged)
    }
}

fn decode_copy(copy: &[u8]) -> Option<Head> {
    if &copy[..8] != MAGIC || crc32fast::hash(&copy[..20]) != u32_at(copy, 20) {
        return None;
    }
    let version = u16::from_le_bytes([copy[8], copy[9]]);
    if version > VERSION {
        return Some(Head::Newer(version));
    }
    let kind = match u16::from_le_bytes([copy[10], copy[11]]) {
        1 => Kind::Points,
        2 => Kind::Names,
        _ => return None,
    };
    Some(Head::Known(FileHead { kind, generation: u32_at(copy, 12), number: u32_at(copy, 16) }))
}

/// Fills the head of a record whose payload follows it.
pub(crate) fn seal(record: &mut [u8], seed: u32, offset: u64) {
    let (head, payload) = record.split_at_mut(RECORD_HEAD);
    let length = payload.len() as u32; // at most LONGEST_PAYLOAD
    let crc = crc32fast::hash(payload);
    head[..4].copy_from_slice(&length.to_le_bytes());
    head[4..8].copy_from_slice(&crc.to_le_bytes());
    head[8..].copy_from_slice(&check(seed, offset, length, crc).to_le_bytes());
}

/// The length of the payload and its crc, when `bytes` begin with a record that was sealed for this place.
pub(crate) fn record_at(bytes: &[u8], seed: u32, offset: u64) -> Option<(usize, u32)> {
    let head = bytes.first_chunk::<RECORD_HEAD>()?;
    let (length, crc) = (u32_at(head, 0), u32_at(head, 4));
    // Most places that are no record end here, before a checksum is taken.
    if length == 0 || length as usize > LONGEST_PAYLOAD {
        return None;
    }
    (check(seed, offset, length, crc) == u32_at(head, 8)).then_some((length as usize, crc))
}

fn check(seed: u32, offset: u64, length: u32, crc: u32) -> u32 {
    let mut bytes = [0; 20];
    bytes[..4].copy_from_slice(&seed.to_le_bytes());
    bytes[4..12].copy_from_slice(&offset.to_le_bytes());
    bytes[12..16].copy_from_slice(&length.to_le_bytes());
    bytes[16..].copy_from_slice(&crc.to_le_bytes());
    crc32fast::hash(&bytes)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut four = [0; 4];
    four.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(four)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: FileHead = FileHead { kind: Kind::Points, generation: 3, number: 7 };

    #[test]
    fn no_single_damaged_byte_hides_the_head() {
        for at in 0..FILE_HEAD {
            let mut bytes = HEAD.encode();
            bytes[at] ^= 0x10;
            assert_eq!(FileHead::decode(&bytes), Head::Known(HEAD));
        }
        assert_eq!(FileHead::decode(b"plumjrnl"), Head::Damaged);
        assert_eq!(FileHead::decode(&[0; 48]), Head::Damaged);
    }

    #[test]
    fn a_newer_layout_is_recognised() {
        let mut bytes = HEAD.encode();
        bytes[8] = 2;
        let crc = crc32fast::hash(&bytes[..20]);
        bytes[20..24].copy_from_slice(&crc.to_le_bytes());
        assert_eq!(FileHead::decode(&bytes), Head::Newer(2));
    }

    #[test]
    fn a_record_is_one_only_where_it_was_sealed() {
        let mut record = [0; RECORD_HEAD + 3];
        record[RECORD_HEAD..].copy_from_slice(b"abc");
        seal(&mut record, HEAD.seed(), 48);
        assert_eq!(record_at(&record, HEAD.seed(), 48), Some((3, crc32fast::hash(b"abc"))));
        assert_eq!(record_at(&record, HEAD.seed(), 49), None);
        assert_eq!(record_at(&record, HEAD.seed() ^ 1, 48), None);
    }
}
