//! From the bytes of a socket to datapoints: decoder, parser and rules. `cargo bench --bench decode`.

use std::hint::black_box;

use carbon_line::{Decoder, MetricName, Rules, decoder, pickle, plain};
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

criterion_group!(benches, decode);
criterion_main!(benches);
