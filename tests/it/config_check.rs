//! A configuration is checked as a whole, and the default one is a manual that loads.

use std::fs;
use std::process::Command;

use crate::stack::{folder, path, run};

#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let folder = folder();
    let file = folder.path().join("plumbago.toml");
    fs::write(&file, text).unwrap();
    let (code, _, said) = run(&["config", "check", path(&file)]);
    assert_ne!(code, 0, "accepted: {text}");
    for word in expected {
        assert!(said.contains(word), "{word:?} is not in {said:?}");
    }
}

#[test]
fn an_unknown_key_is_named() {
    refused("[carbon]\nplaintxt = [\"127.0.0.1:2003\"]\n", &["plaintxt"]);
    refused("[carbn]\n", &["carbn"]);
    refused("[collectors.cpu]\npercoer = true\n", &["percoer"]);
    refused("[collectors.cpuu]\n", &["cpuu"]);
}

#[test]
fn a_half_written_file_is_refused_with_its_line() {
    refused("[carbon]\nplaintext = \"127.0", &["line 2"]);
}

#[test]
fn broken_rule_files_are_found() {
    let folder = folder();
    let schemas = folder.path().join("schemas.conf");
    fs::write(&schemas, "[x]\npattern = (\nretentions = 60s:1d\n").unwrap();
    let file = folder.path().join("plumbago.toml");
    fs::write(&file, format!("[store]\nschemas = {:?}\n", path(&schemas))).unwrap();
    let (code, _, said) = run(&["config", "check", path(&file)]);
    assert_ne!(code, 0);
    assert!(said.contains("schemas.conf"), "{said}");
}

#[test]
fn the_default_configuration_passes_its_own_check() {
    let (code, printed, _) = run(&["config", "default"]);
    assert_eq!(code, 0);
    let folder = folder();
    let file = folder.path().join("plumbago.toml");
    fs::write(&file, printed).unwrap();
    let (code, _, said) = run(&["config", "check", path(&file)]);
    assert_eq!(code, 0, "{said}");
}

#[test]
fn a_reader_who_leaves_early_is_no_fault() {
    let folder = folder();
    let file = folder.path().join("empty.toml");
    fs::write(&file, "").unwrap();
    for arguments in [&["config", "default"][..], &["config", "check", path(&file)], &["whisper", "--help"]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let run = Command::new(env!("CARGO_BIN_EXE_plumbago")).args(arguments).stdout(writer).output().unwrap();
        assert!(run.status.success() && run.stderr.is_empty(), "{arguments:?}: {run:?}");
    }
}

#[test]
fn an_imported_configuration_of_diamond_passes() {
    let folder = folder();
    let conf = "[server]\nhandlers = diamond.handler.graphite.GraphiteHandler, x.RRDHandler\n[handlers]\n[[GraphiteHandler]]\n\
        host = g\n[collectors]\n[[default]]\ninterval = 30\npath_suffix = rack1\n[[CPUCollector]]\nenabled = True\n\
        [[NtpdCollector]]\nenabled = True\n[[MemcachedCollector]]\nenabled = True\nhosts = a@localhost:11211, b:1\n";
    fs::write(folder.path().join("diamond.conf"), conf).unwrap();
    let file = folder.path().join("plumbago.toml");
    let (code, _, said) = run(&["agent", "import-diamond", path(folder.path()), "--output", path(&file)]);
    assert!(code == 0 && said.contains("RRDHandler"), "{said}");
    let (code, _, said) = run(&["config", "check", path(&file)]);
    assert_eq!(code, 0, "{said}\n{}", fs::read_to_string(&file).unwrap());
    let (code, _, said) = run(&["agent", "import-diamond", path(folder.path()), "--output", path(&file)]);
    assert!(code != 0 && said.contains("plumbago.toml"), "overwritten: {said}");
}
