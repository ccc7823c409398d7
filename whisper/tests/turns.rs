//! Tools that change a file take turns with whoever holds its lock, as a running carbon does while it writes.

#![allow(clippy::unwrap_used, reason = "a test may stop where its input is not what it must be")]

use std::fs::{self, File};
use std::sync::mpsc::sync_channel;
use std::thread;
use std::time::Duration;

use whisper::{CreateOptions, Point, Timestamp, Whisper, tools};

const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);

fn run(verb: &str, args: &[&str]) -> u8 {
    let args: Vec<_> = args.iter().map(Into::into).collect();
    tools::run(verb, &args, NOW, &mut Vec::new(), &mut Vec::new())
}

#[test]
fn a_tool_waits_for_the_lock_and_writes_into_the_file_that_has_the_name_then() {
    let folder = tempfile::tempdir().unwrap();
    let (path, new, full) = (folder.path().join("a.wsp"), folder.path().join("new"), folder.path().join("full.wsp"));
    let options = CreateOptions::new("10s:1h".parse().unwrap());
    let point = |ago, value| Point { time: Timestamp::from_secs(NOW.secs() - ago), value };
    Whisper::create(&path, &options).unwrap();
    Whisper::create(&full, &options).unwrap().update(point(10, 2.5), NOW).unwrap();
    let (a, full) = (path.to_str().unwrap(), full.to_str().unwrap());
    for (verb, args) in [
        ("update", vec![a, "1750000000:1.5"]),
        ("set-xfilesfactor", vec![a, "0.25"]),
        ("set-aggregation-method", vec![a, "max"]),
        ("fill", vec![full, a]),
    ] {
        let held = File::open(&path).unwrap();
        held.lock().unwrap();
        let (done, is_done) = sync_channel(1);
        thread::scope(|scope| {
            scope.spawn(|| done.send(run(verb, &args)).unwrap());
            assert!(is_done.recv_timeout(Duration::from_millis(50)).is_err(), "{verb} did not wait");
            fs::copy(&path, &new).unwrap();
            fs::rename(&new, &path).unwrap();
            drop(held);
            assert_eq!(is_done.recv().unwrap(), 0, "{verb}");
        });
    }
    let file = Whisper::open_read_only(&path).unwrap();
    let values = file.fetch(Timestamp::from_secs(NOW.secs() - 20), NOW, NOW).unwrap().unwrap().values;
    assert_eq!(values, [Some(2.5), Some(1.5)]);
    assert_eq!(file.header().x_files_factor.as_f32(), 0.25);
    assert_eq!(file.header().method, whisper::AggregationMethod::Max);
}
