//! The promise, held against random histories on a disk that forgets: what was synced and not released comes back in
//! order, nothing comes back that was not appended, nothing old comes back without what replaced it, and every start
//! succeeds.

mod disk;
mod readiness;

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use carbon_line::MetricName;
use carbon_storage::NameTable;
use proptest::prelude::*;
use whisper::{Point, Timestamp};

use crate::chunk::Segment;
use crate::core::Core;
use crate::files;
use crate::options::Options;
use disk::Forgetful;

#[derive(Clone, Debug)]
enum Step {
    /// So many points of series from this one on.
    Append(u8, u8),
    Write,
    Sync,
    Roll,
    /// Releases this many segments, as if the archives held them.
    Release(u8),
    FailSync,
    FailWrite,
    /// The power goes in the middle of what follows, after so many operations of the disk.
    Fuse(u8),
    LosePower,
    /// The process ends, the system goes on.
    Kill,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        12 => (1_u8..12, 0_u8..40).prop_map(|(count, series)| Step::Append(count, series)),
        8 => Just(Step::Write),
        6 => Just(Step::Sync),
        1 => Just(Step::Roll),
        2 => (0_u8..6).prop_map(Step::Release),
        1 => Just(Step::FailSync),
        1 => Just(Step::FailWrite),
        1 => (0_u8..12).prop_map(Step::Fuse),
        1 => Just(Step::LosePower),
        1 => Just(Step::Kill),
    ]
}

/// A point that was appended. Its value is its place in the whole history, and so unlike any other.
#[derive(Clone, Debug, PartialEq)]
struct Appended {
    series: String,
    point: Point,
    segment: u32,
    end: u64,
}

impl Appended {
    fn place(&self) -> u32 {
        self.point.value as u32
    }
}

struct World {
    disk: Forgetful,
    core: Arc<Core>,
    now: Instant,
    /// What this process appended or found, in order.
    appended: Vec<Appended>,
    /// All segments below have been let go.
    released: u32,
    /// A sync went wrong and none went right since, so that the system's memory is not to be trusted.
    suspicious: bool,
    count: u32,
}

impl World {
    fn new(seed: u64) -> World {
        let disk = Forgetful::new(seed);
        let (core, appended, _) = start(&disk);
        World { disk, core, now: Instant::now(), appended, released: 0, suspicious: false, count: 0 }
    }

    fn take(&mut self, step: &Step) {
        match step {
            Step::Append(count, series) => self.append(*count, *series),
            Step::Write => drop(self.core.write_step()),
            Step::Sync => self.suspicious = self.core.sync_step().map_or(true, |any| self.suspicious && !any),
            Step::Roll => self.core.state().roll(),
            Step::Release(count) => self.release(*count),
            Step::FailSync => self.disk.fail_next_sync(),
            Step::FailWrite => self.disk.fail_next_write(),
            Step::Fuse(operations) => self.disk.light_fuse(u32::from(*operations)),
            Step::LosePower => self.restart(true),
            Step::Kill => self.restart(self.suspicious || self.disk.is_dead()),
        }
    }

    fn append(&mut self, count: u8, first: u8) {
        let mut batch = Vec::new();
        let mut points = Vec::new();
        for nth in 0..count {
            let series = format!("servers.a{}", first + nth);
            let id = self.core.names.intern(&MetricName::parse(&series).unwrap());
            let point = Point { time: Timestamp::from_secs(self.count / 50), value: f64::from(self.count) };
            self.count += 1;
            batch.push((id, point));
            points.push((series, point));
        }
        let ticket = self.core.append(&batch, self.now, false);
        let (segment, end) = (ticket.segment().number(), ticket.position().0);
        self.appended.extend(points.into_iter().map(|(series, point)| Appended { series, point, segment, end }));
    }

    fn release(&mut self, count: u8) {
        let oldest = self.core.snapshot(self.now).oldest.number();
        let (most, _) = self.core.releasable(u32::MAX);
        let result = self.core.release(Segment::new(oldest + u32::from(count)));
        let state = self.core.state();
        let kept = state.segments.front().map_or(state.current, |segment| segment.number);
        // A removal may have happened before its sync went wrong.
        let doubtful =
            u32::from(result.is_err() && !state.segments.is_empty() && !self.disk.has(&files::segment(kept)));
        self.released = self.released.max((kept + doubtful).min(most));
    }

    fn restart(&mut self, power: bool) {
        let (written, synced) = {
            let state = self.core.state();
            (state.written, state.synced)
        };
        if power {
            self.disk.lose_power();
        }
        self.disk.calm();
        let (core, found, went_dark) = start(&self.disk);
        self.check(&found, if power || went_dark { synced } else { written });
        // What a failed sync made the journal write twice counts where it stood last, as in an archive.
        let last: HashMap<u32, usize> = found.iter().enumerate().map(|(place, point)| (point.place(), place)).collect();
        let once = found.into_iter().enumerate().filter(|(place, point)| last[&point.place()] == *place);
        self.appended = once.map(|(_, point)| point).collect();
        (self.core, self.released, self.suspicious) = (core, 0, false);
    }

    fn check(&self, found: &[Appended], promised: u64) {
        let last: HashMap<u32, usize> = found.iter().enumerate().map(|(place, point)| (point.place(), place)).collect();
        let known: HashMap<u32, &Appended> = self.appended.iter().map(|point| (point.place(), point)).collect();
        for point in found {
            let was = known.get(&point.place()).expect("a point that nobody appended");
            assert_eq!((&was.series, was.point), (&point.series, point.point), "a point of another series or time");
        }
        // The last place of anything older than the point looked at.
        let mut older: Option<usize> = None;
        for point in &self.appended {
            let place = last.get(&point.place()).copied();
            let released = point.segment < self.released;
            if point.end <= promised && !released {
                assert!(place.is_some() && place >= older, "lost or out of order: {point:?}, found at {place:?}");
            }
            assert!(!released || older.is_none() || place.is_some(), "let go, with something older back: {point:?}");
            older = older.max(place);
        }
    }
}

/// Starts until a start succeeds; says whether the power went in between, the only reason for which one may fail.
fn start(disk: &Forgetful) -> (Arc<Core>, Vec<Appended>, bool) {
    let options = Options { dir: PathBuf::from("model"), segment_bytes: 300, ..Options::default() };
    let mut went_dark = false;
    loop {
        let names = Arc::new(NameTable::new());
        let mut found = Vec::new();
        let result = Core::open(options.clone(), Box::new(disk.clone()), names.clone(), &mut |segment, batch| {
            found.extend(batch.iter().map(|(id, point)| Appended {
                series: names.name(*id).to_string(),
                point: *point,
                segment: segment.number(),
                end: 0,
            }));
        });
        match result {
            Ok((core, _)) => return (core, found, went_dark),
            Err(error) => {
                assert!(disk.is_dead(), "a start failed: {error}");
                disk.lose_power();
                went_dark = true;
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, ..ProptestConfig::default() })]

    #[test]
    fn a_disk_that_forgets_loses_no_promise(seed in any::<u64>(), steps in prop::collection::vec(step(), 1..120)) {
        let mut world = World::new(seed);
        for step in &steps {
            world.take(step);
        }
        world.restart(true);
    }
}
