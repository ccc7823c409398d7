//! The journal's hot paths: encoding a batch, and reading a journal at start. `cargo bench --bench journal`.
#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use carbon_journal::{Journal, Options};
use carbon_line::MetricName;
use carbon_storage::{NameTable, SeriesId};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use whisper::{Point, Timestamp};

const SERIES: u32 = 10_000;
const BATCH: usize = 2_000;
/// Points of the journal that is read.
const REPLAYED: u32 = 5_000_000;

fn open(dir: &Path, names: &Arc<NameTable>) -> (Arc<Journal>, u64) {
    let options = Options { dir: dir.to_owned(), most_bytes: u64::MAX, most_unsynced: u64::MAX, ..Options::default() };
    let mut points = 0;
    let (journal, _) =
        Journal::open(options, names.clone(), |_, batch| points += black_box(batch).len() as u64).unwrap();
    (journal, points)
}

fn names() -> Arc<NameTable> {
    let names = Arc::new(NameTable::new());
    for n in 0..SERIES {
        names.intern(&MetricName::parse(&format!("servers.web{:03}.cpu.cpu{}.total.user", n / 10, n % 10)).unwrap());
    }
    names
}

/// A round of all series at one time, in batches as a listener makes them.
fn round(time: u32, value: impl Fn(u32) -> f64) -> Vec<(SeriesId, Point)> {
    let point = |n| Point { time: Timestamp::from_secs(time), value: value(n) };
    (0..SERIES).map(|n| (SeriesId::new(n), point(n))).collect()
}

fn append(c: &mut Criterion) {
    let mut group = c.benchmark_group("journal");
    group.throughput(Throughput::Elements(u64::from(SERIES)));
    for (label, points) in [
        ("whole numbers", round(1_700_000_000, |n| f64::from(n % 1000))),
        ("17-digit values", round(1_700_000_000, |n| (f64::from(n) + 1.0).sqrt())),
    ] {
        let names = names();
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = open(dir.path(), &names);
        group.bench_function(format!("append, {label}"), |b| {
            // In slices, so that memory and disk stay bounded; what the threads do meanwhile runs beside.
            b.iter_custom(|rounds| {
                let mut spent = Duration::ZERO;
                for nth in 0..rounds {
                    let start = Instant::now();
                    for batch in points.chunks(BATCH) {
                        black_box(journal.append(batch).position());
                    }
                    spent += start.elapsed();
                    if nth % 500 == 499 {
                        journal.sync().unwrap();
                        journal.roll();
                        journal.release(journal.oldest_in_transit()).unwrap();
                    }
                }
                spent
            });
        });
        let seen = journal.snapshot();
        eprintln!("{label}: {:.2} bytes a point", seen.appended_bytes as f64 / seen.appended_points as f64);
    }
}

fn replay(c: &mut Criterion) {
    let dir = tempfile::tempdir().unwrap();
    let names = names();
    let (journal, _) = open(dir.path(), &names);
    for time in 0..REPLAYED / SERIES {
        for batch in round(time * 10, |n| (f64::from(n) + 1.0).sqrt()).chunks(BATCH) {
            drop(journal.append(batch));
        }
    }
    journal.close().unwrap();
    drop(journal);
    let mut group = c.benchmark_group("journal");
    group.throughput(Throughput::Elements(u64::from(REPLAYED)));
    group.sample_size(10);
    group.bench_function("replay", |b| {
        b.iter(|| {
            let (journal, points) = open(dir.path(), &Arc::new(NameTable::new()));
            assert_eq!(points, u64::from(REPLAYED));
            drop(journal);
        });
    });
}

criterion_group!(benches, append, replay);
criterion_main!(benches);
