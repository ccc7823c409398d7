use super::*;

use carbon_line::MetricName;
use whisper::Timestamp;

fn named(names: impl IntoIterator<Item = String>, max_bytes: usize) -> (Cache, Vec<SeriesId>) {
    let table = Arc::new(NameTable::new());
    let ids = names.into_iter().map(|name| table.intern(&MetricName::parse(&name).unwrap())).collect();
    (Cache::new(table, Arc::new(Stats::default()), max_bytes), ids)
}

fn cache(series: usize, max_bytes: usize) -> (Cache, Vec<SeriesId>) {
    named((0..series).map(|n| format!("a.b{n}")), max_bytes)
}

fn point(time: u32, value: f64) -> Point {
    Point { time: Timestamp::from_secs(time), value }
}

fn everything(cache: &Cache) -> Vec<SeriesId> {
    cache.due(0, 1, &Due::everything())
}

fn drain(cache: &Cache) -> usize {
    cache.take(&everything(cache)).ids.into_iter().map(|id| cache.confirm(id)).sum()
}

#[test]
fn the_last_point_for_an_instant_wins() {
    let (cache, ids) = cache(4, 1 << 20);
    cache.insert(&[(ids[0], point(10, 1.0)), (ids[0], point(5, 2.0)), (ids[0], point(10, 3.0))], 0, 0);
    assert_eq!(cache.recent_points("a.b0"), [point(5, 2.0), point(10, 3.0)]);
    assert_eq!(cache.take(&ids).batch[0].points, [point(5, 2.0), point(10, 3.0)]);
    assert_eq!(cache.points(), 2);
}

#[test]
fn points_stay_visible_until_they_are_confirmed() {
    let (cache, ids) = cache(4, 1 << 20);
    cache.insert(&[(ids[0], point(10, 1.0))], 0, 0);
    assert_eq!(cache.take(&ids).ids, [ids[0]]);
    cache.insert(&[(ids[0], point(10, 9.0)), (ids[0], point(20, 2.0))], 0, 0);
    assert_eq!(cache.recent_points("a.b0"), [point(10, 9.0), point(20, 2.0)]);
    assert!(cache.take(&ids).ids.is_empty(), "nobody takes a series that is being written");
    assert!(everything(&cache).is_empty());
    assert_eq!(cache.confirm(ids[0]), 1);
    assert_eq!(cache.recent_points("a.b0"), [point(10, 9.0), point(20, 2.0)], "overwritten meanwhile");
    assert_eq!(cache.take(&ids).batch[0].points.len(), 2);
    cache.confirm(ids[0]);
    assert!(cache.is_empty() && cache.series() == 0);
}

#[test]
fn refused_points_wait_again_behind_newer_ones() {
    let (cache, ids) = cache(4, 1 << 20);
    cache.insert(&[(ids[0], point(10, 1.0)), (ids[0], point(20, 1.0))], 0, 0);
    cache.take(&ids);
    cache.insert(&[(ids[0], point(10, 9.0))], 0, 0);
    cache.put_back(ids[0]);
    assert_eq!(cache.take(&ids).batch[0].points, [point(10, 9.0), point(20, 1.0)]);
    assert_eq!(cache.points(), 2);
}

#[test]
fn each_series_belongs_to_one_writer_and_comes_in_the_order_of_ids() {
    let (cache, ids) = cache(5_000, 1 << 20);
    let batch: Vec<_> = ids.iter().rev().map(|id| (*id, point(1, 0.0))).collect();
    cache.insert(&batch, 0, 0);
    assert_eq!(everything(&cache), ids);
    let (mut both, half) = (cache.due(0, 2, &Due::everything()), cache.due(1, 2, &Due::everything()));
    assert!(both.is_sorted() && half.is_sorted() && both.len() > 1_000 && half.len() > 1_000);
    both.extend(half);
    both.sort_unstable();
    assert_eq!(both, ids);
}

#[test]
fn a_series_is_due_once_it_has_waited_long_enough() {
    let (cache, ids) = cache(2, 1 << 20);
    cache.set_wait(ids[0], 100);
    cache.insert(&[(ids[0], point(1, 0.0)), (ids[1], point(1, 0.0))], 0, 1_000);
    assert_eq!(cache.unknown_waits(0, 1), [ids[1]]);
    cache.set_wait(ids[1], 200);
    drain(&cache);
    cache.insert(&[(ids[0], point(2, 0.0)), (ids[1], point(2, 0.0))], 0, 2_000);
    cache.insert(&[(ids[0], point(3, 0.0))], 0, 2_050);
    let at = |now| cache.due(0, 1, &Due::at(now));
    assert_eq!((at(2_099), at(2_100), at(2_200)), (vec![], vec![ids[0]], ids.clone()), "counted from the first point");
    assert_eq!(cache.due(0, 1, &Due { longest: 30, ..Due::at(2_040) }), ids);
    assert!(cache.unknown_waits(0, 1).is_empty());
    cache.forget_waits();
    assert_eq!((cache.unknown_waits(0, 1), at(2_059), at(2_060)), (ids.clone(), vec![], ids.clone()));
    cache.set_wait(ids[1], 500);
    assert_eq!(at(2_060), [ids[0]]);
}

#[test]
fn a_segment_is_needed_until_its_points_are_confirmed_and_can_be_pressed() {
    let (cache, ids) = cache(3, 1 << 20);
    ids.iter().for_each(|id| cache.set_wait(*id, 1_000));
    cache.insert(&[(ids[0], point(1, 0.0))], 4, 0);
    cache.insert(&[(ids[0], point(2, 0.0)), (ids[1], point(2, 0.0))], 5, 0);
    cache.insert(&[(ids[2], point(2, 0.0))], 6, 0);
    let press = |segment| cache.due(0, 1, &Due { press_segment: Some(segment), ..Due::at(0) });
    assert_eq!((press(3), press(4), press(5)), (vec![], vec![ids[0]], vec![ids[0], ids[1]]));
    assert_eq!(cache.take(&[ids[0]]).batch[0].points.len(), 2);
    assert_eq!(cache.oldest_segment(), Some(4), "being written is not stored");
    cache.insert(&[(ids[0], point(3, 0.0))], 7, 0);
    cache.put_back(ids[0]);
    assert_eq!((cache.oldest_segment(), press(4)), (Some(4), vec![ids[0]]));
    cache.take(&[ids[0]]);
    cache.confirm(ids[0]);
    assert_eq!(cache.oldest_segment(), Some(5));
    cache.insert(&[(ids[2], point(3, 0.0))], 2, 0);
    assert_eq!(cache.oldest_segment(), Some(2), "a batch that was overtaken");
    drain(&cache);
    assert_eq!(cache.oldest_segment(), None);
}

#[test]
fn a_flush_ends_when_all_that_waited_for_it_is_stored() {
    let (cache, ids) = cache(3, 1 << 20);
    ids.iter().for_each(|id| cache.set_wait(*id, 1_000));
    cache.insert(&[(ids[0], point(1, 0.0)), (ids[1], point(1, 0.0))], 0, 0);
    cache.take(&[ids[1]]);
    cache.insert(&[(ids[1], point(2, 0.0))], 0, 0);
    let flushed = cache.mark_flush(Some(&Pattern::parse("a.b[12]").unwrap()));
    assert_eq!((&flushed[..], marked(&cache, &flushed)), (&ids[1..2], 1));
    assert!(cache.due(0, 1, &Due::at(0)).is_empty(), "it is being written");
    cache.confirm(ids[1]);
    assert_eq!((cache.due(0, 1, &Due::at(0)), marked(&cache, &flushed)), (flushed.clone(), 1));
    cache.take(&flushed);
    cache.put_back(ids[1]);
    assert_eq!((cache.due(0, 1, &Due::at(0)), marked(&cache, &flushed)), (flushed.clone(), 1), "it was refused");
    cache.take(&flushed);
    assert_eq!(marked(&cache, &flushed), 1);
    cache.confirm(ids[1]);
    cache.insert(&[(ids[1], point(3, 0.0))], 0, 0);
    assert_eq!((cache.due(0, 1, &Due::at(0)), marked(&cache, &flushed)), (vec![], 0));
}

#[tokio::test]
async fn little_room_makes_senders_wait() {
    let (cache, ids) = cache(100, 4_800);
    for id in &ids[..80] {
        let _room = cache.room(1).await;
        cache.insert(&[(*id, point(1, 0.0))], 0, 0);
    }
    let mut waiting = Box::pin(cache.room(1));
    let write = |id| {
        cache.take(&[id]);
        cache.confirm(id);
    };
    for id in &ids[..5] {
        tokio::select! {
            biased;
            _ = &mut waiting => panic!("four fifths are used"),
            () = tokio::task::yield_now() => {}
        }
        write(*id);
    }
    assert!(cache.has_room() && cache.is_pressed());
    write(ids[5]);
    drop(waiting.await);
    assert_eq!((cache.stats.snapshot().pauses, cache.is_pressed()), (1, false));
}

#[tokio::test]
async fn room_is_promised_once() {
    let (cache, _) = cache(1, 4_800);
    let rooms = [cache.room(40).await, cache.room(40).await];
    let mut waiting = Box::pin(cache.room(1_000));
    tokio::select! {
        biased;
        _ = &mut waiting => panic!("all room is promised"),
        () = tokio::task::yield_now() => {}
    }
    drop(rooms);
    drop(waiting.await);
    assert_eq!((cache.bytes(), cache.has_room(), cache.is_pressed()), (0, true, false));
    drop(cache.room(1).await);
}

#[test]
fn a_full_cache_sheds_the_oldest_points_of_the_noisiest_prefix() {
    let names = (0..40).map(|n| format!("host.{}.m{n}", if n < 10 { "quiet" } else { "noisy" }));
    let (cache, ids) = named(names, 40 * 1_000);
    assert_eq!(cache.shed(), Shed::default());
    let mut time = 0;
    while cache.has_room() {
        time += 1;
        let batch: Vec<_> = ids.iter().map(|id| (*id, point(time, f64::from(time).sqrt()))).collect();
        cache.insert(&batch, 1, 0);
    }
    let before = cache.points();
    let shed = cache.shed();
    assert_eq!((shed.prefix.as_str(), shed.points), ("host.noisy", before - cache.points()));
    assert!(cache.bytes() < 38_000 && cache.bytes() > 34_000, "{}", cache.bytes());
    assert_eq!(cache.recent_points("host.quiet.m9").len(), time as usize);
    let left = cache.recent_points("host.noisy.m10");
    assert_eq!((left.len(), left.last().unwrap().time.secs()), (time as usize / 2, time));
    let stats = cache.stats.snapshot();
    assert_eq!((stats.shed, stats.dropped), (shed.points as u64, shed.points as u64));
    assert_eq!(drain(&cache), before - shed.points);
    assert_eq!((cache.bytes(), cache.reserved(), cache.oldest_segment()), (0, 0, None));
}

#[test]
fn shedding_ends_when_nothing_can_be_dropped() {
    let (cache, ids) = cache(3, 100);
    let batch: Vec<_> = ids.iter().map(|id| (*id, point(1, 0.0))).collect();
    cache.insert(&batch, 0, 0);
    cache.take(&ids);
    cache.insert(&batch[..1], 0, 0);
    assert_eq!(cache.shed().points, 1, "what is being written stays");
    assert_eq!(cache.points(), 3);
}

/// How many of these series are still wanted by a flush.
fn marked(cache: &Cache, ids: &[SeriesId]) -> usize {
    ids.iter().filter(|id| cache.is_marked(**id)).count()
}

#[test]
fn a_run_that_grows_too_long_is_due_at_once_and_counts_as_it_is() {
    let (cache, ids) = cache(3, 1 << 20);
    ids.iter().for_each(|id| cache.set_wait(*id, 1_000));
    let points = |id: &SeriesId, count| (0..count).map(|time| (*id, point(time, 0.0))).collect::<Vec<_>>();
    cache.insert(&points(&ids[0], 10_000), 0, 0);
    assert!(cache.bytes() < 30_000 && cache.due(0, 1, &Due::at(0)).is_empty());
    ids.iter().for_each(|id| cache.insert(&points(id, 300_000), 0, 0));
    assert!(cache.bytes() > 12_000_000 && !cache.has_room(), "{}", cache.bytes());
    assert_eq!(cache.due(0, 1, &Due::at(0)), ids);
    assert_eq!(cache.take(&ids).ids, &ids[..1], "more than is given at once");
    cache.put_back(ids[0]);
    assert_eq!(cache.points(), 900_000);
    ids.iter().for_each(|id| {
        assert_eq!(cache.take(&[*id]).batch[0].points.len(), 300_000);
        cache.confirm(*id);
    });
    assert_eq!((cache.bytes(), cache.reserved()), (0, 0));
}

#[test]
fn two_points_of_each_of_many_series_fit_into_130_bytes() {
    let (cache, ids) = cache(100_000, 1 << 30);
    for time in [1_700_000_000, 1_700_000_060] {
        let batch: Vec<_> = ids.iter().map(|id| (*id, point(time, f64::from(time).sqrt()))).collect();
        cache.insert(&batch, 0, 0);
    }
    assert!(cache.bytes() < ids.len() * 120 && cache.reserved() < ids.len() * 130, "{}", cache.reserved());
    let half: Vec<SeriesId> = ids.iter().copied().step_by(2).collect();
    cache.take(&half).ids.into_iter().for_each(|id| assert_eq!(cache.confirm(id), 2));
    assert!(cache.bytes() < ids.len() * 60);
    drain(&cache);
    assert_eq!((cache.bytes(), cache.reserved()), (0, 0));
}
