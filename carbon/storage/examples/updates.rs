//! What the Whisper tree costs: CPU time for a new file, for an update of a known one, for one that stays open, and for
//! one whose pages have left memory.
//!
//! `cargo run --release -p carbon-storage --example updates -- [FILES] [RETENTIONS] [POINTS] [FOLDER]`

use std::hash::{BuildHasher, BuildHasherDefault, DefaultHasher};
use std::path::{Path, PathBuf};
use std::time::Instant;

use carbon_line::MetricName;
use carbon_storage::{Pending, Schemas, SeriesId, StorageRules, Store, TreeOptions, WhisperTree};
use whisper::{Allocation, Point, Timestamp};

const BATCH: usize = 256;
const ROUNDS: u32 = 5;
/// Leaves of a host.
const LEAVES: usize = 100;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut arguments = std::env::args().skip(1);
    let files = arguments.next().map_or(Ok(10_000), |text| text.parse::<usize>())?;
    let retentions = arguments.next().unwrap_or_else(|| "10s:1d".to_owned());
    let points = arguments.next().map_or(Ok(10), |text| text.parse())?;
    let folder = arguments.next().map_or_else(std::env::temp_dir, PathBuf::from).join("plumbago-updates");
    let plan = Plan { files, points, retentions, folder };
    for (way, allocation, descriptors, leave) in [
        ("sparse, opened for each write", Allocation::Sparse, 0, false),
        ("sparse, one in five kept open", Allocation::Sparse, files / 5, false),
        ("sparse, kept open", Allocation::Sparse, files + 64, false),
        ("reserved, opened for each write", Allocation::Reserved, 0, false),
        ("reserved, kept open, their pages leave memory after each write", Allocation::Reserved, files + 64, true),
    ] {
        println!("{way}");
        let (tips, pages) = (1 << 20, 64 << 20);
        let options = TreeOptions { allocation, descriptors, tips, pages, quarantine: None, tag_hash_filenames: true };
        plan.measure(options, leave)?;
        std::fs::remove_dir_all(&plan.folder)?;
    }
    Ok(())
}

struct Plan {
    files: usize,
    /// Of an update.
    points: u32,
    retentions: String,
    folder: PathBuf,
}

impl Plan {
    fn measure(&self, options: TreeOptions, leave: bool) -> Result<(), Box<dyn std::error::Error>> {
        let Plan { files, points, retentions, folder } = self;
        let schemas = Schemas::parse(&format!("[all]\npattern = .*\nretentions = {retentions}\n"))?;
        let tree = WhisperTree::open(folder, StorageRules { schemas, ..StorageRules::default() }, options)?;
        let step = tree.finest(&MetricName::parse("x")?).step.secs();
        let mut batch = (0..*files)
            .map(|index| {
                let name = format!("servers.host{:05}.metric{:02}", index / LEAVES, index % LEAVES);
                Ok(Pending { series: SeriesId::new(index as u32), name: MetricName::parse(&name)?, points: Vec::new() })
            })
            .collect::<Result<Vec<_>, carbon_line::NameFault>>()?;
        let mut time = 1_700_000_000 / step * step;
        let mut round = |what: &str, batch: &mut [Pending], points| {
            round(&tree, what, batch, &mut time, step, points);
            if leave { let_leave(&tree, folder) } else { Ok(()) }
        };
        round("create, 2 points", &mut batch, 2)?;
        // Knowledge of a file is trusted from its second write on.
        std::thread::sleep(std::time::Duration::from_millis(100));
        round("second write", &mut batch, *points)?;
        for count in 1..=ROUNDS {
            round(&format!("update {count}, {points} points"), &mut batch, *points)?;
        }
        // Visited in an order that has nothing to do with names.
        let hasher = BuildHasherDefault::<DefaultHasher>::default();
        batch.sort_by_key(|pending| hasher.hash_one(pending.name.as_str()));
        round("update, shuffled", &mut batch, *points)
    }
}

/// Has all pages of the files below `folder` leave memory.
fn let_leave(tree: &WhisperTree, folder: &Path) -> Result<(), Box<dyn std::error::Error>> {
    futures_util::FutureExt::now_or_never(tree.sync()).ok_or("the tree is slow to sync")??;
    for host in std::fs::read_dir(folder.join("servers"))? {
        for file in std::fs::read_dir(host?.path())? {
            rustix::fs::fadvise(std::fs::File::open(file?.path())?, 0, None, rustix::fs::Advice::DontNeed)?;
        }
    }
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
