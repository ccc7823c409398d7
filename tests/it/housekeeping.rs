//! Series are deleted and renamed while points arrive; a kill brings nothing back and loses nothing.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixStream;

use serde_json::{Value, json};

use crate::stack::{Plumbago, folder, now, path, run, wait_for};

/// Asks the admin socket of a daemon whose data lie below `folder`.
fn ask(folder: &std::path::Path, verb: &str, wish: Value) -> (u16, Value) {
    let mut stream = UnixStream::connect(folder.join("data/admin.sock")).unwrap();
    let body = wish.to_string();
    write!(stream, "POST /admin/series/{verb} HTTP/1.0\r\nContent-Length: {}\r\n\r\n{body}", body.len()).unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), serde_json::from_str(body).unwrap())
}

fn names(up: &Plumbago, query: &str) -> Vec<String> {
    let found = up.json(&format!("/metrics/expand?query={query}&leavesOnly=1"));
    found["results"].as_array().unwrap().iter().map(|name| name.as_str().unwrap().to_owned()).collect()
}

/// Waits until the journal has brought to disk what came in.
fn all_safe(up: &Plumbago) {
    wait_for("the journal", || (up.json("/health")["journal"]["unsynced-bytes"] == 0).then_some(()));
}

#[test]
fn a_deleted_series_stays_away_after_a_kill_until_new_points_arrive() {
    let folder = folder();
    let up = Plumbago::up(folder.path(), &["--no-agent"]);
    let line = |name: &str, value: u32| format!("{name} {value} {}\n", now());
    up.send(&(line("old.flushed", 1) + &line("keep.a", 1)));
    up.get("/flush");
    up.send(&(line("old.flushed", 2) + &line("old.waiting", 2) + &line("old.tagged;dc=a", 3) + &line("keep.a", 2)));

    let (status, shown) = ask(folder.path(), "delete", json!({ "query": "old.*", "dry_run": true }));
    assert_eq!((status, &shown["series"]), (200, &json!(["old.flushed", "old.waiting"])));
    assert_eq!(ask(folder.path(), "delete", json!({ "query": "old.*", "expect": 3 })).0, 409);
    assert_eq!(up.points("old.waiting").len(), 1, "and the answer is kept for others");
    let (status, told) = ask(folder.path(), "delete", json!({ "query": "old.*", "expect": 2 }));
    assert_eq!((status, &told["deleted"]), (200, &json!(2)));
    assert_eq!(ask(folder.path(), "delete", json!({ "expr": ["dc=a"] })).1["deleted"], 1);
    let gone = |up: &Plumbago| {
        assert_eq!(names(up, "*.*"), ["keep.a"]);
        assert!(up.points("old.waiting").is_empty());
        assert_eq!(up.json("/tags/findSeries?expr=dc%3Da"), json!([]));
        assert!(!folder.path().join("data/whisper/old").exists());
    };
    gone(&up);
    all_safe(&up);
    up.signal("-KILL");
    up.ended();

    let up = Plumbago::up(folder.path(), &["--no-agent"]);
    wait_for("the index of tags", || (up.json("/tags/findSeries?expr=dc%3Da") == json!([])).then_some(()));
    up.get("/flush");
    gone(&up);
    assert_eq!(up.points("keep.a").last().map(|(_, value)| *value), Some(2.0));
    up.send(&(line("old.waiting", 9) + &line("old.tagged;dc=a", 9)));
    assert_eq!(names(&up, "old.*"), ["old.waiting"]);
    wait_for("the tagged one", || {
        (up.json("/tags/findSeries?expr=dc%3Da") == json!(["old.tagged;dc=a"])).then_some(())
    });
    assert_eq!(up.points("old.waiting").len(), 1, "nothing of before");
    assert!(up.terminate().success());
}

#[test]
fn a_renamed_series_brings_its_points_along_also_over_a_kill() {
    let folder = folder();
    let up = Plumbago::up(folder.path(), &["--no-agent"]);
    let begun = now() - 120;
    up.send(&format!("web01.cpu 1 {begun}\nweb01.disk.sda 5 {begun}\nweb02.cpu 1 {begun}\n"));
    up.get("/flush");
    up.send(&format!("web01.cpu 2 {}\n", begun + 60));
    let wish = json!({ "query": "web01.**", "search": r"^web01\.(.*)", "replace": r"db01.\1.x" });
    let mut dry = wish.clone();
    dry["dry_run"] = true.into();
    assert_eq!(ask(folder.path(), "rename", dry).1["series"][0], json!({ "from": "web01.cpu", "to": "db01.cpu.x" }));
    assert_eq!(ask(folder.path(), "rename", json!({ "from": "web01.cpu", "to": "web02.cpu" })).0, 409);
    assert_eq!(ask(folder.path(), "rename", wish).1["renamed"], 2);
    up.send(&format!("web01.cpu 3 {}\n", begun + 90));
    let values = |up: &Plumbago, target| up.points(target).iter().map(|(_, value)| *value).collect::<Vec<_>>();
    let check = |up: &Plumbago| {
        assert_eq!(values(up, "db01.cpu.x"), [1.0, 2.0]);
        assert_eq!(values(up, "db01.disk.sda.x"), [5.0]);
        assert_eq!(values(up, "web01.cpu"), [3.0]);
        assert!(!folder.path().join("data/whisper/web01/disk").exists());
    };
    check(&up);
    all_safe(&up);
    up.signal("-KILL");
    up.ended();
    let up = Plumbago::up(folder.path(), &["--no-agent"]);
    check(&up);
    up.get("/flush");
    check(&up);
    assert!(up.terminate().success());
}

#[test]
fn the_verbs_show_first_and_change_when_told_to() {
    let folder = folder();
    let data = folder.path().join("data");
    let up = Plumbago::start(folder.path(), &["carbon", "--data", path(&data), "--plaintext", "127.0.0.1:0"]);
    assert_eq!(fs::metadata(data.join("admin.sock")).unwrap().permissions().mode() & 0o777, 0o600);
    up.send(&format!("a.b 1 {0}\na.c 1 {0}\n", now()));
    let verb = |arguments: &[&str]| run(&[&["series"], arguments, &["--data", path(&data)]].concat());
    assert_eq!(verb(&["list", "a.*"]).1, "a.b\na.c\n");
    assert!(verb(&["delete", "a.b"]).1.contains("1 series; nothing was deleted"));
    assert_eq!(verb(&["rename", "a.c", "x.y", "--yes"]).1, "a.c\nrenamed 1 series\n");
    assert!(verb(&["rename", "a.b", "x.y", "--yes"]).2.contains("already"));
    assert_eq!(verb(&["delete", "a.b", "--yes"]).1, "a.b\ndeleted 1 series\n");
    assert_eq!(verb(&["list", "**"]).1, "x.y\n");
    assert!(verb(&["delete", ""]).2.contains("empty"));
    assert!(up.terminate().success());
    assert!(!data.join("admin.sock").exists());
    assert!(verb(&["list", "a.*"]).2.contains("no daemon answers"));
}

#[test]
fn a_token_opens_what_loopback_alone_does_not() {
    let folder = folder();
    let tokens = folder.path().join("tokens");
    fs::write(&tokens, "0123456789abcdef\n").unwrap();
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o600)).unwrap();
    let config = folder.path().join("config.toml");
    fs::write(&config, format!("[http]\ntoken-file = {tokens:?}\n")).unwrap();
    let up = Plumbago::up(folder.path(), &["--no-agent", "--config", path(&config)]);
    let post = |path: &str, headers: &[(&str, &str)]| {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let request = agent.post(format!("{}{path}", up.http.as_ref().unwrap()));
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.send(r#"{"query": "a.*"}"#).unwrap().status().as_u16()
    };
    assert_eq!(post("/admin/series/list", &[]), 401);
    assert_eq!(post("/admin/series/list", &[("authorization", "Bearer 0123456789abcdeX")]), 401);
    assert_eq!(post("/admin/series/list", &[("authorization", "Bearer 0123456789abcdef")]), 200);
    assert_eq!(post("/flush", &[("host", "evil.example")]), 401);
    assert_eq!(post("/flush", &[("sec-fetch-site", "cross-site")]), 401);
    fs::set_permissions(&tokens, fs::Permissions::from_mode(0o644)).unwrap();
    assert_eq!(post("/admin/series/list", &[("authorization", "Bearer 0123456789abcdef")]), 403);
    drop(up);
    let (code, _, error) = run(&["config", "check", path(&config)]);
    assert!(code != 0 && error.contains("chmod o-rwx"), "{error}");
}
