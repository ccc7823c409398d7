//! Rules change while the daemon runs, and a mistake in them changes nothing.

use std::fs;

use crate::stack::{Plumbago, folder, now, path, run, wait_for};

fn number(plumbago: &Plumbago, name: &str) -> f64 {
    let text = plumbago.get("/metrics").text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' '));
    value.unwrap_or_else(|| panic!("{name} in {text}")).parse().unwrap()
}

#[test]
fn sighup_reads_schemas_anew_and_keeps_the_old_ones_when_they_are_broken() {
    let folder = folder();
    let schemas = folder.path().join("schemas.conf");
    let rule = |step: u32| format!("[all]\npattern = .*\nretentions = {step}s:1h\n");
    fs::write(&schemas, rule(1)).unwrap();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--schemas", path(&schemas), "--max-wait", "0s"]);
    let step = |name: &str| {
        plumbago.send(&format!("steps.{name} 1 {}\n", now()));
        let file = folder.path().join(format!("data/whisper/steps/{name}.wsp"));
        wait_for("the archive", || file.exists().then_some(()));
        let (code, printed, _) = run(&["whisper", "info", path(&file)]);
        assert_eq!(code, 0);
        let line = printed.lines().find_map(|line| line.strip_prefix("secondsPerPoint: ")).unwrap().to_owned();
        line.parse::<u32>().unwrap()
    };
    assert_eq!(step("first"), 1);

    // Nothing but a stop ends it.
    ["-USR1", "-USR2", "-ALRM", "-PIPE", "-IO"].iter().for_each(|signal| plumbago.signal(signal));

    fs::write(&schemas, rule(2)).unwrap();
    plumbago.signal("-HUP");
    wait_for("the new schemas", || (number(&plumbago, "plumbago_reloads_total") == 1.0).then_some(()));
    assert_eq!(step("second"), 2);

    fs::write(&schemas, "[all]\npattern = .*\nretentions = tomorrow\n").unwrap();
    plumbago.signal("-HUP");
    wait_for("the refusal", || (number(&plumbago, "plumbago_reload_failures_total") == 1.0).then_some(()));
    assert_eq!(number(&plumbago, "plumbago_reload_stale"), 1.0);
    assert_eq!(step("third"), 2);
    assert!(plumbago.log().contains("the old rules stay in force"), "{}", plumbago.log());

    fs::write(&schemas, rule(3)).unwrap();
    plumbago.signal("-HUP");
    wait_for("the mended schemas", || (number(&plumbago, "plumbago_reload_stale") == 0.0).then_some(()));
    assert_eq!(step("fourth"), 3);
    assert!(plumbago.terminate().success());
}

#[test]
fn a_changed_list_is_read_without_a_signal() {
    let folder = folder();
    let (config, list) = (folder.path().join("plumbago.toml"), folder.path().join("deny.conf"));
    fs::write(&list, "^bad\\.\n").unwrap();
    fs::write(&config, format!("[carbon]\ndeny-list = {list:?}\n")).unwrap();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--config", path(&config)]);
    let denied = || number(&plumbago, "plumbago_carbon_refused_total{reason=\"denied\"}");
    plumbago.send(&format!("bad.one 1 {0}\nworse.one 1 {0}\n", now()));
    assert_eq!(denied(), 1.0);
    fs::write(&list, "^bad\\.\n^worse\\.\n").unwrap();
    wait_for("the longer list", || (number(&plumbago, "plumbago_reloads_total") == 1.0).then_some(()));
    plumbago.send(&format!("worse.one 2 {}\n", now()));
    assert_eq!(denied(), 2.0);
}
