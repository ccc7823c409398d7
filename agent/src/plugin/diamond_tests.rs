//! Diamond's collectors under a real Python: some of our own in the old style, and Diamond's own files if
//! `PLUMBAGO_DIAMOND_COLLECTORS` names their folder.

use std::path::{Path, PathBuf};

use whisper::Interval;

use super::tests::Bench;
use super::{DiamondConfig, Home, Living, Share};

fn testdata(folder: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("diamond/testdata").join(folder)
}

/// The collectors in `folder` with these further settings, as the host h measures them; nothing without a Python 3.
fn bench(folder: &Path, settings: &str) -> Option<Bench> {
    start(&format!("collectors-path = [{:?}]\n{settings}", folder.to_str().unwrap()))
}

fn start(settings: &str) -> Option<Bench> {
    if std::process::Command::new("python3").arg("-V").output().is_err() {
        golden::peer::skip("python3", "it cannot be started");
        return None;
    }
    let config: DiamondConfig = toml::from_str(settings).unwrap();
    assert_eq!(config.problems(), Vec::<String>::new());
    let living = Living::default();
    let home = Home {
        host: "h",
        prefix: "servers",
        interval: Interval::from_secs(60).unwrap(),
        living: &living,
        share: Share::default(),
    };
    Some(Bench::of(config.build(home).unwrap(), living))
}

#[track_caller]
fn has(lines: &str, expected: &[&str]) {
    for line in expected {
        assert!(lines.lines().any(|found| found == *line), "{line:?} is not in\n{lines}");
    }
}

#[test]
fn collectors_in_the_old_language_run_as_they_are() {
    let Some(mut bench) = bench(&testdata("old"), "[collectors.OldstyleCollector]\nenabled = true") else { return };
    let (lines, failed) = bench.run();
    assert!(!failed, "{lines}");
    let expected = [
        "octal 420.0",
        "long 10.0",
        "division 3.0",
        "true_division 3.5",
        "keys 5",
        "raised 12",
        "exec 5",
        "backticks 3",
        "next 7",
        "pairs 9",
        "izip 11",
        "map 4",
        "sorted 1",
        "compared 1",
        "sort 3",
        "text 1",
        "program 2",
        "commands 3",
        "base64 8",
        "struct 513",
        "urlparse 81",
        "xml 4",
        "sibling 42",
        "round 3",
        "socket 2",
        "size_byte 4096",
        "size_kilobyte 4",
        "parser 6",
        "name_with_space 1",
    ];
    let expected: Vec<String> = expected.iter().map(|line| format!("servers.h.old.{line} 1700000060")).collect();
    has(&lines, &expected.iter().map(String::as_str).collect::<Vec<_>>());
    has(&lines, &["servers.h.agent.diamond.OldstyleCollector.success 1 1700000060"]);
    assert!(!lines.contains("no value"), "{lines}");
}

#[test]
fn rates_are_honest_unless_diamonds_are_asked_for() {
    let settings = "[collectors.CountingCollector]\nenabled = true";
    let Some(mut bench) = bench(&testdata("modern"), settings) else { return };
    let (lines, _) = bench.run();
    assert!(!lines.contains("counting.rate") && !lines.contains("counting.doubled"), "{lines}");
    has(
        &lines,
        &[
            "servers.h.counting.half 0.5 1700000060",
            "servers.h.counting.gauge 1000 1700000060",
            "servers.h.counting.other_time 1 1600000000",
            "instances.vm1.counting.one 1 1700000060",
        ],
    );
    let (lines, _) = bench.run();
    has(&lines, &["servers.h.counting.doubled 2000 1700000120"]);
    assert!(lines.contains("servers.h.counting.rate "), "{lines}");
}

#[test]
fn last_readings_outlive_the_process() {
    let settings = "[collectors.CountingCollector]\nenabled = true";
    let (Some(mut first), Some(mut second)) =
        (bench(&testdata("modern"), settings), bench(&testdata("modern"), settings))
    else {
        return;
    };
    first.run();
    second.follow(&first);
    // The new process begins to count at the same number.
    has(&second.run().0, &["servers.h.counting.rate 0 1700000060", "servers.h.counting.doubled 0 1700000060"]);
}

#[test]
fn diamonds_own_arithmetic_can_be_had() {
    let settings = "compat = \"diamond\"\n[collectors.CountingCollector]\nenabled = true";
    let Some(mut bench) = bench(&testdata("modern"), settings) else { return };
    let (lines, _) = bench.run();
    has(&lines, &["servers.h.counting.rate 0 1700000060", "servers.h.counting.half 0 1700000060"]);
    let (lines, _) = bench.run();
    has(&lines, &["servers.h.counting.rate 17 1700000120"]);
}

#[test]
fn one_that_fails_or_hangs_leaves_the_others_alone() {
    let settings = "interval = \"1s\"\n[collectors]\nCountingCollector.enabled = true\nFailingCollector.enabled = true\n\
        HangingCollector.enabled = true\nNoSuchCollector.enabled = true";
    let Some(mut bench) = bench(&testdata("modern"), settings) else { return };
    let lines = bench.run_until("counting.gauge 1000 ");
    has(&lines, &["servers.h.FailingCollector.before 1 1700000060"]);
    has(&lines, &["servers.h.agent.diamond.FailingCollector.success 0 1700000060"]);
    bench.run_until("counting.gauge 2000 ");
}

#[test]
fn diamonds_configuration_says_what_runs() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(folder.path().join(name), text).unwrap();
    std::fs::create_dir(folder.path().join("collectors.d")).unwrap();
    let at = folder.path().display();
    write(
        "diamond.conf",
        &format!(
            "# comment\n[server]\ncollectors_path = {}\ncollectors_config_path = {at}/collectors.d\n[collectors]\n\
         [[default]]\nhostname = \"other\" # by hand\npath_prefix = site, \n[[CountingCollector]]\nenabled = False\n\
         path_suffix = rack\n[[CPUCollector]]\nenabled = True\n",
            testdata("modern").display(),
        ),
    );
    write("collectors.d/CountingCollector.conf", "enabled = True\nmetrics_blacklist = 'ga.*'\npath_prefix = dc1\n");
    let settings = format!("config-path = {:?}", folder.path().join("diamond.conf").to_str().unwrap());
    let Some(mut bench) = start(&settings) else { return };
    let (lines, _) = bench.run();
    has(&lines, &["dc1.other.rack.counting.half 0.5 1700000060"]);
    assert!(!lines.contains("gauge") && !lines.contains("CPUCollector"), "{lines}");
}

#[test]
fn diamonds_own_collectors_load() {
    let Some(folder) = std::env::var_os("PLUMBAGO_DIAMOND_COLLECTORS") else { return };
    let files = [
        "CPUCollector",
        "MemoryCollector",
        "NetworkCollector",
        "DiskSpaceCollector",
        "DiskUsageCollector",
        "LoadAverageCollector",
        "VMStatCollector",
    ];
    let tables: String = files.iter().map(|name| format!("[collectors.{name}]\nenabled = true\n")).collect();
    let Some(mut bench) = bench(Path::new(&folder), &tables) else { return };
    let (lines, failed) = bench.run();
    assert!(!failed, "{lines}");
    for name in files {
        has(&lines, &[&format!("servers.h.agent.diamond.{name}.success 1 1700000060")]);
    }
    assert!(lines.contains("servers.h.memory.MemTotal ") && lines.contains("servers.h.loadavg.01 "), "{lines}");
}
