//! A tree is brought to the layouts that rules want: once, resumably, and not at all in a dry run.

#![allow(clippy::unwrap_used, reason = "a test may stop where its input is not what it must be")]

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use whisper::{CreateOptions, Point, Timestamp, Whisper, tools};

const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);

fn migrate(args: &[&str]) -> (u8, String, String) {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let rules = |schemas: &Path, _: Option<&Path>| -> Result<tools::Layouts, String> {
        let list = fs::read_to_string(schemas).map_err(|error| error.to_string())?;
        let retentions = list.trim().parse().map_err(|error: whisper::RetentionError| error.to_string())?;
        let wanted = tools::Wanted { retentions, settings: None };
        Ok(Box::new(move |metric| metric.starts_with("servers.").then(|| wanted.clone())))
    };
    let mut session =
        tools::Session { now: NOW, input: &mut std::io::empty(), out: &mut out, err: &mut err, rules: Some(&rules) };
    let code = tools::run_in("migrate", &args, &mut session);
    (code, String::from_utf8(out).unwrap(), String::from_utf8(err).unwrap())
}

#[test]
fn a_tree_is_migrated_once_and_what_no_rule_names_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (tree, rules) = (dir.path().join("tree"), dir.path().join("schemas"));
    fs::write(&rules, "10:360,60:1440").unwrap();
    for name in ["servers/a/load.wsp", "servers/b/load.wsp", "other.wsp"] {
        let path = tree.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        let mut file = Whisper::create(&path, &CreateOptions::new("10:60,60:60".parse().unwrap())).unwrap();
        file.update(Point { time: NOW, value: 4.5 }, NOW).unwrap();
    }
    fs::write(tree.join("servers/broken.wsp"), b"").unwrap();
    let (tree_arg, rules_arg) = (tree.to_str().unwrap(), rules.to_str().unwrap());
    let args = ["--schemas", rules_arg, tree_arg];

    let (code, out, _) = migrate(&[&args[..], &["--dry-run"]].concat());
    assert_eq!(code, 1, "the broken file is told");
    assert!(out.contains("servers.a.load: would become 10:360,60:1440 average 0.5"), "{out}");
    assert!(out.contains("1 as they should be, 0 with other settings, 2 with other archives, 1 failed"), "{out}");

    let (code, out, err) = migrate(&args);
    assert_eq!(code, 1, "{out}");
    assert!(err.contains("broken.wsp"), "{err}");
    let file = Whisper::open(tree.join("servers/b/load.wsp")).unwrap();
    assert_eq!(file.header().retentions().unwrap().to_string(), "10:360,60:1440");
    let ago = Timestamp::from_secs(NOW.secs() - 10);
    assert_eq!(file.fetch(ago, NOW, NOW).unwrap().unwrap().values, [Some(4.5)]);

    let (_, out, _) = migrate(&args);
    assert!(out.starts_with("3 as they should be, 0 with other settings, 0 with other archives, 1 failed"), "{out}");
}
