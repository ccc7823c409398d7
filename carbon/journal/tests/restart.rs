//! A journal in a real folder: what one process appends, the next one finds.
#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::fs;
use std::path::Path;
use std::sync::Arc;

use carbon_journal::{Journal, JournalError, Options, Replayed, Segment};
use carbon_line::MetricName;
use carbon_storage::{NameTable, SeriesId};
use tempfile::{TempDir, tempdir};
use whisper::{Point, Timestamp};

/// A point as a reader knows it: name, time, value.
type Seen = (String, u32, f64);

fn options(dir: &Path) -> Options {
    Options { dir: dir.to_owned(), segment_bytes: 4096, ..Options::default() }
}

type Opened = (Arc<Journal>, Arc<NameTable>, Replayed, Vec<(Segment, Seen)>);

fn open(dir: &Path) -> Result<Opened, JournalError> {
    let names = Arc::new(NameTable::new());
    let mut seen = Vec::new();
    let (journal, replayed) = Journal::open(options(dir), names.clone(), |segment, batch| {
        for (id, point) in batch {
            seen.push((segment, (names.name(*id).to_string(), point.time.secs(), point.value)));
        }
    })?;
    Ok((journal, names, replayed, seen))
}

fn batch(names: &NameTable, points: &[Seen]) -> Vec<(SeriesId, Point)> {
    let id = |name: &String| names.intern(&MetricName::parse(name).unwrap());
    points
        .iter()
        .map(|(name, time, value)| (id(name), Point { time: Timestamp::from_secs(*time), value: *value }))
        .collect()
}

/// `count` points from the `first` on; each series comes back every hundred.
fn points(first: u32, count: u32) -> Vec<Seen> {
    (first..first + count)
        .map(|n| (format!("servers.a{}.load", n % 100), 1_700_000_000 + n / 100, f64::from(n)))
        .collect()
}

/// A folder in which a process has left `count` points.
fn left_behind(count: u32) -> TempDir {
    let dir = tempdir().unwrap();
    let (journal, names, ..) = open(dir.path()).unwrap();
    for first in (0..count).step_by(10) {
        drop(journal.append(&batch(&names, &points(first, 10))));
    }
    journal.close().unwrap();
    dir
}

fn values(seen: &[(Segment, Seen)]) -> Vec<Seen> {
    seen.iter().map(|(_, seen)| seen.clone()).collect()
}

#[test]
fn appended_points_are_there_after_a_restart_and_after_two() {
    let dir = left_behind(5_000);
    let (journal, names, replayed, seen) = open(dir.path()).unwrap();
    assert_eq!(values(&seen), points(0, 5_000));
    assert!(
        replayed.is_whole() && replayed.torn == 0 && replayed.points == 5_000 && replayed.segments > 2,
        "{replayed:?}"
    );
    assert!(seen.is_sorted_by_key(|(segment, _)| *segment));
    // Other names first, so that the same series have other ids than before.
    drop(journal.append(&batch(&names, &[("new.one".to_owned(), 7, 0.5)])));
    drop(journal.append(&batch(&names, &points(5_000, 1_000))));
    journal.close().unwrap();
    drop(journal);

    let (.., seen) = open(dir.path()).unwrap();
    let mut expected = points(0, 5_000);
    expected.push(("new.one".to_owned(), 7, 0.5));
    expected.extend(points(5_000, 1_000));
    assert_eq!(values(&seen), expected);
}

#[test]
fn a_released_segment_is_gone_and_a_ticket_holds_its_own() {
    let dir = left_behind(5_000);
    let (journal, names, _, seen) = open(dir.path()).unwrap();
    let ticket = journal.append(&batch(&names, &points(0, 10)));
    assert_eq!(journal.oldest_in_transit(), ticket.segment());
    journal.roll();
    assert!(journal.snapshot().current > ticket.segment());
    assert_eq!(journal.oldest_in_transit(), ticket.segment());

    let middle = seen[seen.len() / 2].0;
    assert!(journal.release(middle).unwrap() > 0);
    assert_eq!(journal.snapshot().oldest, middle);
    drop(ticket);
    journal.sync().unwrap();
    journal.release(journal.oldest_in_transit()).unwrap();
    assert_eq!(journal.snapshot().segments, 0);
    journal.close().unwrap();
    let left: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["lock"], "with no point left, names are of no use");
}

#[test]
fn what_comes_after_its_files_were_removed_is_safe_again() {
    let dir = tempdir().unwrap();
    let (journal, names, ..) = open(dir.path()).unwrap();
    drop(journal.append(&batch(&names, &points(0, 100))));
    journal.sync().unwrap();
    for entry in fs::read_dir(dir.path()).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    drop(journal.append(&batch(&names, &points(100, 100))));
    // The first one may be what finds out.
    drop(journal.sync());
    journal.sync().unwrap();
    journal.close().unwrap();
    let (_journal, _, replayed, seen) = open(dir.path()).unwrap();
    assert_eq!(replayed.nameless, 0);
    assert_eq!(values(&seen), points(100, 100));
}

#[test]
fn one_process_has_the_folder() {
    let dir = tempdir().unwrap();
    let (journal, ..) = open(dir.path()).unwrap();
    let refused = open(dir.path()).unwrap_err();
    assert!(
        matches!(&refused, JournalError::Locked { owner, .. } if *owner == format!("process {}", std::process::id()))
    );
    drop(journal);
    open(dir.path()).unwrap();
}

#[test]
fn any_damaged_bit_costs_its_record_at_most() {
    let dir = left_behind(300);
    let files: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    let all = points(0, 300);
    for path in files.iter().filter(|path| !path.ends_with("lock")) {
        let whole = fs::read(path).unwrap();
        for at in (0..whole.len()).step_by(if whole.len() > 500 { 7 } else { 1 }) {
            let mut damaged = whole.clone();
            damaged[at] ^= 1 << (at % 8);
            fs::write(path, damaged).unwrap();
            let (journal, _, replayed, seen) = open(dir.path()).unwrap();
            drop(journal);
            let lost = 300 - seen.len() as u64;
            assert!(values(&seen).iter().all(|point| all.contains(point)), "invented a point, {path:?} at {at}");
            assert!(lost == 0 || replayed.nameless + replayed.damaged + replayed.torn > 0, "{replayed:?}");
        }
        fs::write(path, whole).unwrap();
    }
}

#[test]
fn a_newer_journal_is_refused_and_left_alone() {
    let dir = left_behind(100);
    let path = dir.path().join("points.0000000001");
    let mut bytes = fs::read(&path).unwrap();
    for copy in [0, 24] {
        bytes[copy + 8] = 9;
        let crc = crc32fast::hash(&bytes[copy..copy + 20]);
        bytes[copy + 20..copy + 24].copy_from_slice(&crc.to_le_bytes());
    }
    fs::write(&path, &bytes).unwrap();
    let refused = open(dir.path()).unwrap_err();
    assert!(matches!(refused, JournalError::Newer { version: 9, .. }), "{refused}");
    assert_eq!(fs::read(&path).unwrap(), bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_is_safe_when_it_is_said_to_be() {
    let dir = tempdir().unwrap();
    let names = Arc::new(NameTable::new());
    let always = Options { sync: carbon_journal::Sync::Always, ..options(dir.path()) };
    let (journal, _) = Journal::open(always, names.clone(), |_, _| {}).unwrap();
    for first in 0..20 {
        journal.ready().await;
        let ticket = journal.append(&batch(&names, &points(first * 10, 10)));
        journal.synced(ticket.position()).await;
        assert_eq!(journal.snapshot().unsynced_bytes, 0);
    }
    assert!(journal.snapshot().syncs >= 20);
}

#[test]
fn an_operator_can_read_a_segment() {
    let dir = left_behind(100);
    let file = |name: &str| fs::File::open(dir.path().join(name)).unwrap();
    let mut seen = Vec::new();
    let report = carbon_journal::dump(file("names.0000000001"), file("points.0000000001"), |name, point| {
        seen.push((name.to_string(), point.time.secs(), point.value));
    });
    assert!(report.unwrap().is_whole());
    assert_eq!(seen, points(0, 100));
}

#[test]
fn room_that_a_killed_process_had_reserved_is_given_back() {
    use std::os::unix::fs::MetadataExt;
    const RESERVED: u64 = 16 << 20;
    let dir = left_behind(50);
    let segment = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path());
    let segment = segment.into_iter().find(|path| path.file_name().unwrap().to_str().unwrap().starts_with("points"));
    let segment = segment.unwrap();
    let taken = || fs::metadata(&segment).unwrap().blocks() * 512;
    let file = fs::OpenOptions::new().write(true).open(&segment).unwrap();
    if rustix::fs::fallocate(&file, rustix::fs::FallocateFlags::KEEP_SIZE, 0, RESERVED).is_err() {
        return; // the file system cannot reserve
    }
    assert!(taken() >= RESERVED);
    let (journal, _, replayed, seen) = open(dir.path()).unwrap();
    assert!(replayed.is_whole() && seen.len() == 50);
    assert!(taken() < RESERVED / 16, "{} bytes", taken());
    drop(journal);
}

#[test]
fn what_somebody_writes_himself_is_safe_from_a_kill_at_once() {
    let (dir, killed) = (tempdir().unwrap(), tempdir().unwrap());
    let (journal, names, ..) = open(dir.path()).unwrap();
    let expected = points(0, 10);
    drop(journal.append_to_write(&batch(&names, &expected)));
    journal.write();
    // The files as a kill leaves them here and now.
    for entry in fs::read_dir(dir.path()).unwrap() {
        let path = entry.unwrap().path();
        fs::copy(&path, killed.path().join(path.file_name().unwrap())).unwrap();
    }
    let (_journal, _, _, seen) = open(killed.path()).unwrap();
    assert_eq!(values(&seen), expected);
    journal.close().unwrap();
}
