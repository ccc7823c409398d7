//! Rules change while the daemon runs, and a mistake in them changes nothing.

use std::fs;

use whisper::{Timestamp, Whisper};

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

#[test]
fn changed_schemas_reach_old_files_while_points_arrive() {
    const SERIES: u64 = 20;
    let folder = folder();
    let (config, schemas) = (folder.path().join("plumbago.toml"), folder.path().join("schemas.conf"));
    fs::write(&schemas, "[all]\npattern = ^old\nretentions = 1s:1h\n").unwrap();
    fs::write(&config, format!("[store]\nschemas = {schemas:?}\nmigrate-per-minute = 6000\n")).unwrap();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--config", path(&config), "--max-wait", "0s"]);
    let begin = now() - 1000;
    let send = |time: u64| {
        plumbago.send(&(0..SERIES).map(|series| format!("old.s{series} {time} {time}\n")).collect::<String>());
    };
    (begin..begin + 10).for_each(send);
    wait_for("the archives", || (plumbago.get("/flush").status == 200).then_some(()));

    fs::write(&schemas, "[all]\npattern = ^old\nretentions = 1s:2h,10s:1d\n").unwrap();
    plumbago.signal("-HUP");
    let mut time = begin + 10;
    wait_for("all files", || {
        // Enough of them to have writes in all moments of a migration.
        time = (time + 1).min(begin + 900);
        send(time);
        (number(&plumbago, "plumbago_store_migrated_total") == SERIES as f64).then_some(())
    });
    send(time + 1);
    wait_for("the rest", || (plumbago.get("/flush").status == 200).then_some(()));
    assert_eq!(number(&plumbago, "plumbago_store_migration_failures_total"), 0.0);
    assert!(plumbago.terminate().success());
    for series in 0..SERIES {
        let file = Whisper::open_read_only(folder.path().join(format!("data/whisper/old/s{series}.wsp"))).unwrap();
        assert_eq!(file.header().retentions().unwrap(), "1s:2h,10s:1d".parse().unwrap());
        let until = Timestamp::from_secs(now() as u32);
        let fetched = file.fetch(Timestamp::from_secs(begin as u32 - 1), until, until).unwrap().unwrap();
        let times: Vec<f64> = fetched.values.into_iter().flatten().collect();
        let expected: Vec<f64> = (begin..begin + 10).chain(begin + 11..=time + 1).map(|time| time as f64).collect();
        assert_eq!(times, expected, "old.s{series}");
    }
}

#[test]
fn a_raised_limit_lets_the_new_series_in_that_have_waited() {
    let folder = folder();
    let config = folder.path().join("plumbago.toml");
    let limit = |limit: u32| fs::write(&config, format!("[store]\ncreates-per-minute = {limit}\n")).unwrap();
    limit(3);
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--config", path(&config), "--max-wait", "0s"]);
    plumbago.send(&(0..10).map(|series| format!("new.s{series} 1 {}\n", now())).collect::<String>());
    wait_for("the limit", || (number(&plumbago, "plumbago_carbon_held_series") > 0.0).then_some(()));
    assert_eq!(plumbago.get("/health").status, 200);
    limit(0);
    plumbago.signal("-HUP");
    wait_for("all series", || (number(&plumbago, "plumbago_carbon_held_series") == 0.0).then_some(()));
    assert_eq!(fs::read_dir(folder.path().join("data/whisper/new")).unwrap().count(), 10);
    assert!(plumbago.terminate().success());
}
