//! What a run costs: each collector on this host, Ceph's counters from a recorded answer, and a whole round as lines.

#![allow(missing_docs, clippy::unwrap_used, reason = "a bench")]

use std::hint::black_box;
use std::time::{Duration, Instant};

use collectors::{COLLECTORS, CephNaming, Out, Site, Slot, replay_ceph};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use whisper::Timestamp;

fn collect(c: &mut Criterion) {
    let started = Instant::now();
    let slot = || Slot { time: Timestamp::from_secs(1_700_000_000), monotonic: started.elapsed() };
    let mut group = c.benchmark_group("collect");
    for entry in COLLECTORS {
        let mut collector = (entry.build)(&Site::default(), toml::Table::new()).unwrap();
        let mut out = Out::default();
        out.begin(slot());
        // A host without Ceph has nothing to measure there.
        if collector.run(slot(), &mut out).is_err() {
            continue;
        }
        group.bench_function(entry.name, |b| {
            b.iter(|| {
                out.begin(slot());
                let _ = black_box(collector.run(slot(), &mut out));
            });
        });
    }
    group.finish();
}

fn ceph(c: &mut Criterion) {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/collectors/src/ceph/testdata/ceph-16.2/");
    let schema = std::fs::read(format!("{folder}osd.0.perf_schema.json")).unwrap();
    let dump = std::fs::read(format!("{folder}osd.0.perf_dump.json")).unwrap();
    let mut out = Out::default();
    let mut group = c.benchmark_group("ceph");
    group.throughput(Throughput::Bytes(dump.len() as u64));
    group.bench_function("schema and dump of an OSD, all counters", |b| {
        b.iter(|| {
            out.begin(Slot { time: Timestamp::from_secs(0), monotonic: Duration::ZERO });
            replay_ceph(CephNaming::Native, "ceph-osd.0.asok", &schema, &dump, &mut out).unwrap();
            black_box(out.len())
        });
    });
    group.finish();
}

criterion_group!(benches, collect, ceph);
criterion_main!(benches);
