use std::cell::Cell;
use std::io;

use proptest::prelude::*;

use super::*;
use crate::kept::Bases;
use crate::layer::{Memory, ReadAt};
use crate::{AggregationMethod, CreateOptions, Template, Timestamp, XFilesFactor};

const BEGIN: u32 = 1_750_000_000;

/// Counts reads.
struct Counting {
    file: Memory,
    reads: Cell<usize>,
}

impl ReadAt for Counting {
    fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
        self.reads.set(self.reads.get() + 1);
        self.file.read_at(buf, offset)
    }
}

impl WriteAt for Counting {
    fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
        self.file.write_all_at(bytes, offset)
    }
}

fn file(list: &str, method: AggregationMethod, factor: f64) -> Whisper<Counting> {
    let x_files_factor = XFilesFactor::new(factor).unwrap();
    let options = CreateOptions { method, x_files_factor, ..CreateOptions::new(list.parse().unwrap()) };
    let layer = Counting { file: Memory::new(Vec::new(), 1 << 20), reads: Cell::new(0) };
    Whisper::create_over(layer, "x.wsp", &options).unwrap()
}

/// As it is for who has made it.
fn new_file(list: &str, method: AggregationMethod, factor: f64) -> Whisper<Counting> {
    let mut file = file(list, method, factor);
    file.bases = Bases::of_new(&file.header);
    file
}

fn points(from: u32, step: u32, count: u32) -> Vec<Point> {
    let point = |index| Point { time: Timestamp::from_secs(from + index * step), value: f64::from(index) / 7.0 };
    (0..count).map(point).collect()
}

/// Tells how many of 40 updates read, of `count` points each that follow one another from the slot `first` on.
fn updates_that_read(list: &str, first: u32, count: u32) -> usize {
    let mut file = file(list, AggregationMethod::Average, 0.5);
    let (mut tip, step) = (Tip::default(), file.header.archives[0].step);
    let updates = (0..40).filter(|update| {
        let before = file.layer.reads.get();
        let points = points(BEGIN + (first + update * count) * step, step, count);
        let now = points[points.len() - 1].time;
        file.update_following(&points, now, &mut tip).unwrap();
        file.layer.reads.get() > before
    });
    updates.count()
}

#[test]
fn a_tip_is_small() {
    assert_eq!(size_of::<Tip>(), 56);
}

#[test]
fn updates_that_follow_one_another_hardly_ever_read() {
    let usual = updates_that_read("60:10080,300:8640,3600:8760", 0, 38);
    assert!(usual <= 9, "{usual}");
    let other = updates_that_read("10:8640,60:10080,600:10000,3600:3000", 3, 30);
    assert!(other <= 8, "{other}");
    assert_eq!(updates_that_read("60:1440", 0, 10), 1, "the first slot, once");
}

#[test]
fn who_has_made_a_file_reads_next_to_nothing() {
    for count in [1, 3, 38] {
        let mut file = new_file("60:10080,300:8640,3600:8760", AggregationMethod::Average, 0.5);
        let (mut tip, mut from) = (Tip::default(), BEGIN);
        for count in [1, count, 60, count] {
            let before = file.layer.reads.get();
            let points = points(from, 60, count);
            file.update_following(&points, points[points.len() - 1].time, &mut tip).unwrap();
            // Around the first slots it is looked once, without a system call where the file is made with them.
            assert!(from == BEGIN || file.layer.reads.get() == before, "{count} from {from}");
            from += count * 60;
        }
    }
}

#[test]
fn a_point_out_of_order_is_read_around_and_forgotten() {
    let mut file = file("60:10080,300:8640", AggregationMethod::Average, 0.5);
    let (mut tip, now) = (Tip::default(), Timestamp::from_secs(BEGIN + 6000));
    let mut reads = |from: u32| {
        let before = file.layer.reads.get();
        file.update_following(&points(BEGIN + from, 60, 3), now, &mut tip).unwrap();
        file.layer.reads.get() - before
    };
    reads(0);
    assert_eq!(reads(180), 0);
    assert_ne!(reads(240), 0, "240 and 300 were known");
    assert_ne!(reads(420), 0, "looks around again");
    assert_eq!(reads(600), 0);
}

#[test]
fn a_new_file_tells_what_its_first_update_wants_to_know() {
    let folder = tempfile::tempdir().unwrap();
    let options = CreateOptions::new("60:10080,300:8640,3600:8760".parse().unwrap());
    let bytes = |follows: bool, count: u32| {
        let path = folder.path().join(format!("{follows}{count}.wsp"));
        let first = points(BEGIN, 60, count);
        let now = first[first.len() - 1].time;
        let (mut file, ahead, mut tip) = Whisper::create_filled(&path, &Template::new(&options), &first, now).unwrap();
        assert_eq!(ahead, 0);
        assert!(tip.levels[..2].iter().all(|level| level.clear != 0), "{tip:?}");
        let next = points(BEGIN + count * 60, 60, 100);
        match follows {
            true => file.update_following(&next, next[99].time, &mut tip).unwrap(),
            false => file.update_current(&next, next[99].time).unwrap(),
        };
        std::fs::read(&path).unwrap()
    };
    for count in [1, 2, 3, 100] {
        assert!(bytes(true, count) == bytes(false, count), "{count}");
    }
}

/// What happens between two updates.
#[derive(Clone, Debug)]
enum Between {
    Nothing,
    /// Somebody who knows nothing of tips comes in between; whoever has one must notice, and forget it.
    Another(i32),
}

fn between() -> impl Strategy<Value = Between> {
    prop_oneof![9 => Just(Between::Nothing), 1 => (-20..20).prop_map(Between::Another)]
}

/// How far the first point of an update is from where the last one ended, and its points.
type Update = (i32, Vec<(u32, i8)>, Between);

fn update() -> impl Strategy<Value = Update> {
    let offset = prop_oneof![8 => Just(0), 2 => 0..4, 1 => -12..0, 2 => 4..60];
    (offset, prop::collection::vec((0u32..3, -9i8..9), 1..30), between())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn the_bytes_are_those_that_come_without(
        list in prop::sample::select(vec![
            "10:12,60:10", "5:12,10:12,60:12", "1:60,60:3,120:4", "10:6,30:4,60:8,300:5", "60:700,300:500,3600:90",
            "10:400,60:400,120:400,600:400,1200:400", "10:720,30:500",
        ]),
        method in prop::sample::select(AggregationMethod::ALL.to_vec()),
        factor in prop::sample::select(vec![0.0, 0.4, 0.5, 1.0]),
        updates in prop::collection::vec(update(), 1..25),
        new in any::<bool>(),
    ) {
        let mut ours = if new { new_file(list, method, factor) } else { file(list, method, factor) };
        let mut plain = file(list, method, factor);
        let step = ours.header.archives[0].step;
        let (mut tip, mut clock, mut end) = (Tip::default(), BEGIN, BEGIN);
        for (offset, gaps, between) in updates {
            let mut time = end.saturating_add_signed(offset * step as i32);
            let points: Vec<Point> = gaps.iter().map(|(gap, value)| {
                // Mostly each slot has its point; some have none, some have two.
                time += match gap { 0 => step, 1 => step / 2 + step, _ => 2 * step };
                Point { time: Timestamp::from_secs(time), value: f64::from(*value) / 3.0 }
            }).collect();
            // What is ahead of its time stays so until the others have come as far.
            if offset < 4 {
                (clock, end) = (clock.max(time), time);
            }
            let now = Timestamp::from_secs(clock);
            let left = ours.update_following(&points, now, &mut tip).unwrap();
            prop_assert_eq!(plain.update_current(&points, now).unwrap(), left);
            if let Between::Another(offset) = between {
                let point = [Point { time: Timestamp::from_secs(end.saturating_add_signed(offset * 7)), value: 5.0 }];
                ours.update_current(&point, now).unwrap();
                plain.update_current(&point, now).unwrap();
                tip = Tip::default();
            }
        }
        prop_assert_eq!(ours.layer.file.to_bytes(), plain.layer.file.to_bytes());
    }
}
