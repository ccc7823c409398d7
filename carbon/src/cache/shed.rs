//! What goes when the cache is full of points from senders that cannot be made to wait.

use std::sync::atomic::Ordering::Relaxed;

use carbon_storage::SeriesId;
use hashbrown::HashMap;

use super::Cache;
use super::place::{place_of, shard_of};

/// What was dropped to make room.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Shed {
    /// The first two parts of the names that lost points; of several, the one with the most points. Empty when nothing
    /// was dropped.
    pub prefix: String,
    /// How many points.
    pub points: usize,
}

impl Cache {
    /// In a full cache, drops the oldest points under the noisiest prefix until there is some room: of each of its
    /// series the older half, as often as it takes, then those of the next noisiest. Otherwise it does nothing.
    ///
    /// Counted as dropped. Goes over all waiting series once, so the room it makes is a twentieth of the cache.
    pub fn shed(&self) -> Shed {
        let mut shed = Shed::default();
        if self.has_room() {
            return shed;
        }
        for (prefix, ids) in self.noisiest() {
            if shed.prefix.is_empty() {
                shed.prefix = prefix;
            }
            shed.points += self.shed_from(ids);
            if self.has_some_room() {
                break;
            }
        }
        self.stats.dropped.fetch_add(shed.points as u64, Relaxed);
        self.stats.shed.fetch_add(shed.points as u64, Relaxed);
        shed
    }

    /// Halves what these series hold until there is room or nothing of theirs waits; gives the points dropped.
    fn shed_from(&self, mut ids: Vec<SeriesId>) -> usize {
        let (mut dropped, mut overwritten) = (0, 0);
        while !ids.is_empty() && !self.has_some_room() {
            ids.retain(|id| {
                if self.has_some_room() {
                    return false;
                }
                let (gone, replaced) = self.change(shard_of(*id), |shard| shard.halve(place_of(*id)));
                dropped += gone;
                overwritten += replaced;
                gone > 0
            });
        }
        self.stats.overwritten.fetch_add(overwritten as u64, Relaxed);
        dropped
    }

    /// The series that wait by prefix, those with the most points first.
    fn noisiest(&self) -> Vec<(String, Vec<SeriesId>)> {
        let waiting: Vec<(SeriesId, usize)> = self
            .holding()
            .into_iter()
            .filter_map(|id| Some((id, self.shard(shard_of(id)).waiting(place_of(id))?.len())))
            .collect();
        let names = self.names.read();
        let mut prefixes: HashMap<&str, (usize, Vec<SeriesId>)> = HashMap::new();
        for (id, points) in waiting {
            let (sum, ids) = prefixes.entry(prefix(names.text(id))).or_default();
            *sum += points;
            ids.push(id);
        }
        let mut noisiest: Vec<_> =
            prefixes.into_iter().map(|(prefix, (points, ids))| (points, prefix.to_owned(), ids)).collect();
        noisiest.sort_unstable_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        noisiest.into_iter().map(|(_, prefix, ids)| (prefix, ids)).collect()
    }

    fn has_some_room(&self) -> bool {
        self.bytes() < self.limit.part(95)
    }
}

/// The first two parts of a name.
fn prefix(name: &str) -> &str {
    name.match_indices('.').nth(1).map_or(name, |(end, _)| &name[..end])
}
