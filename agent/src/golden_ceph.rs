//! Replays two recorded answers of Ceph's daemons and compares with the lines of each naming.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use collectors::{CephNaming, Class, Collector, Fail, Out, Slot, Spec, replay_ceph, replay_ceph_cluster};
use golden::Tally;
use whisper::Timestamp;

use crate::job::Job;
use crate::naming::Naming;

#[test]
fn golden_ceph() {
    if let Some(folder) = golden::folder("ceph") {
        let mut tally = Tally::new("ceph");
        replay(&folder, &mut tally);
        replay_whole(&folder, &mut tally);
        tally.finish();
    }
}

#[test]
fn the_recorded_monitor_of_our_own_gives_its_lines() {
    let mut tally = Tally::own("ceph");
    replay(&golden::own("ceph"), &mut tally);
    tally.finish();
}

/// A daemon that answers with what was recorded.
struct Recorded {
    naming: CephNaming,
    socket: String,
    schema: String,
    dumps: Vec<String>,
}

impl Collector for Recorded {
    fn spec(&self) -> Spec {
        Spec { name: "ceph", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        replay_ceph(self.naming, &self.socket, self.schema.as_bytes(), self.dumps.remove(0).as_bytes(), out)
    }
}

fn replay(folder: &Path, tally: &mut Tally) {
    let times: BTreeMap<String, f64> = serde_json::from_str(&read(&folder.join("times.json"))).unwrap();
    let mut daemons: Vec<String> = fs::read_dir(folder)
        .unwrap()
        .filter_map(|file| file.unwrap().file_name().to_str()?.strip_suffix(".expected.native.txt").map(str::to_owned))
        .collect();
    daemons.sort();
    for daemon in daemons {
        let recorded = Daemon { folder, name: &daemon };
        let elapsed = recorded.elapsed(&times);
        recorded.check("native", CephNaming::Native, elapsed, tally);
        recorded.check("diamond", CephNaming::Diamond, elapsed, tally);
        // Calamari divided by its interval, whatever had passed.
        recorded.check("calamari", CephNaming::Calamari, 10.0, tally);
    }
}

/// A cluster as the command line tool told of it.
struct Whole {
    pools: String,
    df: String,
}

impl Collector for Whole {
    fn spec(&self) -> Spec {
        Spec { name: "ceph", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        replay_ceph_cluster("00000000-1111-2222-3333-444444444444", self.pools.as_bytes(), self.df.as_bytes(), out);
        Ok(())
    }
}

/// Compares the lines of the cluster as a whole; `counter` stands for any rate.
fn replay_whole(folder: &Path, tally: &mut Tally) {
    let expected = folder.join("cluster.expected.calamari.txt");
    if !expected.exists() {
        return;
    }
    let (pools, df) = (read(&folder.join("cluster.pg_dump_pools.json")), read(&folder.join("cluster.df.json")));
    let mut job = Job::new(Box::new(Whole { pools, df }), Arc::new(Naming::new("servers", "testhost")));
    let mut rounds = [BTreeMap::new(), BTreeMap::new()];
    for (round, found) in rounds.iter_mut().enumerate() {
        let slot = Slot { time: Timestamp::from_secs(0), monotonic: Duration::from_secs(round as u64 * 10) };
        job.measure(slot, |ready| {
            found.insert(ready.name.to_owned(), ready.value.trim().to_owned());
        });
    }
    let [first, mut second] = rounds;
    for (name, value) in &mut second {
        if !first.contains_key(name) {
            *value = "counter".to_owned();
        }
    }
    compare("cluster", &second, &read(&expected), tally);
}

/// A daemon whose answers lie in a folder.
#[derive(Clone, Copy)]
struct Daemon<'a> {
    folder: &'a Path,
    name: &'a str,
}

impl Daemon<'_> {
    fn check(self, kind: &str, naming: CephNaming, elapsed: f64, tally: &mut Tally) {
        let expected = self.folder.join(format!("{}.expected.{kind}.txt", self.name));
        if expected.exists() {
            compare(self.name, &self.lines(naming, elapsed), &read(&expected), tally);
        }
    }

    /// Time between the two dumps: as it was kept, or else the interval near 10 s under which all rates come out as
    /// expected.
    fn elapsed(self, times: &BTreeMap<String, f64>) -> f64 {
        let time = |dump: &str| times.get(&format!("{}.{dump}", self.name)).copied();
        if let (Some(first), Some(second)) = (time("1"), time("2")) {
            return second - first;
        }
        let at_ten = self.lines(CephNaming::Native, 10.0);
        let expected = read(&self.folder.join(format!("{}.expected.native.txt", self.name)));
        let expected_lines = expected.lines().filter_map(|line| line.split_once(' '));
        let fits = expected_lines.filter(|(name, _)| name.ends_with(".rate")).filter_map(|(name, rate)| {
            let (steps, rate) = (at_ten.get(name)?.parse::<f64>().ok()? * 10.0, rate.parse::<f64>().ok()?);
            // Six digits tell a small number of steps exactly, and the rate to half a unit of the last digit.
            let half = 0.5 * 10_f64.powf(rate.log10().floor() - 5.0);
            let exact = rate > 0.0 && (1.0..100_000.0).contains(&steps);
            exact.then(|| (steps.round() / (rate + half), steps.round() / (rate - half)))
        });
        let (low, high) = fits.fold((0.0_f64, f64::MAX), |(low, high), (least, most)| (low.max(least), high.min(most)));
        (low + high) / 2.0
    }

    fn lines(self, naming: CephNaming, elapsed: f64) -> BTreeMap<String, String> {
        let recorded = |what: &str| read(&self.folder.join(format!("{}.{what}.json", self.name)));
        let dumps = vec![recorded("perf_dump.1"), recorded("perf_dump.2")];
        let socket = format!("ceph-{}.asok", self.name);
        let collector = Recorded { naming, socket, schema: recorded("perf_schema"), dumps };
        let mut job = Job::new(Box::new(collector), Arc::new(Naming::new("servers", "testhost")));
        let mut found = BTreeMap::new();
        for monotonic in [Duration::ZERO, Duration::from_secs_f64(elapsed)] {
            found.clear();
            let report = job.measure(Slot { time: Timestamp::from_secs(0), monotonic }, |ready| {
                found.insert(ready.name.to_owned(), ready.value.trim().to_owned());
            });
            assert_eq!(report.state, crate::State::Works);
        }
        found
    }
}

fn compare(daemon: &str, found: &BTreeMap<String, String>, expected: &str, tally: &mut Tally) {
    let mut seen = 0;
    for (name, value) in expected.lines().filter_map(|line| line.split_once(' ')) {
        seen += usize::from(found.contains_key(name));
        tally.check(
            name,
            match found.get(name) {
                Some(found) if found == value => Ok(()),
                Some(found) => Err(format!("expected {value}, found {found}")),
                None => Err("is missing".to_owned()),
            },
        );
    }
    tally.check(
        &format!("{daemon}: no other lines"),
        match found.len() - seen {
            0 => Ok(()),
            more => Err(format!("{more} lines are not expected")),
        },
    );
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
