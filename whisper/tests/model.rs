//! Random histories against a model of the format that is as plain as can be: no runs, no offsets, no bytes; each archive
//! is a map from a place in the ring to the time and value there.

#![allow(clippy::unwrap_used, reason = "a test may stop where its input is not what it must be")]

use std::collections::BTreeMap;

use proptest::prelude::*;
use whisper::layer::Memory;
use whisper::{AggregationMethod, CreateOptions, Point, Retentions, Timestamp, Whisper, XFilesFactor};

const BEGIN: i64 = 1_750_000_000;
const LISTS: [&str; 5] = ["10:7", "10:12,60:10", "5:12,10:12,60:12", "1:60,60:3,120:4", "10:6,30:4,60:8,300:5"];

struct Model {
    archives: Vec<Ring>,
    method: AggregationMethod,
    factor: XFilesFactor,
}

struct Ring {
    step: i64,
    points: i64,
    slots: BTreeMap<i64, (i64, f64)>,
}

impl Ring {
    fn place(&self, time: i64) -> i64 {
        (time / self.step) % self.points
    }

    fn write(&mut self, time: i64, value: f64) {
        let time = time - time % self.step;
        self.slots.insert(self.place(time), (time, value));
    }

    fn read(&self, time: i64) -> Option<f64> {
        self.slots.get(&self.place(time)).filter(|(at, _)| *at == time).map(|(_, value)| *value)
    }
}

impl Model {
    fn new(options: &CreateOptions) -> Model {
        let ring = |retention: &whisper::Retention| Ring {
            step: retention.step.as_i64(),
            points: retention.points.get().into(),
            slots: BTreeMap::new(),
        };
        let archives = options.retentions.as_slice().iter().map(ring).collect();
        Model { archives, method: options.method, factor: options.x_files_factor }
    }

    /// Renews the slot of archive `lower` that holds `time`; says whether it was written.
    fn renew(&mut self, lower: usize, time: i64) -> bool {
        let step = self.archives[lower].step;
        let (begin, higher) = (time - time % step, &self.archives[lower - 1]);
        let slots = step / higher.step;
        let known: Vec<f64> = (0..slots).filter_map(|slot| higher.read(begin + slot * higher.step)).collect();
        if !self.factor.is_met(known.len() as u64, slots as u64) {
            return false;
        }
        let value = self.method.aggregate(&known, slots as usize).unwrap();
        self.archives[lower].write(begin, value);
        true
    }

    fn update(&mut self, point: &Point, now: i64) {
        let time = point.time.as_i64();
        let reaches = |ring: &Ring| ring.step * ring.points >= now - time;
        let archive = self.archives.iter().position(reaches).unwrap();
        self.archives[archive].write(time, point.value);
        let _ = (archive + 1..self.archives.len()).all(|lower| self.renew(lower, time));
    }

    fn update_many(&mut self, points: &[Point], now: i64) {
        let mut rest: Vec<&Point> = points.iter().rev().collect();
        rest.sort_by_key(|point| point.time);
        for archive in 0..self.archives.len() {
            let reach = self.archives[archive].step * self.archives[archive].points;
            let (older, young): (Vec<&Point>, _) =
                rest.into_iter().partition(|point| now - point.time.as_i64() > reach);
            for point in &young {
                self.archives[archive].write(point.time.as_i64(), point.value);
            }
            for lower in archive + 1..self.archives.len() {
                let wrote = young.iter().filter(|point| self.renew(lower, point.time.as_i64())).count();
                if wrote == 0 {
                    break;
                }
            }
            rest = older;
        }
    }

    fn fetch(&self, from: i64, until: i64, now: i64) -> Vec<Option<f64>> {
        let reaches = |ring: &&Ring| ring.step * ring.points >= now - from;
        let ring = self.archives.iter().find(reaches).unwrap();
        let floor = |time: i64| time - time % ring.step + ring.step;
        let (from, mut until) = (floor(from), floor(until));
        if from == until {
            until += ring.step;
        }
        (from..until).step_by(ring.step as usize).map(|time| ring.read(time)).collect()
    }
}

#[derive(Clone, Debug)]
enum Step {
    /// Age and value.
    One(i64, i32),
    Many(Vec<(i64, i32)>),
}

fn step() -> impl Strategy<Value = (i64, Step)> {
    let age = prop_oneof![4 => 0i64..70, 2 => 0i64..1600];
    let one = (age.clone(), -99..99).prop_map(|(age, value)| Step::One(age, value));
    let many = prop::collection::vec((prop_oneof![8 => age, 1 => -40i64..0], -99..99), 1..25).prop_map(Step::Many);
    (prop_oneof![3 => 0i64..20, 1 => 0i64..900], prop_oneof![one, many])
}

fn point(now: i64, age: i64, value: i32) -> Point {
    Point { time: Timestamp::saturating_from(now - age), value: f64::from(value) / 8.0 }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn every_history_reads_back_as_the_model_has_it(
        list in 0..LISTS.len(),
        method in 0..8usize,
        tenths in 0..=10u8,
        offset in 0..600i64,
        history in prop::collection::vec(step(), 1..10),
    ) {
        let retentions: Retentions = LISTS[list].parse().unwrap();
        let oldest = retentions.max_retention_secs() as i64;
        let mut options = CreateOptions::new(retentions);
        options.method = AggregationMethod::ALL[method];
        options.x_files_factor = XFilesFactor::new(f64::from(tenths) / 10.0).unwrap();
        let mut model = Model::new(&options);
        let mut file = Whisper::create_over(Memory::new(Vec::new(), 1 << 16), "x.wsp", &options).unwrap();
        let size = file.header().file_size();
        let mut now = BEGIN + offset;
        for (pause, step) in history {
            now += pause;
            let clock = Timestamp::saturating_from(now);
            match step {
                Step::One(age, value) => {
                    let point = point(now, age, value);
                    let done = file.update(point, clock);
                    prop_assert_eq!(done.is_ok(), age < oldest);
                    if done.is_ok() {
                        model.update(&point, now);
                    }
                }
                Step::Many(points) => {
                    let points: Vec<Point> = points.iter().map(|(age, value)| point(now, *age, *value)).collect();
                    file.update_many(&points, clock).unwrap();
                    model.update_many(&points, now);
                }
            }
            for age in [0, 3, 59, 60, 61, 120, 121, 600, 1500] {
                let from = now - oldest.min(age);
                let fetched = file.fetch(Timestamp::saturating_from(from), clock, clock).unwrap().unwrap();
                prop_assert_eq!(fetched.values, model.fetch(from, now, now), "from {} s ago", now - from);
            }
        }
        // A fresh look at the bytes gives what the kept handle gave.
        let clock = Timestamp::saturating_from(now);
        let begin = Timestamp::saturating_from(now - oldest);
        let kept = file.fetch(begin, clock, clock).unwrap();
        let bytes = file.into_layer().into_bytes();
        prop_assert_eq!(bytes.len() as u64, size, "a file never grows");
        prop_assert_eq!(Whisper::over(&bytes[..], "x.wsp").unwrap().fetch(begin, clock, clock).unwrap(), kept);
    }
}
