//! Names as a record of the names file holds them: `id u32` of the first, then `length u16` and text of each in order
//! of their ids. Little-endian.
//!
//! Names are appended before the first points that use them, dense from id 0, so that the journal needs to remember
//! only how many it has named. A name may stand twice; it is the same one.

use std::ops::Range;

use carbon_storage::{NameTable, SeriesId};

use crate::frames::Frames;

/// Adds the names of `ids`, all of them in the table, to `frames`.
pub(crate) fn append(frames: &mut Frames, table: &NameTable, ids: Range<u32>) {
    let names = table.read();
    for id in ids {
        if frames.open() {
            frames.extend(&id.to_le_bytes());
        }
        let name = names.text(SeriesId::new(id));
        frames.extend(&(name.len() as u16).to_le_bytes()); // a metric name has at most 3 072 bytes
        frames.extend(name.as_bytes());
    }
}

/// The names of one payload with their ids; what is not a name in its form ends the run.
pub(crate) fn decode(payload: &[u8]) -> impl Iterator<Item = (u32, &str)> {
    let (first, mut rest) = match payload.split_first_chunk::<4>() {
        Some((first, rest)) => (u32::from_le_bytes(*first), rest),
        None => (0, payload),
    };
    let mut ids = first..=u32::MAX;
    std::iter::from_fn(move || {
        let (length, behind) = rest.split_first_chunk::<2>()?;
        let (name, behind) = behind.split_at_checked(usize::from(u16::from_le_bytes(*length)))?;
        rest = behind;
        Some((ids.next()?, std::str::from_utf8(name).ok()?))
    })
}

#[cfg(test)]
mod tests {
    use carbon_line::MetricName;

    use super::*;
    use crate::layout::RECORD_HEAD;

    #[test]
    fn names_come_back_with_their_ids() {
        let table = NameTable::new();
        let names: Vec<String> = (0..50).map(|n| format!("servers.ä{n}.cpu")).collect();
        for name in &names {
            table.intern(&MetricName::parse(name).unwrap());
        }
        let mut frames = Frames::default();
        append(&mut frames, &table, 7..50);
        let payload = &frames.bytes()[RECORD_HEAD..];
        let decoded: Vec<(u32, &str)> = decode(payload).collect();
        assert_eq!(decoded.len(), 43);
        assert!(decoded.iter().zip(7..).all(|((id, name), n)| *id == n && *name == names[n as usize]));
        for end in 0..payload.len() {
            assert!(decode(&payload[..end]).count() < 43);
        }
    }
}
