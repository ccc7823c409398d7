//! What the tests of the collectors share: a host made of recorded files, and the points of one run.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use whisper::Timestamp;

use crate::{COLLECTORS, Collector, Fail, Out, Sample, Site, Slot, Value};

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
    Ok(samples)
}

/// The value as one number: a gauge as it is, a counter's reading.
pub(crate) fn raw(sample: &Sample) -> f64 {
    match sample.value {
        Value::Gauge(value) | Value::Total(value) => value,
        Value::Counter { raw, .. } => raw as f64,
        Value::Avg { sum, .. } => sum,
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
