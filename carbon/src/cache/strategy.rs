//! In which order due series are written: ours, and those that carbon.conf names in `CACHE_WRITE_STRATEGY`.

use carbon_storage::SeriesId;
use serde::Deserialize;
use whisper::Timestamp;

use super::Cache;
use super::place::{place_of, shard_of};

/// An order of due series. Carbon's `random` is none: carbon's own check of its options refuses it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Strategy {
    /// The order in which the series were first seen, which is that of their files on disk. Costs nothing.
    #[default]
    Disk,
    /// The series with the most points first.
    Sorted,
    /// As [`Strategy::Sorted`]. Carbon looks for the longest series anew after each one; our passes are short instead.
    Max,
    /// As [`Strategy::Sorted`].
    BucketMax,
    /// The series with the oldest point first.
    TimeSorted,
    /// The series seen last first.
    Naive,
}

/// What an order depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Which series.
    pub series: SeriesId,
    /// How many of its points wait, instants counted once.
    pub points: usize,
    /// The time of the first of them.
    pub oldest: Timestamp,
}

impl Strategy {
    /// Puts ascending series in order. Series with equal claims stay in the order of their files.
    pub fn sort(self, waiting: &mut [Waiting]) {
        match self {
            Strategy::Disk => {}
            Strategy::Sorted | Strategy::Max | Strategy::BucketMax => {
                waiting.sort_by_key(|waiting| std::cmp::Reverse(waiting.points));
            }
            Strategy::TimeSorted => waiting.sort_by_key(|waiting| waiting.oldest),
            Strategy::Naive => waiting.reverse(),
        }
    }
}

impl Cache {
    /// Due series, as [`Cache::due`] gives them, in the order of `strategy`. With [`Strategy::TimeSorted`], those
    /// without a point that is at least as old as `until` are left out, which is carbon's `MIN_TIMESTAMP_LAG`.
    ///
    /// Times and exact counts are read from the coded points, 10 ns each, for every order but the default.
    pub fn in_order(&self, due: Vec<SeriesId>, strategy: Strategy, until: Timestamp) -> Vec<SeriesId> {
        if strategy == Strategy::Disk {
            return due;
        }
        let mut waiting: Vec<Waiting> = due.into_iter().filter_map(|id| self.claims(id)).collect();
        if strategy == Strategy::TimeSorted {
            waiting.retain(|waiting| waiting.oldest <= until);
        }
        strategy.sort(&mut waiting);
        waiting.into_iter().map(|waiting| waiting.series).collect()
    }

    fn claims(&self, series: SeriesId) -> Option<Waiting> {
        let points = self.shard(shard_of(series)).waiting_points(place_of(series))?;
        Some(Waiting { series, points: points.len(), oldest: points.first()?.time })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn equal_claims_keep_the_order_of_files() {
        let waiting = [(1, 3, 20), (2, 5, 30), (3, 3, 10), (4, 5, 10)].map(|(id, points, oldest)| Waiting {
            series: SeriesId::new(id),
            points,
            oldest: Timestamp::from_secs(oldest),
        });
        for (strategy, expected) in [
            (Strategy::Disk, [1, 2, 3, 4]),
            (Strategy::Sorted, [2, 4, 1, 3]),
            (Strategy::TimeSorted, [3, 4, 1, 2]),
            (Strategy::Naive, [4, 3, 2, 1]),
        ] {
            let mut ordered = waiting;
            strategy.sort(&mut ordered);
            assert_eq!(ordered.map(|waiting| waiting.series.index()), expected, "{strategy:?}");
        }
    }
}
