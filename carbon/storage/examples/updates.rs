//! What the Whisper tree costs: CPU time for a new file, for an update of a known one, and for one that stays open.
//!
//! `cargo run --release -p carbon-storage --example updates -- [FILES] [RETENTIONS] [FOLDER]`

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use carbon_line::MetricName;
use carbon_storage::{Pending, Schemas, SeriesId, StorageRules, Store, TreeOptions, WhisperTree};
use whisper::{Allocation, Point, Timestamp};

const BATCH: usize = 256;
const ROUNDS: u32 = 5;
const POINTS: u32 = 10;
/// Leaves of a host.
const LEAVES: usize = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let files = arguments.next().map_or(Ok(10_000), |text| text.parse::<usize>())?;
    let retentions = arguments.next().unwrap_or_else(|| "10s:1d".to_owned());
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from).join("plumbago-updates");
    for (way, allocation, descriptors) in [
        ("sparse, opened for each write", Allocation::Sparse, 0),
        ("sparse, kept open", Allocation::Sparse, files + 64),
        ("reserved, opened for each write", Allocation::Reserved, 0),
    ] {
        println!("{way}");
        measure(
            &folder,
            files,
            &retentions,
            TreeOptions {
                allocation,
                descriptors,
                tips: 1 << 20,
                pages: 64 << 20,
                quarantine: None,
                tag_hash_filenames: true,
            },
        )?;
        std::fs::remove_dir_all(&folder)?;
    }
    Ok(())
}

fn measure(
    folder: &Path,
    files: usize,
    retentions: &str,
    options: TreeOptions,
) -> Result<(), Box<dyn std::error::Error>> {
    let schemas = Schemas::parse(&format!("[all]\npattern = .*\nretentions = {retentions}\n"))?;
    let tree = WhisperTree::open(folder, StorageRules { schemas, ..StorageRules::default() }, options)?;
    let step = tree.finest(&MetricName::parse("x")?).step.secs();
    let mut batch = (0..files)
        .map(|index| {
            let name = format!("servers.host{:05}.metric{:02}", index / LEAVES, index % LEAVES);
            Ok(Pending { series: SeriesId::new(index as u32), name: MetricName::parse(&name)?, points: Vec::new() })
        })
        .collect::<Result<Vec<_>, carbon_line::NameFault>>()?;
    let mut time = 1_700_000_000 / step * step;
    round(&tree, "create, 2 points", &mut batch, &mut time, step, 2);
    // Knowledge of a file is trusted from its second write on.
    std::thread::sleep(std::time::Duration::from_millis(100));
    round(&tree, "second write", &mut batch, &mut time, step, POINTS);
    for count in 1..=ROUNDS {
        round(&tree, &format!("update {count}, {POINTS} points"), &mut batch, &mut time, step, POINTS);
    }
    // Visited in an order that has nothing to do with names.
    let hasher = BuildHasherDefault::<DefaultHasher>::default();
    batch.sort_by_key(|pending| hasher.hash_one(pending.name.as_str()));
    round(&tree, "update, shuffled", &mut batch, &mut time, step, POINTS);
    Ok(())
}

fn round(tree: &WhisperTree, what: &str, batch: &mut [Pending], time: &mut u32, step: u32, points: u32) {
    for pending in &mut *batch {
        pending.points.clear();
        let point = |at| Point { time: Timestamp::from_secs(*time + at * step), value: f64::from(at) };
        pending.points.extend((0..points).map(point));
    }
    *time += points * step;
    let (cpu, wall) = (cpu_micros(), Instant::now());
    for batch in batch.chunks(BATCH) {
        let report = futures_util::FutureExt::now_or_never(tree.write(batch, Timestamp::from_secs(*time)));
        assert!(report.is_some_and(|report| report.refusals.is_empty()), "the store refuses points");
    }
    let each = |micros: u64| micros as f64 / batch.len() as f64;
    let (cpu, wall) = (each(cpu_micros() - cpu), each(wall.elapsed().as_micros() as u64));
    println!("  {what:24} {cpu:7.2} us CPU a file, {wall:7.2} us of time");
}

/// CPU time of this process so far.
fn cpu_micros() -> u64 {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    now.tv_sec as u64 * 1_000_000 + now.tv_nsec as u64 / 1_000
}
