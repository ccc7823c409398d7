use super::*;

use carbon_line::MetricName;
use proptest::prelude::*;
use std::collections::BTreeMap;
use whisper::{Point, Timestamp};

fn cache(max_points: usize) -> (Cache, Vec<SeriesId>) {
    let names = Arc::new(NameTable::new());
    let ids = (0..4).map(|n| names.intern(&MetricName::parse(&format!("a.b{n}")).unwrap())).collect();
    (Cache::new(names, Arc::new(Stats::default()), max_points), ids)
}

fn point(time: u32, value: f64) -> Point {
    Point { time: Timestamp::from_secs(time), value }
}

#[test]
fn the_last_point_for_an_instant_wins() {
    let (cache, ids) = cache(100);
    cache.insert_own(&mut vec![(ids[0], point(10, 1.0)), (ids[0], point(5, 2.0)), (ids[0], point(10, 3.0))]);
    assert_eq!(cache.recent_points("a.b0"), [point(5, 2.0), point(10, 3.0)]);
    assert_eq!(cache.take(&ids).batch[0].points, [point(5, 2.0), point(10, 3.0)]);
    assert_eq!(cache.points(), 2);
}

#[test]
fn points_stay_visible_until_they_are_confirmed() {
    let (cache, ids) = cache(100);
    cache.insert_own(&mut vec![(ids[0], point(10, 1.0))]);
    assert_eq!(cache.take(&ids).ids, [ids[0]]);
    cache.insert_own(&mut vec![(ids[0], point(10, 9.0)), (ids[0], point(20, 2.0))]);
    assert_eq!(cache.recent_points("a.b0"), [point(10, 9.0), point(20, 2.0)]);
    assert!(cache.take(&ids).ids.is_empty(), "nobody takes a series that is being written");
    assert_eq!(cache.confirm(ids[0]), 1);
    assert_eq!(cache.recent_points("a.b0"), [point(10, 9.0), point(20, 2.0)], "overwritten meanwhile");
    assert_eq!(cache.take(&ids).batch[0].points.len(), 2);
    cache.confirm(ids[0]);
    assert!(cache.is_empty() && cache.series() == 0);
}

#[test]
fn refused_points_wait_again_behind_newer_ones() {
    let (cache, ids) = cache(100);
    cache.insert_own(&mut vec![(ids[0], point(10, 1.0)), (ids[0], point(20, 1.0))]);
    cache.take(&ids);
    cache.insert_own(&mut vec![(ids[0], point(10, 9.0))]);
    cache.put_back(ids[0]);
    assert_eq!(cache.take(&ids).batch[0].points, [point(10, 9.0), point(20, 1.0)]);
    assert_eq!(cache.points(), 2);
}

#[test]
fn the_series_with_the_most_points_comes_first() {
    let (cache, ids) = cache(100);
    cache.insert_own(&mut vec![(ids[0], point(1, 0.0)), (ids[2], point(1, 0.0)), (ids[2], point(2, 0.0))]);
    assert_eq!(cache.waiting(0, 1), [ids[2], ids[0]]);
    let both = [cache.waiting(0, 2), cache.waiting(1, 2)].concat();
    assert_eq!(both.len(), 2, "each series belongs to one writer");
}

#[tokio::test]
async fn a_full_cache_makes_its_readers_wait() {
    let (cache, ids) = cache(2);
    cache.insert(&mut vec![(ids[0], point(1, 0.0)), (ids[0], point(2, 0.0))]).await;
    let mut more = vec![(ids[1], point(1, 0.0))];
    let mut waiting = Box::pin(cache.insert(&mut more));
    tokio::select! {
        biased;
        () = &mut waiting => panic!("the cache is full"),
        () = tokio::task::yield_now() => {}
    }
    cache.take(&ids);
    cache.confirm(ids[0]);
    waiting.await;
    assert_eq!(cache.points(), 1);
}

#[derive(Clone, Debug)]
enum Step {
    Insert(usize, u32, f64),
    Take,
    Confirm(usize),
    PutBack(usize),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        6 => (0..4usize, 0..40u32, 0..1000u32).prop_map(|(series, time, value)| Step::Insert(series, time, value.into())),
        1 => Just(Step::Take),
        2 => (0..4usize).prop_map(Step::Confirm),
        2 => (0..4usize).prop_map(Step::PutBack),
    ]
}

proptest! {
    /// Against a model: what was inserted is stored or visible, with its last value, and the counters add up.
    #[test]
    fn no_history_loses_or_doubles_a_point(steps in proptest::collection::vec(step(), 0..300)) {
        let (cache, ids) = cache(usize::MAX);
        let mut model = BTreeMap::new();
        let mut stored = BTreeMap::new();
        let mut taken: BTreeMap<SeriesId, Vec<Point>> = BTreeMap::new();
        let mut confirmed = 0;
        for step in steps {
            match step {
                Step::Insert(series, time, value) => {
                    cache.insert_own(&mut vec![(ids[series], point(time, value))]);
                    model.insert((ids[series], time), value);
                }
                Step::Take => {
                    let found = cache.take(&ids);
                    taken.extend(found.ids.into_iter().zip(found.batch.into_iter().map(|pending| pending.points)));
                }
                Step::Confirm(series) => {
                    for point in taken.remove(&ids[series]).unwrap_or_default() {
                        stored.insert((ids[series], point.time.secs()), point.value);
                    }
                    confirmed += cache.confirm(ids[series]) as u64;
                }
                Step::PutBack(series) => {
                    taken.remove(&ids[series]);
                    cache.put_back(ids[series]);
                }
            }
        }
        let mut seen = stored;
        for (series, id) in ids.iter().enumerate() {
            for point in cache.recent_points(&format!("a.b{series}")) {
                seen.insert((*id, point.time.secs()), point.value);
            }
        }
        prop_assert_eq!(seen, model);
        let stats = cache.stats.snapshot();
        prop_assert_eq!(stats.received, stats.overwritten + confirmed + cache.points() as u64);
    }
}
