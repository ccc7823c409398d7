//! Dashboards as their users meet them: the command line, and boards that come with the program over real data.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::Value;

use crate::ceph_to_chart::{self, Cluster};
use crate::stack::{Plumbago, folder, path, run, wait_for};

/// What a host need not have: pressure and disks belong to the kernel and the container.
const OPTIONAL: [&str; 5] = [".pressure.", ".iostat.", ".diskspace.", ".network.", ".sockets."];

fn verb(folder: &Path, words: &[&str]) -> (i32, String, String) {
    let data = folder.join("data");
    run(&[&["dashboards"], words, &["--data", path(&data)]].concat())
}

#[test]
fn a_dashboard_is_saved_listed_shown_and_deleted() {
    let folder = folder();
    let _plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    let file = folder.path().join("mine.json");
    fs::write(&file, r#"{"title":"Mine","rows":[{"panels":[{"kind":"chart","targets":["a.b"]}]}]}"#).unwrap();
    let file = path(&file);

    let (code, out, fault) = verb(folder.path(), &["save", file]);
    assert_eq!((code, out.as_str()), (0, "saved mine\n"), "{fault}");
    let (_, listed, _) = verb(folder.path(), &["list"]);
    assert!(listed.lines().any(|line| line.starts_with("mine ") && line.ends_with("Mine")), "{listed}");
    assert!(listed.contains("ceph") && listed.contains("no data yet"), "{listed}");
    let (_, shown, _) = verb(folder.path(), &["show", "mine"]);
    let saved = fs::read_to_string(folder.path().join("data/dashboards/mine.json")).unwrap();
    assert_eq!(shown, saved, "it is a plain file");
    assert_eq!(run(&["dashboards", "check", file]).0, 0);
    assert_eq!(verb(folder.path(), &["delete", "mine"]).0, 0);
    let (code, _, fault) = verb(folder.path(), &["show", "mine"]);
    assert!(code != 0 && fault.contains("no dashboard"), "{fault}");
    assert_ne!(verb(folder.path(), &["save", file, "--name", "../x"]).0, 0);
}

#[test]
fn a_dashboard_of_grafana_is_imported_and_saved() {
    let folder = folder();
    let _plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    let file = folder.path().join("grafana.json");
    let text = r#"{"title":"Disks (old)","schemaVersion":27,"panels":[
        {"type":"timeseries","title":"A","targets":[{"refId":"A","target":"a.$x"}]},{"type":"heatmap","title":"B"}]}"#;
    fs::write(&file, text).unwrap();
    let (code, out, left_out) = run(&["dashboards", "import", path(&file)]);
    assert_eq!((code, left_out.contains("panel `B`")), (0, true), "{left_out}");
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["title"], "Disks (old)");
    let (code, out, fault) = verb(folder.path(), &["import", path(&file), "--save"]);
    assert_eq!((code, out.as_str()), (0, "saved disks-old\n"), "{fault}");
    assert!(fault.contains("no variable `x`"), "{fault}");
    fs::write(&file, "{\"title\":").unwrap();
    let (code, _, fault) = run(&["dashboards", "check", path(&file)]);
    assert_ne!((code, fault.contains("mistakes")), (0, false), "{fault}");
}

/// All targets of a dashboard, with the value that its variable has here.
fn targets(plumbago: &Plumbago, name: &str, variable: &str, value: &str) -> Vec<String> {
    let board = plumbago.json(&format!("/dashboards/{name}"));
    let rows = board["rows"].as_array().unwrap().iter();
    let panels = rows.flat_map(|row| row["panels"].as_array().unwrap());
    let texts = panels.flat_map(|panel| {
        let plain = panel["targets"].as_array().into_iter().flatten();
        plain.chain(panel["columns"].as_array().into_iter().flatten().map(|column| &column["target"]))
    });
    texts.map(|text| text.as_str().unwrap().replace(&format!("${variable}"), value)).collect()
}

/// The targets that give no value yet. Each must be answered.
fn silent(plumbago: &Plumbago, targets: &[String]) -> Vec<String> {
    let is_silent = |target: &&String| {
        let escaped: String = target.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let series = plumbago.json(&format!("/render?from=-30min&format=json&noCache=1&target={escaped}"));
        let points = series.as_array().unwrap().iter().flat_map(|series| series["datapoints"].as_array().unwrap());
        points.clone().all(|point| point[0].is_null())
    };
    targets.iter().filter(is_silent).cloned().collect()
}

fn all_give_data(plumbago: &Plumbago, mut waiting: Vec<String>, mut meanwhile: impl FnMut()) {
    wait_for("data for every target", || {
        meanwhile();
        waiting = silent(plumbago, &waiting);
        if !waiting.is_empty() {
            eprintln!("no data yet: {waiting:#?}");
        }
        waiting.is_empty().then_some(())
    });
}

#[test]
fn every_target_of_the_boards_of_hosts_and_of_plumbago_gives_data() {
    let folder = folder();
    let config = folder.path().join("plumbago.toml");
    fs::write(
        &config,
        "[carbon]\nmax-wait = \"1s\"\nreport-interval = \"1s\"\nhost = \"here\"\n\
         [agent]\ninterval = \"1s\"\nhost = \"web01\"\n",
    )
    .unwrap();
    let plumbago = Plumbago::up(folder.path(), &["--config", path(&config)]);
    let mut all = targets(&plumbago, "hosts", "host", "");
    all.extend(targets(&plumbago, "host", "host", "web01"));
    all.extend(targets(&plumbago, "plumbago", "node", "here"));
    let (optional, sure): (Vec<_>, Vec<_>) =
        all.into_iter().partition(|target| OPTIONAL.iter().any(|part| target.contains(part)));
    assert!(sure.len() > 40, "{sure:#?}");
    // A reason shows only while something is refused for it.
    all_give_data(&plumbago, sure, || plumbago.send("a.b nonsense 1\n"));
    silent(&plumbago, &optional);
    let listed = plumbago.json("/dashboards");
    let has_data = |name: &str| {
        let entries = listed["dashboards"].as_array().unwrap();
        entries.iter().find(|entry| entry["name"] == name).unwrap()["data"].as_bool()
    };
    assert_eq!(["ceph", "host", "hosts", "plumbago"].map(has_data), [false, true, true, true].map(Some));
}

#[test]
fn every_target_of_the_board_of_ceph_gives_data() {
    if ceph_to_chart::absent() {
        return;
    }
    let cluster = Cluster::with_manager(28_000);
    let folder = folder();
    let config = folder.path().join("plumbago.toml");
    let root = path(cluster.folder.path());
    let text = format!(
        "[agent]\ninterval = \"1s\"\n[collectors.ceph]\nsockets = [\"{root}/run/*.asok\"]\nconf = \"{root}/ceph.conf\"\n\
         user = \"client.admin\"\ncommand-interval = \"2s\"\n"
    );
    fs::write(&config, text).unwrap();
    let plumbago = Plumbago::up(folder.path(), &["--config", path(&config)]);
    let all = targets(&plumbago, "ceph", "cluster", "ceph");
    wait_for("both daemons", || (!plumbago.points("ceph.ceph.osd.0.up").is_empty()).then_some(()));
    cluster.run("load");
    // A flag is a failing check, without which nothing is told of checks.
    let flagged = Command::new("ceph").args(["-c", &format!("{root}/ceph.conf"), "osd", "set", "noout"]).status();
    assert!(flagged.unwrap().success());
    all_give_data(&plumbago, all, || {});
}
