//! What an agent would send, where one metric comes from, and what a configuration means, all without sending anything.

use std::fs;

use crate::stack::{folder, path, run};

/// A configuration whose host is a folder with one file of the kernel.
fn host() -> (tempfile::TempDir, String) {
    let folder = folder();
    fs::create_dir(folder.path().join("proc")).unwrap();
    fs::write(folder.path().join("proc/meminfo"), "MemTotal: 8 kB\nMemAvailable: 2 kB\n").unwrap();
    fs::write(folder.path().join("proc/vmstat"), "pgfault 70\n").unwrap();
    let config = folder.path().join("plumbago.toml");
    let schemas = folder.path().join("schemas.conf");
    fs::write(&schemas, "[all]\npattern = ^servers\nretentions = 60s:1d\n").unwrap();
    let text = format!(
        "[store]\nschemas = {schemas:?}\n[agent]\nhost = \"h\"\nroot = {:?}\n[collectors.memory]\ninterval = \"60s\"\n\
         [collectors.uptime]\nenabled = false\n",
        folder.path()
    );
    fs::write(&config, text).unwrap();
    (folder, path(&config).to_owned())
}

#[test]
fn once_prints_what_would_be_sent_with_units() {
    let (_folder, config) = host();
    let (code, printed, said) = run(&["agent", "once", "--config", &config, "--gap", "10ms"]);
    assert_eq!(code, 0, "{said}");
    let lines: Vec<Vec<&str>> = printed.lines().map(|line| line.split_whitespace().collect()).collect();
    let line = |name: &str| lines.iter().find(|line| line[0] == name).unwrap_or_else(|| panic!("{name}: {printed}"));
    assert_eq!(line("servers.h.memory.MemTotal")[1], "8192");
    assert_eq!(line("servers.h.memory.MemTotal")[3], "bytes");
    assert_eq!(line("servers.h.memory.MemUsedPercentage")[3], "percent");
    assert_eq!(line("servers.h.vmstat.pgfault").len(), 3, "a plain number");

    let (_, printed, _) =
        run(&["agent", "once", "--config", &config, "--gap", "10ms", "--collector", "memory", "--plain"]);
    assert!(printed.lines().all(|line| line.contains(".memory.") && line.split(' ').count() == 3), "{printed}");
    let (code, _, said) = run(&["agent", "once", "--config", &config, "--collector", "memry"]);
    assert_ne!(code, 0);
    assert!(said.contains("[collectors.memry]: there is no such collector"), "{said}");
}

#[test]
fn explain_tells_source_field_formula_and_readings() {
    let (_folder, config) = host();
    let explain = |name: &str| run(&["agent", "explain", "--config", &config, "--gap", "10ms", name]);
    let (code, printed, _) = explain("servers.h.vmstat.pgfault");
    assert_eq!(code, 0);
    for expected in ["/proc/vmstat", "line `pgfault`", "(new - old) / seconds = (70 - 70) / 0.0", "70 (B64 counter)"] {
        assert!(printed.contains(expected), "{expected} is not in {printed}");
    }
    let (_, printed, _) = explain("servers.h.memory.MemUsedPercentage");
    assert!(printed.contains("100 x (MemTotal - MemAvailable) / MemTotal"), "{printed}");
    let (_, printed, _) = explain("servers.h.iostat.sda.iops");
    assert!(printed.contains("this host does not give it now"), "{printed}");
    let (code, _, said) = explain("servers.h.uptime.minutes");
    assert_ne!(code, 0, "the collector is off");
    assert!(said.contains("agent once"), "{said}");
}

#[test]
fn config_check_counts_names_and_finds_intervals_that_fit_no_archive() {
    let (_folder, config) = host();
    let (code, printed, said) = run(&["config", "check", &config]);
    assert_eq!(code, 0, "{said}");
    assert!(printed.contains("memory 3, "), "{printed}");
    let misfit = "vmstat runs each 10 s and the archives of 1 of its names have steps of 60 s, so only the last point";
    assert!(printed.contains(misfit), "{printed}");
    assert!(!printed.contains("memory runs"), "{printed}");
    let (_, printed, _) = run(&["config", "check", &config, "--names"]);
    assert!(printed.contains("name: servers.h.vmstat.pgfault\n"), "{printed}");
}
