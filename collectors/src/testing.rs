//! What the tests of the collectors share: a host made of recorded files, and the points of one run.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use golden::peer;
use whisper::Timestamp;

use crate::{COLLECTORS, Collector, Compat, Fail, Out, Sample, Site, Slot, Value};

/// The folder `path` below `collectors/src`.
pub(crate) fn fixture(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src").join(path)
}

/// The collector `name` with `options` as TOML, looking at the host below `root`.
#[track_caller]
pub(crate) fn collector(name: &str, root: &Path, options: &str) -> Box<dyn Collector> {
    let entry = COLLECTORS.iter().find(|entry| entry.name == name).expect("a name of the table");
    (entry.build)(&Site::below(root), toml::from_str(options).unwrap()).unwrap()
}

/// The same, which follows Diamond.
#[track_caller]
pub(crate) fn like_diamond(name: &str, root: &Path, options: &str) -> Box<dyn Collector> {
    let entry = COLLECTORS.iter().find(|entry| entry.name == name).expect("a name of the table");
    let site = Site::below(root).with(Compat::Diamond);
    (entry.build)(&site, toml::from_str(options).unwrap()).unwrap()
}

/// The slot `secs` seconds after the first.
pub(crate) fn slot(secs: u32) -> Slot {
    Slot { time: Timestamp::from_secs(1_700_000_000 + secs), monotonic: Duration::from_secs(secs.into()) }
}

/// The samples of one run by name.
#[track_caller]
pub(crate) fn collect(collector: &mut dyn Collector, secs: u32) -> BTreeMap<String, Sample> {
    try_collect(collector, secs).unwrap_or_else(|fail| panic!("{fail}"))
}

/// As [`collect`], for a run that may fail.
pub(crate) fn try_collect(collector: &mut dyn Collector, secs: u32) -> Result<BTreeMap<String, Sample>, Fail> {
    let mut out = Out::default();
    out.begin(slot(secs));
    collector.run(slot(secs), &mut out)?;
    let count = out.len();
    let samples: BTreeMap<_, _> = out.samples().map(|(name, sample)| (name.to_owned(), *sample)).collect();
    assert_eq!(samples.len(), count, "a name was published twice");
    let entry = COLLECTORS.iter().find(|entry| entry.name == collector.spec().name).expect("it is in the table");
    let unknown = samples.keys().find(|name| entry.origin(name).is_none());
    assert_eq!(unknown, None, "{}/names.txt does not say where it comes from", entry.name);
    Ok(samples)
}

/// The value as one number: a gauge as it is, a counter's reading.
pub(crate) fn raw(sample: &Sample) -> f64 {
    match sample.value {
        Value::Gauge(value) | Value::Total(value) | Value::Growth(value) => value,
        Value::Counter { raw, .. } => raw as f64,
        Value::Avg { sum, .. } | Value::Mean { sum, .. } => sum,
        Value::SumOf(count) => f64::from(count),
    }
}

/// Compares the readings of one run with those that Diamond took from the same input, in the file `expected`. Names that
/// begin as one of `differ` are known to be others; whatever else one of us has and the other has not is an error.
#[track_caller]
pub(crate) fn agrees_with_diamond(collector: &mut dyn Collector, expected: &Path, differ: &[&str]) {
    let mut samples = collect(collector, 0);
    let known = |name: &str| differ.iter().any(|begin| name.starts_with(begin));
    for line in fs::read_to_string(expected).unwrap().lines() {
        let (name, value) = line.split_once(' ').unwrap();
        let found = samples.remove(name);
        if !known(name) {
            let found = found.unwrap_or_else(|| panic!("Diamond has {line}"));
            let value: f64 = value.parse().unwrap();
            assert!((raw(&found) - value).abs() <= 1e-9 * value.abs(), "{line}, we have {found:?}");
        }
    }
    samples.retain(|name, _| !known(name));
    assert!(samples.is_empty(), "Diamond does not have {:?}", samples.keys());
}

/// A service on this host that reads something from each peer, answers with `answer` and hangs up; gives its address.
pub(crate) fn serve(answer: Vec<u8>) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for mut peer in listener.incoming().map_while(Result::ok) {
            let _ = peer.read(&mut [0; 4096]);
            // A peer that has heard enough hangs up first.
            let _ = peer.write_all(&answer);
        }
    });
    address
}

/// A program that ends with the test.
pub(crate) struct Program(Child);

impl Program {
    /// Starts it in silence; says that the test is skipped when `part` is not installed.
    pub(crate) fn start(part: &str, command: &mut Command) -> Option<Program> {
        let started = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().map(Program);
        started.inspect_err(|error| peer::skip(part, &format!("{:?}: {error}", command.get_program()))).ok()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// The samples of the first run that succeeds, for a service that is starting.
#[track_caller]
pub(crate) fn collect_soon(collector: &mut dyn Collector) -> BTreeMap<String, Sample> {
    let until = Instant::now() + Duration::from_secs(30);
    loop {
        match try_collect(collector, 0) {
            Ok(samples) => return samples,
            Err(fail) => assert!(Instant::now() < until, "{fail}"),
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A host in a temporary folder, with `files` as (path, contents).
pub(crate) fn host(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, contents) in files {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, contents).unwrap();
    }
    folder
}
