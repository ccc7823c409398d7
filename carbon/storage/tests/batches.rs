//! The files of a batch, which are opened some at a time before the first of them is written.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]
#![cfg(target_os = "linux")]

use std::fs::{self, File};
use std::os::unix::fs::{MetadataExt, symlink};
use std::path::{Path, PathBuf};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use carbon_line::MetricName;
use carbon_storage::{Pending, Schemas, SeriesId, StorageRules, Store, TreeOptions, WhisperTree};
use whisper::{Allocation, Point, Timestamp, Whisper};

const NOW: u32 = 1_700_000_000;

/// A tree of which no file is kept open.
fn tree(folder: &Path) -> WhisperTree {
    let schemas = Schemas::parse("[all]\npattern = .*\nretentions = 1s:1h,1m:1d\n").unwrap();
    let options = TreeOptions { descriptors: 0, ..TreeOptions::from(Allocation::Reserved) };
    let rules = StorageRules { schemas, ..StorageRules::default() };
    WhisperTree::open(folder, rules, options).unwrap()
}

/// Writes the point of this age to each series, with its age as value, and gives how many were created.
fn write(tree: &WhisperTree, names: &[&str], age: u32) -> usize {
    let points = vec![Point { time: Timestamp::from_secs(NOW - age), value: f64::from(age) }];
    let pending = |(number, name): (usize, &&str)| {
        let (series, name) = (SeriesId::new(number as u32), MetricName::parse(name).unwrap());
        Pending { series, name, points: points.clone() }
    };
    let batch: Vec<_> = names.iter().enumerate().map(pending).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let report = runtime.block_on(tree.write(&batch, Timestamp::from_secs(NOW)));
    assert!(report.refusals.is_empty(), "{:?}", report.refusals);
    report.created
}

/// The ages whose points can be read.
fn ages(path: &Path) -> Vec<u32> {
    let file = Whisper::open_read_only(path).unwrap();
    let (from, now) = (Timestamp::from_secs(NOW - 100), Timestamp::from_secs(NOW));
    file.fetch(from, now, now).unwrap().unwrap().values.into_iter().flatten().map(|value| value as u32).collect()
}

/// Waits until somebody waits for the lock of `file`.
fn wait_for_a_waiter(file: &File) {
    let end = format!(":{} 0 EOF", file.metadata().unwrap().ino());
    let waits = |line: &str| line.contains("->") && line.trim_end().ends_with(&end);
    while !fs::read_to_string("/proc/locks").unwrap().lines().any(waits) {
        thread::sleep(Duration::from_millis(2));
    }
}

#[test]
fn series_that_share_a_file_do_not_wait_for_each_other() {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let (told, done) = sync_channel(1);
    write(&tree(folder.path()), &["a"], 9);
    symlink("a.wsp", path("b.wsp")).unwrap();
    fs::hard_link(path("a.wsp"), path("c.wsp")).unwrap();
    let root = folder.path().to_owned();
    thread::spawn(move || {
        let tree = tree(&root);
        for age in [8, 7, 6] {
            assert_eq!(write(&tree, &["a", "b", "c"], age), 0);
        }
        told.send(()).unwrap();
    });
    done.recv_timeout(Duration::from_secs(60)).expect("a writer waits for its own lock");
    assert_eq!(ages(&path("a.wsp")), [9, 8, 7, 6]);
}

#[test]
fn what_is_replaced_while_a_batch_waits_for_its_first_file_gets_the_points() {
    const NAMES: [&str; 8] = ["a", "b", "c", "d", "e", "f", "g", "h"];
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| -> PathBuf { folder.path().join(name) };
    let tree = tree(folder.path());
    assert_eq!(write(&tree, &NAMES, 9), NAMES.len());
    write(&tree, &NAMES, 8);
    let held = File::open(path("a.wsp")).unwrap();
    held.lock().unwrap();
    thread::scope(|scope| {
        let writer = scope.spawn(|| write(&tree, &NAMES, 7));
        wait_for_a_waiter(&held);
        // By a name that was made beside; as resizing does it; and not at all.
        fs::copy(path("b.wsp"), path("new")).unwrap();
        fs::rename(path("new"), path("b.wsp")).unwrap();
        fs::rename(path("c.wsp"), path("c.wsp.bak")).unwrap();
        fs::copy(path("c.wsp.bak"), path("c.wsp")).unwrap();
        fs::remove_file(path("d.wsp")).unwrap();
        drop(held);
        assert_eq!(writer.join().unwrap(), 1, "one had to be made again");
    });
    assert_eq!(["b.wsp", "c.wsp"].map(|name| ages(&path(name))), [[9, 8, 7], [9, 8, 7]]);
    assert_eq!(ages(&path("d.wsp")), [7]);
    assert_eq!(write(&tree, &NAMES, 6), 0);
    for name in ["a", "b", "c", "h"] {
        assert_eq!(ages(&path(&format!("{name}.wsp"))), [9, 8, 7, 6], "{name}");
    }
}
