//! From the bytes of a socket to datapoints: decoder, parser and rules. `cargo bench --bench decode`.

use std::hint::black_box;
use std::sync::LazyLock;
use std::time::Duration;

use carbon_line::{Datapoint, Decoder, MetricName, Numbers, Rules, Simple, decoder, pickle, plain};
use carbon_storage::NameTable;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const LINES: usize = 10_000;
const READ: usize = 256 * 1024;

fn stream(value: impl Fn(usize) -> String) -> (Vec<String>, Vec<u8>) {
    let names: Vec<String> =
        (0..LINES).map(|n| format!("servers.web{:03}.cpu.cpu{}.total.user", n / 10, n % 10)).collect();
    let lines = names.iter().enumerate().map(|(n, name)| format!("{name} {} {}\n", value(n), 1_700_000_000 + n / 100));
    let bytes = lines.collect::<String>().into_bytes();
    (names, bytes)
}

fn decode(c: &mut Criterion) {
    let rules = Rules { min_resolution: 0, future_limit: 600 };
    let short = stream(|n| (n % 1000).to_string());
    let long = stream(|n| format!("{:?}", (n as f64 + 1.0).sqrt()));
    let mut group = c.benchmark_group("decode");
    group.throughput(Throughput::Elements(LINES as u64));
    for (label, (names, bytes)) in [("short values", &short), ("17-digit values", &long)] {
        let mut decoder = Decoder::with_longest(decoder::LONGEST_LINE);
        group.bench_function(format!("lines, {label}"), |b| {
            b.iter(|| {
                let lines =
                    bytes.chunks(READ).map(|chunk| decoder.feed(chunk).filter(|line| parse(line, &rules)).count());
                assert_eq!(lines.sum::<usize>(), LINES);
            });
        });
        let table = NameTable::new();
        for name in names {
            table.intern(&MetricName::parse(name).expect("a plain name"));
        }
        group.bench_function(format!("lines to series ids, {label}"), |b| {
            b.iter(|| {
                let reader = table.read();
                let known = |line: Result<&[u8], _>| {
                    let point = line.and_then(plain::parse).ok()?;
                    reader.lookup(point.name.as_bytes()).filter(|_| rules.admit(&point, 1_700_000_500.0).is_ok())
                };
                let ids = bytes.chunks(READ).map(|chunk| decoder.feed(chunk).filter_map(known).map(black_box).count());
                assert_eq!(ids.sum::<usize>(), LINES);
            });
        });
    }
    let body = pickled(&short.0);
    group.bench_function("pickle", |b| {
        b.iter(|| {
            let pickle = pickle::read(&body).expect("written by us");
            assert_eq!(pickle.datapoints().expect("a list").filter(Result::is_ok).count(), LINES);
        });
    });
    group.finish();
}

fn parse(line: &Result<&[u8], carbon_line::Reject>, rules: &Rules) -> bool {
    let point = line.and_then(plain::parse).and_then(|point| rules.admit(&point, 1_700_000_500.0));
    black_box(point).is_ok()
}

fn pickled(names: &[String]) -> Vec<u8> {
    let mut writer = pickle::Writer::new();
    writer.list(|list| {
        for (n, name) in names.iter().enumerate() {
            list.text(name).int(1_700_000_000).float(n as f64).tuple2().tuple2();
        }
    });
    writer.finish()
}

/// What a listener does with a chunk, over tables of known names that come in the order of the round before, or in none.
fn take_in(c: &mut Criterion) {
    let rules = Rules { min_resolution: 0, future_limit: 600 };
    let mut group = c.benchmark_group("lines to points");
    for (size, label) in [(10_000, "10 k names"), (100_000, "100 k names"), (1_000_000, "1 M names")] {
        group.throughput(Throughput::Elements(size as u64));
        group.sample_size(10).warm_up_time(Duration::from_secs(1));
        let table = NameTable::new();
        let line = |n: usize| format!("{} {}.25 1700000000\n", name(n), n % 1000);
        let repeated = (0..size).map(line).collect::<String>();
        // Steps of a prime visit all, far apart each time.
        let shuffled = (0..size).map(|n| line(n * 7919 % size)).collect::<String>();
        let plain: Vec<&str> = repeated.lines().collect();
        assert_eq!(points(&table, repeated.as_bytes(), &rules, true), plain.len());
        for (order, stream) in [("repeated", &repeated), ("shuffled", &shuffled)] {
            group.bench_function(format!("{label}, {order}"), |b| {
                b.iter(|| assert_eq!(points(&table, stream.as_bytes(), &rules, order == "repeated"), size));
            });
        }
        group.bench_function(format!("{label}, all new"), |b| {
            b.iter(|| assert_eq!(points(&NameTable::new(), repeated.as_bytes(), &rules, true), size));
        });
    }
    group.finish();
}

fn name(n: usize) -> String {
    format!("servers.web{:05}.cpu.cpu{}.total.user", n / 10, n % 10)
}

/// The loop of carbon's intake. Without `learn` the order stays a wrong guess, as it is when no two rounds are alike.
fn points(table: &NameTable, stream: &[u8], rules: &Rules, learn: bool) -> usize {
    let (mut decoder, mut batch) = (Decoder::with_longest(decoder::LONGEST_LINE), Vec::with_capacity(READ / 32));
    let mut count = 0;
    for chunk in stream.chunks(READ) {
        let (mut reader, mut lines, mut before) = (table.read(), decoder.feed(chunk), None);
        loop {
            let guess = before.and_then(|before| reader.after(before));
            let (id, numbers) = if let Some((id, name)) = guess
                && let Some(numbers) = lines.next_of(name)
            {
                (id, numbers)
            } else {
                let line = lines.next_simple().or_else(|| {
                    let Datapoint { name, value, time } = plain::parse(lines.next()?.ok()?).ok()?;
                    Some(Simple { name: name.as_bytes(), numbers: Numbers { value, time } })
                });
                let Some(Simple { name, numbers }) = line else { break };
                let id = reader.lookup(name).unwrap_or_else(|| {
                    let name = MetricName::parse(str::from_utf8(name).expect("ASCII")).expect("a plain name");
                    // As the intake: the lock is let go for a new name.
                    drop(std::mem::replace(&mut reader, EMPTY.read()));
                    let id = table.intern(&name);
                    reader = table.read();
                    id
                });
                if let Some(before) = before.filter(|_| learn) {
                    reader.learn(before, id);
                }
                (id, numbers)
            };
            batch.extend(rules.point(numbers, 1_700_000_500.0).map(|point| (id, point)));
            before = Some(id);
        }
        count += black_box(&batch).len();
        batch.clear();
    }
    count
}

static EMPTY: LazyLock<NameTable> = LazyLock::new(NameTable::new);

criterion_group!(benches, decode, take_in);
criterion_main!(benches);
