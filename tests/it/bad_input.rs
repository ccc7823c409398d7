//! What goes wrong gets one clear message, and everything else goes on.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::Stdio;

use crate::stack::{Plumbago, folder, now, path, program, run, wait_for};

#[test]
fn bad_lines_are_counted_and_good_ones_beside_them_are_stored() {
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    let time = now();
    let mut peer = plumbago.sender();
    peer.write_all(b"\xff\xfe\x00garbage\nnot.enough 1\nnan.value nan 1700000000\n").unwrap();
    peer.write_all(&[b'x'; 100_000]).unwrap();
    peer.write_all(format!("\n../../etc/passwd 1 {time}\na/b 1 {time}\nstill.here 7 {time}\n").as_bytes()).unwrap();
    drop(peer);

    let values = wait_for("the good line", || Some(plumbago.points("still.here")).filter(|points| !points.is_empty()));
    assert_eq!(values[0].1, 7.0);
    let health = plumbago.json("/health");
    let refused = health["carbon"]["refused"].as_object().expect("refusals by reason").clone();
    let count: u64 = refused.values().filter_map(serde_json::Value::as_u64).sum();
    assert_eq!(count, 6, "{refused:?}");
    assert!(!folder.path().join("etc").exists());
}

#[test]
fn a_wrong_query_is_told_where_it_is_wrong() {
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    for (query, hint) in [
        ("target=sumSerie(a.b)", "sumSeries"),
        ("target=scale(a.b", "position"),
        ("target=scale(constantLine(1),'x')", "scale"),
        ("target=a.b&from=yesterdayish", "yesterdayish"),
    ] {
        let answer = plumbago.get(&format!("/render?format=json&{query}"));
        assert_eq!(answer.status, 400, "{query}: {}", answer.text());
        assert!(answer.kind.starts_with("application/json"), "{query}: {}", answer.kind);
        let fault: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        assert!(fault["error"].is_string() && answer.text().contains(hint), "{query}: {}", answer.text());
    }
    assert_eq!(plumbago.get("/nowhere").status, 404);
    assert_eq!(plumbago.json("/render?target=nothing.here&format=json"), serde_json::json!([]));
    // As graphite-web, which looks at an argument when there is a series to use it on.
    assert_eq!(plumbago.json("/render?target=scale(nothing.here,'x')&format=json"), serde_json::json!([]));
}

#[test]
fn a_url_is_taken_as_people_type_it() {
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    plumbago.send(&format!("a.b 1 {}\n", now()));
    let mut peer = TcpStream::connect(plumbago.http.as_ref().unwrap().trim_start_matches("http://")).unwrap();
    peer.write_all(b"GET /render?target=alias(a.b,\"shed\")&from=-10min&format=json HTTP/1.0\r\n\r\n").unwrap();
    let mut answer = String::new();
    peer.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.0 200") && answer.contains("\"shed\""), "{answer}");
}

#[test]
fn a_damaged_file_hides_nothing_but_itself() {
    let folder = folder();
    let tree = folder.path().join("tree");
    fs::create_dir_all(tree.join("a")).unwrap();
    fs::write(tree.join("a/torn.wsp"), b"\0\0\0\x01 not a whisper file").unwrap();
    fs::write(tree.join("a/empty.wsp"), b"").unwrap();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--whisper", path(&tree)]);
    plumbago.send(&format!("a.whole 5 {0}\na.torn 6 {0}\n", now()));
    let answer = wait_for("the whole one", || {
        let answer = plumbago.json("/render?target=a.*&from=-10min&format=json");
        let whole = answer.as_array()?.iter().any(|series| series["target"] == "a.whole");
        whole.then_some(answer)
    });
    assert!(answer.to_string().contains("5.0"), "{answer}");
    let alone = plumbago.get("/render?target=a.empty&format=json");
    assert_eq!(alone.status, 422, "{}", alone.text());
    assert!(alone.text().contains("a.empty"), "{}", alone.text());
    assert!(plumbago.terminate().success());
}

#[test]
fn a_log_that_cannot_be_written_stops_nothing() {
    let folder = folder();
    let full = fs::File::options().write(true).open("/dev/full").unwrap();
    let data = folder.path().join("data");
    let mut child = program()
        .args(["up", "--no-agent", "--data", path(&data), "--plaintext", "127.0.0.1:0", "--http", "127.0.0.1:0"])
        .stdout(Stdio::piped())
        .stderr(full)
        .spawn()
        .unwrap();
    // Starting logs several lines; a program that dies of the first never says that it is ready.
    let mut printed = BufReader::new(child.stdout.take().unwrap()).lines();
    let ready = printed.any(|line| line.is_ok_and(|line| line == "ready"));
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(ready);
}

#[test]
fn a_port_that_is_taken_is_named() {
    let folder = folder();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let data = folder.path().join("data");
    for option in ["--plaintext", "--http"] {
        let other = if option == "--http" { "--plaintext" } else { "--http" };
        let (code, _, said) = run(&["up", "--no-agent", "--data", path(&data), option, &address, other, "127.0.0.1:0"]);
        assert_ne!(code, 0);
        assert!(said.contains(&address), "{said}");
    }
}

#[test]
fn a_data_directory_that_cannot_be_written_is_named() {
    let folder = folder();
    let file = folder.path().join("file");
    fs::write(&file, b"").unwrap();
    let data = file.join("data");
    let (code, _, said) =
        run(&["up", "--no-agent", "--data", path(&data), "--plaintext", "127.0.0.1:0", "--http", "127.0.0.1:0"]);
    assert_ne!(code, 0);
    assert!(said.contains(path(&data)), "{said}");
}
