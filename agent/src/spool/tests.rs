use std::time::Duration;

use whisper::Interval;

use super::*;
use crate::outlet::{Limits, Outlet};

fn chunk(from: u32, to: u32) -> Chunk {
    let lines: String = (from..to).map(|number| format!("m.{number} {number} {}\n", 1_700_000_000 + number)).collect();
    Chunk::new(lines.into_bytes())
}

fn open(folder: &Path) -> Spool {
    Spool::open(folder, 1 << 20).unwrap()
}

/// Reads everything and says that it was handed over; gives the numbers and how many were new.
fn drain(spool: &mut Spool) -> (Vec<u32>, u64) {
    let (mut numbers, mut new) = (Vec::new(), 0);
    while let Some(replay) = spool.next().unwrap() {
        let lines = String::from_utf8(replay.lines.clone()).unwrap();
        numbers.extend(lines.lines().map(|line| line.split(' ').nth(1).unwrap().parse::<u32>().unwrap()));
        new += if replay.again { 0 } else { replay.points };
        spool.handed(&replay);
    }
    (numbers, new)
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    found.retain(|path| Segment::number_of(path).is_some());
    found.sort();
    found
}

#[test]
fn what_was_written_is_there_after_a_kill() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    spool.append(&chunk(0, 100)).unwrap();
    spool.append(&chunk(100, 200)).unwrap();
    assert_eq!(spool.points(), 200);
    drop(spool);
    let mut spool = open(folder.path());
    assert_eq!(spool.points(), 200);
    assert_eq!(drain(&mut spool), ((0..200).collect(), 200));
    assert_eq!(spool.points(), 0);
}

#[test]
fn half_a_record_is_cut_and_the_rest_is_sound() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    spool.append(&chunk(0, 10)).unwrap();
    spool.append(&chunk(10, 20)).unwrap();
    drop(spool);
    let file = files(folder.path()).pop().unwrap();
    let length = fs::metadata(&file).unwrap().len();
    for cut in (1..length).step_by(7).collect::<Vec<_>>().into_iter().rev() {
        File::options().write(true).open(&file).unwrap().set_len(cut).unwrap();
        let mut spool = open(folder.path());
        let (numbers, _) = drain(&mut spool);
        assert!([0, 10].contains(&numbers.len()), "{numbers:?}");
        if numbers.is_empty() {
            break;
        }
        drop(spool);
    }
}

#[test]
fn damage_costs_the_record_it_lies_in() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    (0..3).for_each(|at| spool.append(&chunk(at * 10, at * 10 + 10)).unwrap());
    drop(spool);
    let file = files(folder.path()).pop().unwrap();
    let mut bytes = fs::read(&file).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&file, &bytes).unwrap();
    let mut spool = open(folder.path());
    let (numbers, _) = drain(&mut spool);
    assert_eq!(numbers, (0..10).chain(20..30).collect::<Vec<_>>());
    assert_eq!(spool.points(), 0);
    let lost: u64 = spool.losses().iter().map(|loss| loss.points).sum();
    assert_eq!(lost, 10);
}

#[test]
fn garbage_is_no_spool_and_costs_no_memory() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join(format!("{:020}.lines", 7)), vec![0xff; 100_000]).unwrap();
    fs::write(folder.path().join("notes.txt"), "mine").unwrap();
    let mut spool = open(folder.path());
    assert_eq!((drain(&mut spool).0.len(), spool.points()), (0, 0));
    spool.append(&chunk(0, 5)).unwrap();
    assert_eq!(drain(&mut spool).0.len(), 5);
    assert!(folder.path().join("notes.txt").exists());
}

#[test]
fn without_room_the_oldest_segments_go_and_are_counted() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    let (mut written, mut lost) = (0, 0);
    while written < 100_000 {
        spool.append(&chunk(written, written + 250)).unwrap();
        written += 250;
        lost += spool.losses().iter().map(|loss| loss.points).sum::<u64>();
        assert!(spool.bytes() <= 1 << 20);
        assert_eq!(spool.points() + lost, u64::from(written));
    }
    assert!(lost > 0 && files(folder.path()).len() <= 17);
    let (numbers, new) = drain(&mut spool);
    assert_eq!(numbers, (lost as u32..100_000).collect::<Vec<_>>());
    assert_eq!(new + lost, 100_000);
}

#[test]
fn what_was_read_in_vain_is_read_again_and_counted_once() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    spool.append(&chunk(0, 10)).unwrap();
    spool.append(&chunk(10, 20)).unwrap();
    let first = spool.next().unwrap().unwrap();
    spool.handed(&first);
    spool.rewind();
    assert_eq!(drain(&mut spool), ((0..20).collect(), 10));
    spool.settled(first.segment);
    assert_eq!((spool.bytes(), files(folder.path()).len()), (0, 0));
    spool.append(&chunk(20, 30)).unwrap();
    assert_eq!(drain(&mut spool), ((20..30).collect(), 10));
}

#[test]
fn damage_is_counted_once_however_often_it_is_read() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    (0..3).for_each(|at| spool.append(&chunk(at * 10, at * 10 + 10)).unwrap());
    let file = files(folder.path()).pop().unwrap();
    let sound = fs::read(&file).unwrap();
    let record = sound.len() / 3;
    // First the lines of the second record, then its head, while the spool is open.
    for (at, lost, left) in [(record + 30, 10, [0..10, 20..30]), (record, 0, [0..10, 0..0])] {
        let mut bytes = sound.clone();
        bytes[at] ^= 1;
        fs::write(&file, &bytes).unwrap();
        for _ in 0..3 {
            spool.rewind();
            assert_eq!(drain(&mut spool).0, left.iter().cloned().flatten().collect::<Vec<_>>());
            assert_eq!(spool.points(), 0);
        }
        assert_eq!(spool.losses().iter().map(|loss| loss.points).sum::<u64>(), lost);
    }
}

#[test]
fn a_full_disk_is_an_error_and_leaves_what_is_there_sound() {
    let folder = tempfile::tempdir().unwrap();
    let mut spool = open(folder.path());
    spool.append(&chunk(0, 10)).unwrap();
    spool.active = Some(File::options().write(true).open("/dev/full").unwrap());
    assert_eq!(spool.append(&chunk(10, 20)).unwrap_err().kind(), io::ErrorKind::StorageFull);
    assert_eq!(spool.points(), 10);
    drop(spool);
    let mut spool = open(folder.path());
    assert_eq!(drain(&mut spool), ((0..10).collect(), 10));
    assert_eq!(spool.losses(), []);
}

#[test]
fn two_agents_do_not_share_a_spool() {
    let folder = tempfile::tempdir().unwrap();
    let _first = open(folder.path());
    assert_eq!(Spool::open(folder.path(), 1 << 20).unwrap_err().kind(), io::ErrorKind::WouldBlock);
}

fn outlet() -> std::sync::Arc<Outlet> {
    let limits = Limits { bytes: 1 << 16, resend: Duration::from_secs(30), slot: Interval::from_secs(10).unwrap() };
    std::sync::Arc::new(Outlet::new("sink", limits))
}

fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let until = std::time::Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(std::time::Instant::now() < until, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

#[tokio::test]
async fn an_outage_of_ten_minutes_loses_nothing_in_little_memory() {
    let folder = tempfile::tempdir().unwrap();
    let outlet = outlet();
    let mut worker = Worker::start(&outlet, folder.path(), 64 << 20, None).unwrap();
    outlet.broken();
    // Sixty slots of two thousand points, faster than real; the disk has to keep up with a slot before the next.
    let mut number = 0;
    for slot in 0..60 {
        for _ in 0..10 {
            let lines: String = (0..200).map(|at| format!("m {} {slot}\n", number + at)).collect();
            outlet.push(lines.as_bytes());
            number += 200;
            wait_for("room", || !outlet.queue().is_crowded());
        }
        assert!(outlet.queue().counts().bytes <= 1 << 16);
    }
    assert_eq!(outlet.queue().counts().lost, 0);
    worker.stop().await;
    let counts = outlet.queue().counts();
    assert_eq!((counts.spooled, counts.queued, counts.lost), (120_000, 0, 0));
    let mut spool = Spool::open(folder.path(), 64 << 20).unwrap();
    assert_eq!(drain(&mut spool).0, (0..120_000).collect::<Vec<_>>());
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_leaves_lines_in_memory() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    let outlet = outlet();
    let mut worker = Worker::start(&outlet, &file.join("spool"), 1 << 20, None).unwrap();
    outlet.broken();
    for number in 0..20_000 {
        outlet.push(format!("m {number} 1700000000\n").as_bytes());
    }
    worker.stop().await;
    let counts = outlet.queue().counts();
    assert!(counts.queued > 0 && counts.spooled == 0);
    assert_eq!(counts.queued + counts.lost, 20_000);
}
