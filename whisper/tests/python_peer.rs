//! The real Python whisper reads what we write, and we read what it writes.

#![allow(clippy::unwrap_used, reason = "a test may stop where its input is not what it must be")]

use std::path::Path;
use std::process::Command;

use whisper::{CreateOptions, Point, Seconds, Timestamp, Whisper};

const NOW: u32 = 1_750_000_000;

/// Whether python3 has whisper 1.1.10; says that the test is skipped, or fails where the peer is required.
fn python_is_here() -> bool {
    let version = "import importlib.metadata as m, whisper; print(m.version('whisper'))";
    let output = Command::new("python3").args(["-c", version]).output();
    if output.is_ok_and(|output| output.stdout.starts_with(b"1.1.10")) {
        return true;
    }
    let required = std::env::var("PLUMBAGO_REQUIRE").unwrap_or_default();
    assert!(!required.split(',').any(|peer| peer == "whisper"), "python3 has no whisper 1.1.10 (PLUMBAGO_REQUIRE)");
    println!("skipped: python3 has no whisper 1.1.10 (pip install whisper==1.1.10)");
    false
}

fn python(script: &str, path: &Path) -> String {
    let output = Command::new("python3").args(["-c", script]).arg(path).arg(NOW.to_string()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// `from until step` and the values as bits, one a line; `None` for gaps.
const FETCH: &str = "
import sys, struct, whisper
path, now = sys.argv[1], int(sys.argv[2])
for span in (60, 600, 3000, 7200, 86000):
    info, values = whisper.fetch(path, now - span, now, now)
    print(*info)
    for value in values:
        print(value if value is None else struct.pack('!d', value).hex())
";

fn fetch(path: &Path) -> String {
    let file = Whisper::open_read_only(path).unwrap();
    let mut text = String::new();
    for span in [60, 600, 3000, 7200, 86000] {
        let now = i64::from(NOW);
        let fetched = file.fetch_seconds(&Seconds { from: now - span, until: now, now, step: None }).unwrap().unwrap();
        text += &format!("{} {} {}\n", fetched.from, fetched.until, fetched.step);
        for value in fetched.values {
            text += &value.map_or("None\n".into(), |value| format!("{:016x}\n", value.to_bits()));
        }
    }
    text
}

fn points() -> Vec<Point> {
    (0..900)
        .filter(|at| at % 7 != 3)
        .map(|at| Point { time: Timestamp::from_secs(NOW - at * 11), value: f64::from(at) / 3.0 })
        .collect()
}

#[test]
fn python_whisper_reads_what_we_write() {
    if !python_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("ours.wsp");
    let mut file = Whisper::create(&path, &CreateOptions::new("10:1h,1min:6h,10min:1w".parse().unwrap())).unwrap();
    let now = Timestamp::from_secs(NOW);
    file.update_many(&points(), now).unwrap();
    file.update(Point { time: now, value: -0.0 }, now).unwrap();
    assert_eq!(python(FETCH, &path), fetch(&path));
}

#[test]
fn we_read_and_go_on_writing_what_python_whisper_writes() {
    if !python_is_here() {
        return;
    }
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("theirs.wsp");
    python(
        "
import sys, whisper
path, now = sys.argv[1], int(sys.argv[2])
whisper.create(path, [(10, 360), (60, 360), (600, 1008)])
whisper.update_many(path, [(now - at * 11, at / 3) for at in range(900) if at % 7 != 3], now)
",
        &path,
    );
    assert_eq!(python(FETCH, &path), fetch(&path));
    let now = Timestamp::from_secs(NOW);
    let mut file = Whisper::open_locked(&path).unwrap();
    let late: Vec<Point> = points().iter().map(|point| Point { value: point.value + 1.0, ..*point }).collect();
    file.update_many(&late[..400], now).unwrap();
    drop(file);
    assert_eq!(python(FETCH, &path), fetch(&path));
}

#[test]
fn we_read_the_files_that_python_whisper_left_here() {
    let folder = golden::own("whisper");
    let files = std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path());
    let files: Vec<_> = files.filter(|path| path.extension().is_some_and(|kind| kind == "wsp")).collect();
    assert!(files.len() > 10);
    for path in files {
        let file = Whisper::open_read_only(&path).unwrap();
        assert_eq!(file.header().verify(file.file_size().unwrap()), Ok(()), "{}", path.display());
    }
}
