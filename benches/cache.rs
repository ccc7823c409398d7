//! Points into the cache and out of it. `cargo bench --bench cache`.
//!
//! Senders repeat their series in order, so batches are of neighbouring ids, as one read of 256 KiB gives them.

use std::sync::Arc;

use carbon::{Cache, Due, Stats};
use carbon_line::MetricName;
use carbon_storage::{NameTable, SeriesId};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use whisper::{Point, Timestamp};

const SERIES: u32 = 100_000;
const BATCH: usize = 5_000;

type Batch = Vec<(SeriesId, Point)>;

/// One point of every series.
fn round(series: &[u32], time: u32, value: impl Fn(u32) -> f64) -> Batch {
    let time = Timestamp::from_secs(1_700_000_000 + time * 10);
    series.iter().map(|id| (SeriesId::new(*id), Point { time, value: value(*id) })).collect()
}

fn insert(cache: &Cache, points: &Batch) {
    points.chunks(BATCH).for_each(|batch| cache.insert(batch, 1, 0));
}

fn cache(c: &mut Criterion) {
    let names = Arc::new(NameTable::new());
    for n in 0..SERIES {
        let name = MetricName::parse(&format!("servers.web{:04}.cpu.cpu{}.user", n / 10, n % 10));
        names.intern(&name.expect("a plain name"));
    }
    let empty = || Cache::new(Arc::clone(&names), Arc::new(Stats::default()), usize::MAX);
    let ascending: Vec<u32> = (0..SERIES).collect();
    let scattered: Vec<u32> = (0..SERIES).map(|n| n.wrapping_mul(7_919) % SERIES).collect();
    let mut group = c.benchmark_group("cache");
    group.throughput(Throughput::Elements(u64::from(SERIES)));
    for (label, series) in [("ascending ids", &ascending), ("scattered ids", &scattered)] {
        let first = round(series, 0, f64::from);
        group.bench_function(format!("insert, first point, {label}"), |b| {
            b.iter_batched_ref(empty, |cache| insert(cache, &first), BatchSize::PerIteration);
        });
    }
    let counts = |time: u32| move |id: u32| f64::from(id % 1000 + time);
    let noise = |time: u32| move |id: u32| (f64::from(id) + f64::from(time)).sqrt();
    for (label, series) in [("ascending ids", &ascending), ("scattered ids", &scattered)] {
        let counts: Vec<Batch> = (0..30).map(|time| round(series, time, counts(time))).collect();
        let noise: Vec<Batch> = (0..30).map(|time| round(series, time, noise(time))).collect();
        for (values, rounds) in [("counts", counts), ("noise", noise)] {
            group.throughput(Throughput::Elements(u64::from(SERIES) * 30));
            group.sample_size(20);
            group.bench_function(format!("insert, 30 rounds, {values}, {label}"), |b| {
                b.iter_batched_ref(
                    empty,
                    |cache| rounds.iter().for_each(|round| insert(cache, round)),
                    BatchSize::PerIteration,
                );
            });
            let full = || {
                let cache = empty();
                rounds.iter().for_each(|round| insert(&cache, round));
                cache
            };
            if label == "ascending ids" {
                let cache = full();
                println!("{values}: {} bytes for {} points", cache.bytes(), cache.points());
                group.bench_function(format!("drain of 30 rounds, {values}"), |b| {
                    b.iter_batched_ref(full, drain, BatchSize::PerIteration);
                });
            }
        }
    }
    group.throughput(Throughput::Elements(u64::from(SERIES)));
    let waiting = empty();
    insert(&waiting, &round(&ascending, 0, f64::from));
    ascending.iter().for_each(|id| waiting.set_wait(SeriesId::new(*id), 300));
    group.bench_function("who is due, a three hundredth", |b| b.iter(|| waiting.due(0, 1, &Due::at(1)).len()));
    group.finish();
}

fn drain(cache: &mut Cache) {
    for ids in cache.due(0, 1, &Due::everything()).chunks(256) {
        for id in cache.take(ids).ids {
            cache.confirm(id);
        }
    }
    assert!(cache.is_empty());
}

criterion_group!(benches, cache);
criterion_main!(benches);
