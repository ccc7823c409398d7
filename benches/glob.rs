//! Matching patterns against the 100 000 names of a fleet. Read it as names per second.

use std::hint::black_box;

use carbon_line::Pattern;
use carbon_storage::memory::matching_nodes;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

/// 1 000 hosts with 100 series each, as a host's CPUs, disks and interfaces have them.
fn names() -> Vec<String> {
    let host = |host: usize| {
        let cpu = (0..50).map(move |series| {
            let kind = ["user", "system", "idle", "iowait", "nice"][series % 5];
            format!("servers.rack{:02}.host{host:04}.cpu.cpu{}.{kind}", host % 40, series / 5)
        });
        let disk = (0..50).map(move |series| {
            let kind = ["reads", "writes", "read_bytes", "write_bytes", "io_time"][series % 5];
            format!("servers.rack{:02}.host{host:04}.iostat.sd{}.{kind}", host % 40, series / 5)
        });
        cpu.chain(disk)
    };
    (0..1_000).flat_map(host).collect()
}

fn glob(c: &mut Criterion) {
    let names = names();
    let mut group = c.benchmark_group("glob");
    group.throughput(Throughput::Elements(names.len() as u64));
    for text in [
        "servers.rack01.host0001.cpu.cpu0.user",
        "servers.*.*.cpu.*.user",
        "servers.rack0*.host*.iostat.sd[0-3].{reads,writes}",
        "servers.*.*1*2*.**.*_bytes",
        "**.idle",
    ] {
        let pattern = Pattern::parse(text).expect("a well-formed pattern");
        group.bench_function(text, |b| {
            b.iter(|| names.iter().filter(|name| pattern.matches(black_box(name))).count());
        });
    }
    let pattern = Pattern::parse("servers.*.*").expect("a well-formed pattern");
    group.bench_function("nodes of servers.*.*", |b| {
        b.iter(|| matching_nodes(&pattern, names.iter().map(String::as_str)).len());
    });
    group.finish();
}

fn parse(c: &mut Criterion) {
    let hosts: Vec<String> = (0..2_000).map(|host| format!("host{host:04}")).collect();
    let list = format!("servers.*.{{{}}}.cpu.*.{{user,idle}}", hosts.join(","));
    c.bench_function("parse a list of 2000 hosts", |b| {
        b.iter(|| Pattern::parse(black_box(&list)).map(|p| p.is_exact()))
    });
}

criterion_group!(benches, glob, parse);
criterion_main!(benches);
