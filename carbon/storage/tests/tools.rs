//! What operators and their tools do to files under a daemon that writes them, and what becomes of the points.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use carbon_line::MetricName;
use carbon_storage::{
    Pending, Refusal, Schemas, SeriesId, StorageError, StorageRules, Store, TreeOptions, WhisperTree, WriteReport,
};
use whisper::{Allocation, CreateOptions, Point, Timestamp, Whisper, XFilesFactor};

const NOW: u32 = 1_700_000_000;

struct Tree {
    _folder: tempfile::TempDir,
    data: PathBuf,
    tree: WhisperTree,
}

/// Writes go through descriptors that stay open, or files are opened for each.
const WAYS: [usize; 2] = [64, 0];

fn tree(descriptors: usize) -> Tree {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().to_owned();
    let schemas = Schemas::parse("[all]\npattern = .*\nretentions = 1s:1h,1m:1d\n").unwrap();
    let options = TreeOptions {
        allocation: Allocation::Reserved,
        descriptors,
        tips: 1 << 20,
        pages: 64 << 20,
        quarantine: Some(data.join("quarantine")),
        tag_hash_filenames: true,
    };
    let rules = StorageRules { schemas, ..StorageRules::default() };
    let tree = WhisperTree::open(&data.join("whisper"), rules, options).unwrap();
    Tree { _folder: folder, data, tree }
}

impl Tree {
    fn path(&self, inside: &str) -> PathBuf {
        self.data.join("whisper").join(inside)
    }

    fn report(&self, series: u32, name: &str, ages: &[u32]) -> WriteReport {
        let point = |age: &u32| Point { time: Timestamp::from_secs(NOW - age), value: f64::from(*age) };
        let points = ages.iter().map(point).collect();
        let batch = [Pending { series: SeriesId::new(series), name: MetricName::parse(name).unwrap(), points }];
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        runtime.block_on(self.tree.write(&batch, Timestamp::from_secs(NOW)))
    }

    /// Writes points of these ages, oldest first, each with its age as value.
    fn write(&self, name: &str, ages: &[u32]) {
        let report = self.report(0, name, ages);
        assert!(report.refusals.is_empty(), "{:?}", report.refusals);
    }

    /// Whether the one series was refused, and whether it may be tried again.
    fn refused(&self, name: &str) -> Option<bool> {
        self.report(0, name, &[1]).refusals.pop().map(|refusal| refusal.retry)
    }
}

/// The ages whose points can be read.
fn ages(path: &Path) -> Vec<u32> {
    let file = Whisper::open_read_only(path).unwrap();
    let (from, now) = (Timestamp::from_secs(NOW - 100), Timestamp::from_secs(NOW));
    file.fetch(from, now, now).unwrap().unwrap().values.into_iter().flatten().map(|value| value as u32).collect()
}

/// Waits until the file is so old that what is known of it is trusted.
fn settle(path: &Path) {
    let born = fs::metadata(path).unwrap().created().unwrap();
    while born.elapsed().unwrap() < Duration::from_millis(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// As `cp -p` does it, which also copies the time, and certainly later than our last write by the clock of the file
/// system.
fn copy_over(from: &Path, to: &Path) {
    let written = fs::metadata(to).unwrap().modified().unwrap();
    while written.elapsed().unwrap() < Duration::from_millis(60) {
        std::thread::sleep(Duration::from_millis(5));
    }
    fs::copy(from, to).unwrap();
    make_old(to);
}

fn make_old(path: &Path) {
    let then = SystemTime::now() - Duration::from_secs(3600);
    File::options().write(true).open(path).unwrap().set_modified(then).unwrap();
}

#[test]
fn a_removed_file_is_made_again() {
    for way in WAYS {
        let tree = tree(way);
        let path = tree.path("a/b.wsp");
        tree.write("a.b", &[9]);
        tree.write("a.b", &[8]);
        fs::remove_file(&path).unwrap();
        tree.write("a.b", &[7]);
        assert_eq!(ages(&path), [7]);
        fs::remove_dir_all(tree.path("a")).unwrap();
        tree.write("a.b", &[6]);
        assert_eq!(ages(&path), [6]);
    }
}

#[test]
fn a_file_among_many_new_series_is_found_and_none_is_made_beyond_the_limit() {
    for (descriptors, limit) in [(64, 0), (0, 0), (64, 1), (0, 1)] {
        let tree = tree(descriptors);
        for series in 0..40 {
            assert_eq!(tree.report(series, &format!("new.s{series}"), &[50]).created, 1);
        }
        tree.tree.limit_creates(limit);
        let made = (40..42).map(|series| tree.report(series, &format!("new.s{series}"), &[50]).created);
        assert_eq!(made.sum::<usize>(), if limit == 0 { 2 } else { 1 });
        let copied = tree.path("new/copied.wsp");
        fs::copy(tree.path("new/s1.wsp"), &copied).unwrap();
        let report = tree.report(42, "new.copied", &[40]);
        assert_eq!((report.created, report.refusals.len()), (0, 0));
        assert_eq!(ages(&copied), [50, 40]);
    }
}

#[test]
fn what_went_into_a_file_that_was_then_replaced_is_brought_over() {
    let tree = tree(64);
    let (path, copy) = (tree.path("a.wsp"), tree.path(".a.wsp.Xy12"));
    tree.write("a", &[9]);
    fs::copy(&path, &copy).unwrap();
    tree.write("a", &[8, 7]);
    fs::rename(&copy, &path).unwrap();
    assert_eq!(ages(&path), [9]);
    tree.write("a", &[6]);
    assert_eq!(ages(&path), [9, 8, 7, 6]);
}

#[test]
fn what_was_brought_over_outlives_a_copy_made_before_that() {
    let tree = tree(64);
    let (path, copy) = (tree.path("a.wsp"), tree.path(".a.wsp.Xy12"));
    let now = Timestamp::from_secs(SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as u32);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let write = |age: u32| {
        let points = vec![Point { time: Timestamp::from_secs(now.secs() - age), value: f64::from(age) }];
        let batch = [Pending { series: SeriesId::new(0), name: MetricName::parse("a").unwrap(), points }];
        assert!(runtime.block_on(tree.tree.write(&batch, now)).refusals.is_empty());
    };
    write(9);
    fs::copy(&path, &copy).unwrap();
    write(8);
    fs::rename(&copy, &path).unwrap();
    fs::copy(&path, &copy).unwrap();
    write(7);
    fs::rename(&copy, &path).unwrap();
    write(6);
    let file = Whisper::open_read_only(&path).unwrap();
    let values = file.fetch(Timestamp::from_secs(now.secs() - 60), now, now).unwrap().unwrap().values;
    assert_eq!(values.into_iter().flatten().collect::<Vec<_>>(), [9.0, 8.0, 7.0, 6.0]);
}

#[test]
fn what_went_into_a_file_that_resizing_kept_is_brought_over() {
    for way in WAYS {
        let tree = tree(way);
        let (path, copy) = (tree.path("a.wsp"), tree.path("a.wsp.tmp"));
        tree.write("a", &[9]);
        let layout = CreateOptions::new("1s:2h,1m:1d".parse().unwrap());
        let new = Whisper::create(&copy, &layout);
        let now = Timestamp::from_secs(NOW);
        new.unwrap().update(Point { time: Timestamp::from_secs(NOW - 9), value: 9.0 }, now).unwrap();
        tree.write("a", &[8, 7]);
        fs::rename(&path, tree.path("a.wsp.bak")).unwrap();
        fs::rename(&copy, &path).unwrap();
        tree.write("a", &[6]);
        assert_eq!(ages(&path), [9, 8, 7, 6]);
    }
}

#[test]
fn a_file_copied_over_ours_is_read_anew() {
    for way in WAYS {
        let tree = tree(way);
        let (path, other) = (tree.path("a.wsp"), tree.path("other.wsp"));
        tree.write("a", &[9]);
        settle(&path);
        tree.write("a", &[8]);
        // The same size, other places, and another number of archives' worth of meaning.
        let mut layout = CreateOptions::new("1s:1h,1m:1d".parse().unwrap());
        layout.x_files_factor = XFilesFactor::new(0.0).unwrap();
        let point = Point { time: Timestamp::from_secs(NOW - 40), value: 40.0 };
        Whisper::create(&other, &layout).unwrap().update(point, Timestamp::from_secs(NOW)).unwrap();
        copy_over(&other, &path);
        tree.write("a", &[7]);
        assert_eq!(ages(&path), [40, 7]);
        Whisper::create_or_replace(&other, &CreateOptions::new("1s:2h".parse().unwrap())).unwrap();
        copy_over(&other, &path);
        tree.write("a", &[6]);
        assert_eq!(ages(&path), [6]);
    }
}

#[test]
fn a_damaged_file_is_set_aside_and_its_series_goes_on() {
    for way in WAYS {
        let tree = tree(way);
        let path = tree.path("a/b.wsp");
        tree.write("a.b", &[9]);
        fs::write(&path, b"no header").unwrap();
        assert_eq!(tree.refused("a.b"), Some(true), "it may be a copy that is still being made");
        make_old(&path);
        tree.write("a.b", &[7]);
        assert_eq!(ages(&path), [7]);
        fs::write(&path, b"").unwrap();
        make_old(&path);
        tree.write("a.b", &[6]);
        assert_eq!(ages(&path), [6]);
        let mut aside: Vec<_> = fs::read_dir(tree.data.join("quarantine/a")).unwrap().collect();
        aside.sort_by_key(|entry| entry.as_ref().unwrap().path());
        let content = |at: usize| fs::read(aside[at].as_ref().unwrap().path()).unwrap();
        assert_eq!((aside.len(), content(0), content(1)), (2, b"no header".to_vec(), Vec::new()));
    }
}

#[test]
fn a_file_cut_short_keeps_what_it_has() {
    let tree = tree(0);
    let path = tree.path("a.wsp");
    tree.write("a", &[9]);
    let whole = fs::metadata(&path).unwrap().len();
    File::options().write(true).open(&path).unwrap().set_len(1000).unwrap();
    assert_eq!(tree.refused("a"), Some(true), "it may be a copy that is still being made");
    make_old(&path);
    tree.write("a", &[8]);
    assert_eq!((ages(&path), fs::metadata(&path).unwrap().len()), (vec![9, 8], whole));
}

#[test]
fn what_is_no_file_is_refused_for_good_and_never_waited_for() {
    let tree = tree(64);
    fs::create_dir(tree.path("a.wsp")).unwrap();
    assert_eq!(tree.refused("a"), Some(false));
    rustix::fs::mknodat(rustix::fs::CWD, tree.path("b.wsp"), rustix::fs::FileType::Fifo, 0o600.into(), 0).unwrap();
    assert_eq!(tree.refused("b"), Some(false));
    fs::write(tree.path("c"), b"").unwrap();
    assert_eq!(tree.refused("c.d"), Some(false), "a file stands where a folder should");
    assert_eq!(tree.refused("fine"), None);
}

#[test]
fn an_empty_mount_point_is_not_filled() {
    let tree = tree(64);
    tree.write("a.b", &[9]);
    let (root, away) = (tree.data.join("whisper"), tree.data.join("away"));
    fs::rename(&root, &away).unwrap();
    assert_eq!(tree.refused("a.b"), Some(true), "there is no root");
    fs::create_dir(&root).unwrap();
    assert_eq!((tree.refused("a.b"), tree.refused("c")), (Some(true), Some(true)));
    assert_eq!(fs::read_dir(&root).unwrap().count(), 0);
    fs::remove_dir(&root).unwrap();
    fs::rename(&away, &root).unwrap();
    tree.write("a.b", &[8]);
    assert_eq!(ages(&tree.path("a/b.wsp")), [9, 8]);
}

/// A file system of one megabyte, gone with the value; nothing where we may not mount.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: PathBuf) -> Option<SmallDisk> {
        fs::create_dir(&at).unwrap();
        let mount =
            std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"]).arg(&at).output();
        mount.is_ok_and(|output| output.status.success()).then_some(SmallDisk(at))
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount").arg("-l").arg(&self.0).status();
    }
}

#[test]
fn on_a_full_disk_old_series_go_on_and_new_ones_wait() {
    let tree = tree(64);
    let Some(disk) = SmallDisk::mount(tree.path("small")) else { return };
    tree.write("small.old", &[9]);
    let filler = disk.0.join("filler");
    assert!(fs::write(&filler, vec![0; 2 << 20]).is_err(), "the disk is full");
    tree.write("small.old", &[8, 7]);
    assert_eq!(tree.report(1, "small.new", &[9]).refusals.first().map(|refusal| refusal.retry), Some(true));
    let names = fs::read_dir(&disk.0).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut names: Vec<String> = names.collect();
    names.sort();
    assert_eq!(names, ["filler", "old.wsp"], "nothing half made stays");
    let further = tree.report(2, "small.further", &[9]).refusals;
    assert!(matches!(further[..], [Refusal { retry: true, error: StorageError::NoRoom { .. }, .. }]), "not even tried");
    assert!(tree.report(3, "elsewhere", &[9]).refusals.is_empty(), "another disk has room");
    fs::remove_file(&filler).unwrap();
    let until = Instant::now() + Duration::from_secs(5);
    while !tree.report(1, "small.new", &[9]).refusals.is_empty() {
        assert!(Instant::now() < until, "there is room again");
        std::thread::yield_now();
    }
    assert!(tree.report(2, "small.further", &[9]).refusals.is_empty(), "one file had room, so all are tried");
    assert_eq!((ages(&disk.0.join("old.wsp")), ages(&disk.0.join("new.wsp"))), (vec![9, 8, 7], vec![9]));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(tree.tree.sync()).unwrap();
}

#[test]
fn python_resizes_under_a_stream_of_writes_and_no_point_is_lost() {
    if std::process::Command::new("whisper-resize.py").arg("--help").output().is_err() {
        return golden::peer::skip("whisper", "whisper-resize.py cannot be run");
    }
    let tree = tree(64);
    let path = tree.path("a.wsp");
    // The tool knows no clock but the real one.
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap();
    let now = Timestamp::from_secs(since.as_secs() as u32);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let write = |age: u32| {
        let points = vec![Point { time: Timestamp::from_secs(now.secs() - age), value: f64::from(age) }];
        let batch = [Pending { series: SeriesId::new(0), name: MetricName::parse("a").unwrap(), points }];
        assert!(runtime.block_on(tree.tree.write(&batch, now)).refusals.is_empty());
    };
    write(100);
    for (round, layout) in [["1s:2h", "1m:1d"], ["1s:3h", "1m:2d"]].iter().enumerate() {
        let mut tool = std::process::Command::new("whisper-resize.py").arg(&path).args(layout).spawn().unwrap();
        let mut age = 100 - 49 * round as u32;
        while tool.try_wait().unwrap().is_none() {
            // Further points while there are any; the last one again and again after that.
            age = (age - 1).max(51 - 49 * round as u32);
            write(age);
            std::thread::sleep(Duration::from_millis(5));
        }
        assert!(tool.wait().unwrap().success());
        (51 - 49 * round as u32..age).rev().for_each(write);
    }
    write(1);
    let file = Whisper::open_read_only(&path).unwrap();
    let from = Timestamp::from_secs(now.secs() - 101);
    let values = file.fetch(from, now, now).unwrap().unwrap().values;
    assert_eq!(values.into_iter().flatten().count(), 100);
    assert_eq!(file.header().archives[0].points, 3 * 3600);
}
