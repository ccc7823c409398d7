//! A picture from evaluated series to the bytes of its file: 800 x 400 pixels, 10 series of 1440 points.

use std::hint::black_box;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use render::Series;
use render::draw::{Format, Options, TimeRange, draw, options::AreaMode};

const STEP: i64 = 60;
const POINTS: i64 = 1440;
const WINDOW: TimeRange = TimeRange { from: 1_793_426_400, until: 1_793_426_400 + STEP * POINTS };

/// A noisy walk around its own level, as a host's load looks.
fn series(index: u64) -> Series {
    let mut state = index.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut value = 10.0 * index as f64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        value += (state >> 33) as f64 / f64::from(1_u32 << 31) * 4.0 - 2.0;
        value = value * 0.99 + index as f64 * 0.1;
        value
    };
    let name = format!("servers.web{index:02}.cpu.total.user");
    Series {
        path_expression: name.clone(),
        name,
        tags: Default::default(),
        start: WINDOW.from + STEP,
        end: WINDOW.until + STEP,
        step: STEP,
        values: (0..POINTS).map(|_| next()).collect(),
        integers: false,
        consolidation: Default::default(),
        values_per_point: 1,
        x_files_factor: 0.0,
        style: Default::default(),
    }
}

fn pictures(c: &mut Criterion) {
    let mut group = c.benchmark_group("draw 800x400");
    let plain = Options { width: 800, height: 400, title: Some("CPU user by host".to_owned()), ..Options::default() };
    let filled = Options { area_mode: AreaMode::All, ..plain.clone() };
    let utc = jiff::tz::TimeZone::UTC;
    for count in [1, 10, 100] {
        let input: Vec<Series> = (1..=count).map(series).collect();
        group.throughput(Throughput::Elements(count * POINTS as u64));
        for (name, options, format) in
            [("png", &plain, Format::Png), ("png filled", &filled, Format::Png), ("svg", &plain, Format::Svg)]
        {
            group.bench_function(format!("{name}, {count} series"), |b| {
                b.iter(|| draw(black_box(&input), options, WINDOW, &utc, format));
            });
        }
    }
    group.finish();
}

criterion_group!(benches, pictures);
criterion_main!(benches);
