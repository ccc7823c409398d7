#![allow(missing_docs, clippy::unwrap_used)]
use render::Series;
use render::draw::{Format, Options, TimeRange, draw, options::AreaMode};
use std::time::Instant;
const STEP: i64 = 60;
const POINTS: i64 = 1440;
const WINDOW: TimeRange = TimeRange { from: 1_793_426_400, until: 1_793_426_400 + STEP * POINTS };
fn series(index: u64, noise: bool) -> Series {
    let mut state = (index + 1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut uni = move || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f64 / f64::from(1_u32 << 31)
    };
    let level = 20.0 + 2.0 * index as f64;
    let mut value = level;
    let mut next = || {
        if noise {
            return uni() * 100.0;
        }
        value = value * 0.97 + level * 0.03 + uni() * 3.0 - 1.5;
        value
    };
    let name = format!("walk.{index:03}");
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
fn main() {
    let args: Vec<String> = std::env::args().collect();
    let only = args.get(1).cloned().unwrap_or_default();
    let times: usize = args.get(2).map_or(50, |t| t.parse().unwrap());
    let plain = Options { width: 800, height: 400, title: Some("CPU by host".to_owned()), ..Options::default() };
    let stacked = Options { area_mode: AreaMode::Stacked, ..plain.clone() };
    let tz = jiff::tz::TimeZone::UTC;
    for (name, count, noise, options, format) in [
        ("walk-1", 1, false, &plain, Format::Png),
        ("walk-10", 10, false, &plain, Format::Png),
        ("walk-100", 100, false, &plain, Format::Png),
        ("noise-1", 1, true, &plain, Format::Png),
        ("noise-10", 10, true, &plain, Format::Png),
        ("noise-100", 100, true, &plain, Format::Png),
        ("stacked-10", 10, false, &stacked, Format::Png),
        ("svg-1", 1, false, &plain, Format::Svg),
        ("svg-10", 10, false, &plain, Format::Svg),
        ("svg-100", 100, false, &plain, Format::Svg),
    ] {
        if !only.is_empty() && !only.split(',').any(|o| o == name) {
            continue;
        }
        let input: Vec<Series> = (0..count).map(|i| series(i, noise)).collect();
        let mut best = f64::MAX;
        let mut bytes = Vec::new();
        for _ in 0..times {
            let begun = Instant::now();
            bytes = draw(&input, options, WINDOW, &tz, format).unwrap();
            best = best.min(begun.elapsed().as_secs_f64());
        }
        if let Ok(dir) = std::env::var("SAVE") {
            std::fs::write(format!("{dir}/{name}.{}", if name.starts_with("svg") { "svg" } else { "png" }), &bytes)
                .unwrap();
        }
        println!("{name:12} best {:.3} ms  {:.1} kB", best * 1e3, bytes.len() as f64 / 1e3);
    }
}
