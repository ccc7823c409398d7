//! Taking out for good what waits of a series, because it is deleted or gets another name.

use carbon_storage::SeriesId;
use whisper::Point;

use super::Cache;
use super::place::{place_of, shard_of};
use crate::clock::seconds;

/// What was taken out.
#[derive(Debug, PartialEq)]
pub(crate) enum Withdrawn {
    /// Nothing waits.
    Nothing,
    /// A writer has some of it; to be asked again.
    Busy,
    /// Points in time order, and the oldest segment of the journal that holds some of them.
    Points(Vec<Point>, u32),
}

impl Cache {
    /// Takes out what waits of `id`, unless a writer has some of it.
    pub(crate) fn withdraw(&self, id: SeriesId) -> Withdrawn {
        self.change(shard_of(id), |shard| shard.withdraw(place_of(id)))
    }

    /// Lets withdrawn points wait, as those of `id`.
    pub(crate) fn return_as(&self, id: SeriesId, points: &[Point], segment: u32) {
        let batch: Vec<(SeriesId, Point)> = points.iter().map(|point| (id, *point)).collect();
        self.file(&batch, segment, seconds());
    }

    /// Whether points of `id` wait or are being written.
    pub(crate) fn holds(&self, id: SeriesId) -> bool {
        self.shard(shard_of(id)).holds(place_of(id))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use carbon_line::MetricName;
    use carbon_storage::NameTable;
    use whisper::Timestamp;

    use super::*;
    use crate::Stats;

    #[test]
    fn what_is_withdrawn_is_gone_and_counted_so() {
        let names = Arc::new(NameTable::new());
        let cache = Cache::new(Arc::clone(&names), Arc::new(Stats::default()), usize::MAX);
        let [a, b] = ["a", "b"].map(|name| names.intern(&MetricName::parse(name).unwrap()));
        let point = |secs| Point { time: Timestamp::from_secs(secs), value: 1.0 };
        cache.insert(&[(a, point(2)), (a, point(1)), (b, point(1))], 7, 0);
        assert_eq!(cache.take(&[a]).ids, [a]);
        assert_eq!(cache.withdraw(a), Withdrawn::Busy);
        cache.put_back(a);
        assert_eq!(cache.withdraw(a), Withdrawn::Points(vec![point(1), point(2)], 7));
        assert_eq!(cache.withdraw(a), Withdrawn::Nothing);
        assert!(!cache.holds(a) && cache.holds(b));
        assert_eq!(cache.points(), 1);
        assert_eq!(cache.oldest_segment(), Some(7));
        assert!(matches!(cache.withdraw(b), Withdrawn::Points(..)));
        assert_eq!((cache.points(), cache.bytes(), cache.oldest_segment()), (0, 0, None));
        cache.return_as(b, &[point(1), point(2)], 3);
        assert_eq!((cache.points(), cache.oldest_segment()), (2, Some(3)));
    }
}
