//! Where a series lies: ids are dealt out to shards by the page.

use carbon_storage::SeriesId;

/// The cache's parts, each with a lock of its own.
pub(super) const SHARDS: u32 = 64;

/// Neighbours by id that share a shard.
pub(super) const PAGE: u32 = 1024;

/// The shard that holds `id`.
#[inline]
pub(super) fn shard_of(id: SeriesId) -> u32 {
    number(id) / PAGE % SHARDS
}

/// Where `id` lies in its shard.
#[inline]
pub(super) fn place_of(id: SeriesId) -> u32 {
    number(id) / PAGE / SHARDS * PAGE + number(id) % PAGE
}

/// The series at a place.
#[inline]
pub(super) fn id_of(shard: u32, place: u32) -> SeriesId {
    SeriesId::new((place / PAGE * SHARDS + shard) * PAGE + place % PAGE)
}

fn number(id: SeriesId) -> u32 {
    id.index() as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_tells_its_series() {
        for number in [0, 1023, 1024, 65_535, 65_536, 70_000, u32::MAX] {
            let id = SeriesId::new(number);
            assert_eq!(id_of(shard_of(id), place_of(id)), id);
        }
    }
}
