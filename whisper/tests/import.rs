//! A round robin database, dumped by the real rrdtool, gives the same values as a Whisper file.

#![allow(clippy::unwrap_used, reason = "a test may stop where its input is not what it must be")]

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use whisper::{Timestamp, Whisper, tools};

const NOW: Timestamp = Timestamp::from_secs(1_749_996_000);

fn import(args: &[&str]) -> (u8, String, String) {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = tools::run("import", &args, NOW, &mut out, &mut err);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn an_imported_database_answers_as_rrdtool_does() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("new");
    let dump = golden::own("whisper/rrd/two.xml");
    let (code, out, err) = import(&["--destinationPath", folder.to_str().unwrap(), dump.to_str().unwrap()]);
    assert_eq!((code, err.as_str()), (0, ""), "{out}");
    let files = ["in", "out"].map(|source| Whisper::open(folder.join(format!("two_{source}.wsp"))).unwrap());
    assert!(out.contains("with archives: 60:30,300:24"), "{out}");
    let answers = fs::read_to_string(golden::own("whisper/rrd/two.fetch")).unwrap();
    let mut span = 0;
    let mut compared = 0;
    for line in answers.lines() {
        if let Some(secs) = line.strip_prefix("span ") {
            span = secs.parse().unwrap();
            continue;
        }
        let (time, values) = line.split_once(": ").unwrap();
        for (file, value) in files.iter().zip(values.split(' ')) {
            let value = Some(value.parse().unwrap_or(f64::NAN)).filter(|value: &f64| !value.is_nan());
            compared += check(file, span, time.parse().unwrap(), value);
        }
    }
    assert!(compared > 80, "{compared}");
}

/// rrdtool names a row by its end, Whisper by its begin. A row beyond the file's memory is not compared.
fn check(file: &Whisper, span: u32, end: u32, expected: Option<f64>) -> u32 {
    let from = Timestamp::from_secs(NOW.secs() - span);
    let fetched = file.fetch(from, NOW, NOW).unwrap().unwrap();
    let time = end - fetched.step.secs();
    let Some(index) = time.checked_sub(fetched.from.secs()) else { return 0 };
    let Some(value) = fetched.values.get((index / fetched.step.secs()) as usize) else { return 0 };
    let near = match (value, expected) {
        (Some(value), Some(expected)) => (value - expected).abs() < 1e-9,
        (value, expected) => value.is_none() && expected.is_none(),
    };
    assert!(near, "{} at {time}: {value:?} instead of {expected:?}", file.path().display());
    1
}

#[test]
fn what_is_no_dump_is_refused_and_nothing_is_made() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.xml");
    fs::write(&path, "<rrd><step>60</step></rrd>").unwrap();
    let (code, _, err) = import(&[path.to_str().unwrap()]);
    assert_eq!(code, 1);
    assert!(err.contains("rrdtool dump"), "{err}");
    assert!(!Path::new(&dir.path().join("x.wsp")).exists());
}
