//! Options of carbon whose effect shows only in the whole program: how points are made safe, and how fast they are written.

use std::fs;
use std::time::Instant;

use crate::stack::{Plumbago, folder, now, path, wait_for};

/// The sum of a metric of `/metrics` over its labels.
fn metric(plumbago: &Plumbago, name: &str) -> f64 {
    let text = plumbago.get("/metrics").text();
    let values = text.lines().filter_map(|line| line.strip_prefix(name)?.rsplit_once(' '));
    values
        .filter(|(labels, _)| labels.is_empty() || labels.starts_with('{'))
        .map(|(_, v)| v.parse::<f64>().unwrap())
        .sum()
}

#[test]
fn with_sync_always_what_a_sender_sees_taken_survives_any_kill() {
    let folder = folder();
    let config = folder.path().join("plumbago.toml");
    fs::write(&config, "[journal]\nsync = \"always\"\n").unwrap();
    let arguments = ["--no-agent", "--config", path(&config)];
    for life in 0..3 {
        let plumbago = Plumbago::up(folder.path(), &arguments);
        let lines: String = (0..40).map(|series| format!("always.s{series} {life} {}\n", now() - 60 + life)).collect();
        // Returns when carbon has closed its side, so it has asked for more, so the lines before are safe.
        plumbago.send(&lines);
        assert_eq!(metric(&plumbago, "plumbago_journal_unsynced_bytes"), 0.0);
        assert!(metric(&plumbago, "plumbago_journal_sync_seconds_count") >= 1.0);
        plumbago.signal("-KILL");
    }
    let plumbago = Plumbago::up(folder.path(), &arguments);
    for series in [0, 17, 39] {
        let values: Vec<f64> = plumbago.points(&format!("always.s{series}")).iter().map(|point| point.1).collect();
        assert_eq!(values.last(), Some(&2.0), "{values:?}");
    }
    assert!(plumbago.terminate().success());
}

#[test]
fn updates_per_second_slow_the_writer_and_hide_nothing() {
    const RATE: f64 = 20.0;
    let folder = folder();
    let config = folder.path().join("plumbago.toml");
    fs::write(&config, format!("[carbon]\nupdates-per-second = {RATE}\nmax-wait = \"1s\"\n")).unwrap();
    let begun = Instant::now();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--config", path(&config)]);
    let lines: String = (0..60).map(|series| format!("slow.s{series} {series} {}\n", now() - 30)).collect();
    plumbago.send(&lines);
    let answer = plumbago.json("/render?target=sumSeries(slow.*)&from=-2min&format=json");
    let points = answer[0]["datapoints"].as_array().unwrap();
    assert!(points.iter().any(|point| point[0] == 1770.0), "all is seen while it waits: {answer}");
    wait_for("all of them to be written", || {
        let updates = metric(&plumbago, "plumbago_carbon_update_seconds_count");
        // A second's worth may go at once.
        assert!(updates <= RATE * (begun.elapsed().as_secs_f64() + 2.0), "{updates} updates");
        (updates >= 60.0).then_some(())
    });
    assert!(plumbago.terminate().success());
    assert!(folder.path().join("data/whisper/slow/s59.wsp").exists());
}
