//! The cache against a plain model, over random histories.

use super::{Cache, Due, NameTable, SeriesId, Stats};

use carbon_line::MetricName;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, LazyLock};
use whisper::{Point, Timestamp};

const SERIES: usize = 5;

/// Points of one series as a reader should see them.
type Points = BTreeMap<u32, u64>;

/// Neighbours, and ones of other groups, pages and shards.
const PLACES: [u32; SERIES] = [0, 1, 40, 1024, 70_000];

#[derive(Clone, Debug)]
enum Step {
    Insert(Vec<(usize, u32, u64)>),
    Take(Vec<usize>),
    Confirm(usize),
    PutBack(usize),
}

fn step() -> impl Strategy<Value = Step> {
    let time = prop_oneof![8 => 0..40u32, 1 => any::<u32>()];
    let point = (0..SERIES, time, prop_oneof![any::<u64>(), (0..999u32).prop_map(|n| f64::from(n).to_bits())]);
    prop_oneof![
        6 => proptest::collection::vec(point, 0..12).prop_map(Step::Insert),
        1 => proptest::sample::subsequence(vec![0, 1, 2, 3, 4], 0..SERIES).prop_map(Step::Take),
        2 => (0..SERIES).prop_map(Step::Confirm),
        2 => (0..SERIES).prop_map(Step::PutBack),
    ]
}

#[derive(Default)]
struct Model {
    waiting: [Points; SERIES],
    writing: [Option<(Points, u32)>; SERIES],
    segments: [Option<u32>; SERIES],
}

impl Model {
    fn visible(&self, series: usize) -> Points {
        let mut points = self.writing[series].clone().unwrap_or_default().0;
        points.extend(&self.waiting[series]);
        points
    }

    fn oldest_segment(&self) -> Option<u32> {
        let writing = self.writing.iter().flatten().map(|(_, segment)| *segment);
        self.segments.iter().flatten().copied().chain(writing).min()
    }
}

fn bits(points: &[Point]) -> Points {
    points.iter().map(|point| (point.time.secs(), point.value.to_bits())).collect()
}

fn cache() -> (Cache, [SeriesId; SERIES]) {
    static NAMES: LazyLock<Arc<NameTable>> = LazyLock::new(|| {
        let names = NameTable::new();
        for n in 0..=PLACES[SERIES - 1] {
            names.intern(&MetricName::parse(&format!("s{n}")).unwrap());
        }
        Arc::new(names)
    });
    (Cache::new(Arc::clone(&NAMES), Arc::new(Stats::default()), usize::MAX), PLACES.map(SeriesId::new))
}

fn apply(step: &Step, segment: u32, cache: &Cache, ids: &[SeriesId; SERIES], model: &mut Model) {
    match step {
        Step::Insert(points) => {
            let point = |time, bits| Point { time: Timestamp::from_secs(time), value: f64::from_bits(bits) };
            let batch: Vec<_> = points.iter().map(|(series, time, bits)| (ids[*series], point(*time, *bits))).collect();
            cache.insert(&batch, segment, segment);
            for (series, time, bits) in points {
                model.waiting[*series].insert(*time, *bits);
                model.segments[*series].get_or_insert(segment);
            }
        }
        Step::Take(which) => {
            let taken = cache.take(&which.iter().map(|series| ids[*series]).collect::<Vec<_>>());
            let mut found = taken.ids.iter().zip(&taken.batch);
            for series in which {
                if model.writing[*series].is_some() || model.waiting[*series].is_empty() {
                    continue;
                }
                let (id, pending) = found.next().unwrap();
                assert_eq!((*id, pending.series, &*pending.name), (ids[*series], *id, &*format!("s{}", id.index())));
                assert!(pending.points.is_sorted_by(|a, b| a.time < b.time));
                let points = std::mem::take(&mut model.waiting[*series]);
                assert_eq!(bits(&pending.points), points);
                model.writing[*series] = Some((points, model.segments[*series].take().unwrap()));
            }
            assert!(found.next().is_none());
        }
        Step::Confirm(series) => {
            let gone = model.writing[*series].take().map_or(0, |(points, _)| points.len());
            assert_eq!(cache.confirm(ids[*series]), gone);
            cache.stats.stored.fetch_add(gone as u64, Relaxed);
        }
        Step::PutBack(series) => {
            cache.put_back(ids[*series]);
            if let Some((mut points, segment)) = model.writing[*series].take() {
                points.append(&mut model.waiting[*series]);
                model.waiting[*series] = points;
                model.segments[*series] = Some(segment);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn no_history_loses_doubles_or_bends_a_point(steps in proptest::collection::vec(step(), 0..120)) {
        let ((cache, ids), mut model) = (cache(), Model::default());
        for (segment, step) in steps.iter().enumerate() {
            apply(step, segment as u32, &cache, &ids, &mut model);
            for (series, place) in PLACES.iter().enumerate() {
                let seen = cache.recent_points(&format!("s{place}"));
                prop_assert_eq!(bits(&seen), model.visible(series));
            }
            let due: Vec<SeriesId> = (0..SERIES)
                .filter(|series| model.writing[*series].is_none() && !model.waiting[*series].is_empty())
                .map(|series| ids[series])
                .collect();
            prop_assert_eq!(cache.due(0, 1, &Due::everything()), due);
            prop_assert_eq!(cache.oldest_segment(), model.oldest_segment());
            let stats = cache.stats.snapshot();
            prop_assert_eq!(stats.received, stats.overwritten + stats.stored + cache.points() as u64);
            prop_assert!(cache.bytes() <= cache.reserved());
        }
        ids.iter().for_each(|id| { cache.confirm(*id); });
        cache.take(&ids);
        ids.iter().for_each(|id| { cache.confirm(*id); });
        prop_assert_eq!((cache.points(), cache.bytes(), cache.reserved(), cache.series()), (0, 0, 0, 0));
    }
}
