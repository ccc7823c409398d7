//! A line over TCP is visible at once, and in its file after the end.

use std::fs;
use std::io::Write;

use crate::stack::{Plumbago, folder, now, path, run, wait_for};

#[test]
fn a_sent_point_is_visible_at_once_and_in_its_archive_after_the_end() {
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    let time = now();
    plumbago.send(&format!("garden.shed.temperature 21.5 {time}\n"));

    let points = plumbago.points("garden.shed.temperature");
    assert_eq!(points.iter().map(|(_, value)| *value).collect::<Vec<_>>(), [21.5]);
    let found = plumbago.json("/metrics/find?query=garden.*");
    assert_eq!(found[0]["text"], "shed");

    assert!(plumbago.terminate().success());
    let file = folder.path().join("data/whisper/garden/shed/temperature.wsp");
    let from = (time - 600).to_string();
    let (code, printed, _) = run(&["whisper", "fetch", "--from", &from, path(&file)]);
    assert_eq!(code, 0);
    assert!(printed.contains("21.5"), "{printed}");
}

#[test]
fn every_point_accepted_before_sigterm_is_in_the_files() {
    const SERIES: usize = 500;
    const ROUNDS: u64 = 8;
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    let end = now() / 5 * 5;
    // The connection stays open, so these lines are in flight when the signal comes.
    let mut peer = plumbago.sender();
    for round in 0..ROUNDS {
        let time = end - 5 * (ROUNDS - 1 - round);
        let lines: String = (0..SERIES).map(|i| format!("load.series{i} {round} {time}\n")).collect();
        peer.write_all(lines.as_bytes()).unwrap();
    }
    assert!(plumbago.terminate().success());

    let tree = folder.path().join("data/whisper/load");
    let mut points = 0;
    for entry in fs::read_dir(tree).unwrap() {
        let file = entry.unwrap().path();
        let (code, printed, _) = run(&["whisper", "fetch", "--from", &(end - 60).to_string(), path(&file)]);
        assert_eq!(code, 0);
        points += printed.lines().filter(|line| !line.ends_with("None")).count();
    }
    assert_eq!(points, SERIES * ROUNDS as usize);
}

#[test]
fn a_tree_is_adopted_in_place_and_goes_on_after_a_restart() {
    let folder = folder();
    let tree = folder.path().join("graphite");
    let arguments = ["--no-agent", "--whisper", path(&tree)];
    let time = now();
    let first = Plumbago::up(folder.path(), &arguments);
    first.send(&format!("a.b 1 {}\n", time - 60));
    assert!(first.terminate().success());
    assert!(tree.join("a/b.wsp").exists(), "the archive lies in the adopted tree");

    let second = Plumbago::up(folder.path(), &arguments);
    second.send(&format!("a.b 2 {time}\n"));
    let values = wait_for("both points", || {
        let values: Vec<f64> = second.points("a.b").iter().map(|(_, value)| *value).collect();
        (values.len() == 2).then_some(values)
    });
    assert_eq!(values, [1.0, 2.0]);
}

#[test]
fn graphites_own_rules_shape_new_files() {
    let folder = folder();
    let (schemas, aggregation) = (folder.path().join("schemas.conf"), folder.path().join("aggregation.conf"));
    fs::write(&schemas, "[fast]\npattern = ^fast\\.\nretentions = 1s:1m,10s:1h\n").unwrap();
    fs::write(&aggregation, "[count]\npattern = \\.count$\nxFilesFactor = 0\naggregationMethod = sum\n").unwrap();
    let plumbago =
        Plumbago::up(folder.path(), &["--no-agent", "--schemas", path(&schemas), "--aggregation", path(&aggregation)]);
    plumbago.send(&format!("fast.requests.count 3 {0}\nslow.requests 4 {0}\n", now()));
    assert!(plumbago.terminate().success());

    let info = |name: &str| run(&["whisper", "info", path(&folder.path().join("data/whisper").join(name))]).1;
    let fast = info("fast/requests/count.wsp");
    assert!(fast.contains("aggregationMethod: sum") && fast.contains("secondsPerPoint: 10\n"), "{fast}");
    let slow = info("slow/requests.wsp");
    assert!(slow.contains("aggregationMethod: average") && slow.contains("secondsPerPoint: 60\n"), "{slow}");
}

#[test]
fn a_tagged_series_is_read_while_it_waits_and_when_it_is_written() {
    let folder = folder();
    let arguments = ["--no-agent", "--max-wait", "1h"];
    let plumbago = Plumbago::up(folder.path(), &arguments);
    plumbago.send("disk.used;mount=/var;host=a 7 -1\ndisk.used;mount=/;host=a 8 -1\n");
    let value = |plumbago: &Plumbago| {
        let points = plumbago.points("disk.used%3Bmount%3D/var%3Bhost%3Da");
        points.iter().map(|(_, value)| *value).collect::<Vec<_>>()
    };
    assert_eq!(value(&plumbago), [7.0]);
    assert!(plumbago.terminate().success());
    let plumbago = Plumbago::up(folder.path(), &arguments);
    assert_eq!(value(&plumbago), [7.0]);
}
