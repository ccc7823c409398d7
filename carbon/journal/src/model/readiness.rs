//! When the journal makes listeners wait, and that it lets them go on.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use carbon_line::MetricName;
use carbon_storage::NameTable;
use whisper::{Point, Timestamp};

use super::disk::Forgetful;
use crate::chunk::Segment;
use crate::core::Core;
use crate::options::Options;
use crate::state::Wait;
use crate::threads;

struct Bench {
    disk: Forgetful,
    core: Arc<Core>,
    now: Instant,
}

fn bench(options: Options) -> Bench {
    let disk = Forgetful::new(1);
    let names = Arc::new(NameTable::new());
    names.intern(&MetricName::parse("a.b").unwrap());
    let options = Options { dir: PathBuf::from("model"), ..options };
    let (core, _) = Core::open(options, Box::new(disk.clone()), names, &mut |_, _| {}).unwrap();
    Bench { disk, core, now: Instant::now() }
}

impl Bench {
    /// Appends about `count` times ten bytes.
    fn append(&self, count: u32) {
        let point = Point { time: Timestamp::from_secs(1_700_000_000), value: 0.1 };
        drop(self.core.append(&vec![(carbon_storage::SeriesId::new(0), point); count as usize], self.now, false));
    }

    #[track_caller]
    fn waits(&self, after: Duration, reason: Option<Wait>) {
        assert_eq!(self.core.snapshot(self.now + after).wait, reason);
    }
}

const SOON: Duration = Duration::from_millis(10);

#[test]
fn points_that_grow_old_unsynced_make_listeners_wait() {
    let bench = bench(Options::default());
    bench.waits(Duration::from_secs(1000), None);
    bench.append(1);
    bench.waits(Duration::from_millis(800), None);
    bench.waits(Duration::from_millis(801), Some(Wait::Sync));
    bench.core.write_step().unwrap();
    bench.waits(Duration::from_millis(801), Some(Wait::Sync));
    bench.core.sync_step().unwrap();
    bench.waits(Duration::from_secs(1000), None);
}

#[test]
fn memory_that_a_failed_sync_could_need_is_bounded() {
    let bench = bench(Options { most_unsynced: 1000, ..Options::default() });
    bench.append(150);
    bench.waits(SOON, Some(Wait::Memory));
    bench.core.write_step().unwrap();
    bench.waits(SOON, Some(Wait::Memory));
    bench.disk.fail_next_sync();
    bench.core.sync_step().unwrap_err();
    bench.waits(SOON, Some(Wait::Memory));
    bench.core.write_step().unwrap();
    bench.core.sync_step().unwrap();
    bench.waits(SOON, None);
}

#[test]
fn a_full_disk_is_tried_again_and_costs_nothing() {
    let bench = bench(Options::default());
    bench.append(20);
    bench.disk.fail_next_write();
    bench.core.write_step().unwrap_err();
    bench.waits(SOON, Some(Wait::DiskFull));
    assert!(bench.core.snapshot(bench.now).is_full());
    bench.core.write_step().unwrap();
    bench.core.sync_step().unwrap();
    bench.waits(SOON, None);
    assert_eq!(bench.core.snapshot(bench.now).write_failures, 1);
}

#[test]
fn who_writes_himself_leaves_a_full_disk_to_the_journal() {
    let bench = bench(Options::default());
    bench.append(20);
    bench.disk.fail_next_write();
    threads::write_now(&bench.core);
    bench.waits(SOON, Some(Wait::DiskFull));
    threads::write_now(&bench.core);
    bench.waits(SOON, Some(Wait::DiskFull));
    bench.core.write_step().unwrap();
    bench.append(20);
    threads::write_now(&bench.core);
    bench.core.sync_step().unwrap();
    bench.waits(Duration::from_secs(1000), None);
}

#[test]
fn a_journal_of_its_full_size_waits_for_a_release() {
    let bench = bench(Options { most_bytes: 2000, segment_bytes: 500, ..Options::default() });
    for _ in 0..20 {
        bench.append(10);
    }
    bench.waits(SOON, Some(Wait::Limit));
    bench.core.write_step().unwrap();
    bench.core.sync_step().unwrap();
    bench.waits(SOON, Some(Wait::Limit));
    let before = bench.core.snapshot(bench.now);
    assert_eq!(bench.core.release(before.current).unwrap(), before.current.number() as usize - 1);
    bench.waits(SOON, None);
    assert_eq!(bench.core.release(Segment::new(u32::MAX)).unwrap(), 0, "the current segment stays");
}
