//! Whisper files in the page cache: what one point, ten, and a day of minutes cost.

use std::hint::black_box;

use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tempfile::TempDir;
use whisper::{CreateOptions, Point, Timestamp, Whisper};

const DAY: u32 = 1440;
const BEGIN: u32 = 1_750_000_020;

/// A minute for a day, five minutes for a week, an hour for a year.
fn options() -> CreateOptions {
    CreateOptions::new("60s:1d,5m:7d,1h:1y".parse().expect("a valid list"))
}

fn points(count: u32) -> Vec<Point> {
    let point = |at| Point { time: Timestamp::from_secs(BEGIN - (count - 1 - at) * 60), value: f64::from(at) };
    (0..count).map(point).collect()
}

/// A file whose minutes are all filled.
fn filled(dir: &TempDir) -> Whisper {
    let mut file = Whisper::create(dir.path().join("filled.wsp"), &options()).expect("a temporary file");
    file.update_many(&points(DAY), Timestamp::from_secs(BEGIN)).expect("a writable file");
    file
}

fn write(bench: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let mut file = filled(&dir);
    let path = file.path().to_owned();
    let now = Timestamp::from_secs(BEGIN);
    for count in [1, 10, DAY] {
        let points = points(count);
        let mut group = bench.benchmark_group(format!("whisper/update_many {count}"));
        group.throughput(Throughput::Elements(count.into()));
        group.bench_function("known file", |bench| {
            bench.iter(|| file.update_many(black_box(&points), now).expect("a writable file"));
        });
        group.bench_function("opened each time", |bench| {
            bench.iter(|| {
                let mut file = Whisper::open(&path).expect("an existing file");
                file.update_many(black_box(&points), now).expect("a writable file");
            });
        });
        group.finish();
    }
    bench.bench_function("whisper/update 1/known file", |bench| {
        let [point] = points(1)[..] else { return };
        bench.iter(|| file.update(black_box(point), now).expect("a writable file"));
    });
}

fn read(bench: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let file = filled(&dir);
    let (from, now) = (Timestamp::from_secs(BEGIN - 86_400), Timestamp::from_secs(BEGIN));
    let mut values = Vec::new();
    let mut group = bench.benchmark_group("whisper/fetch 1440");
    group.throughput(Throughput::Elements(DAY.into()));
    group.bench_function("known file", |bench| {
        bench.iter(|| file.fetch_into(from, now, now, &mut values).expect("a readable file"));
    });
    group.bench_function("opened each time", |bench| {
        bench.iter(|| {
            let file = Whisper::open_read_only(file.path()).expect("an existing file");
            file.fetch_into(from, now, now, &mut values).expect("a readable file")
        });
    });
    group.finish();
}

fn create(bench: &mut Criterion) {
    let dir = tempfile::tempdir().expect("a temporary folder");
    let (options, mut count) = (options(), 0);
    bench.bench_function("whisper/create sparse", |bench| {
        bench.iter_batched(
            || {
                count += 1;
                dir.path().join(format!("{count}.wsp"))
            },
            |path| Whisper::create(path, &options).expect("a new file"),
            BatchSize::SmallInput,
        );
    });
}

criterion_group!(benches, write, read, create);
criterion_main!(benches);
