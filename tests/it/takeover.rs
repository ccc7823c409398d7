//! One process takes the place of another while peers send: nobody is refused, and no line is lost or doubled.

use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering::Relaxed};
use std::thread;

use crate::stack::{Plumbago, folder, now, path, wait_for};

const SENDERS: u32 = 12;
const TAKEOVERS: u32 = 3;

/// Sends numbered lines until it is told to stop; each over the same connection, and some over fresh ones, too.
fn sender(number: u32, address: &str, stop: &AtomicBool, sent: &AtomicU32) -> u32 {
    let mut peer = TcpStream::connect(address).unwrap();
    let start = now() - 3000;
    let mut count = 0;
    while !stop.load(Relaxed) && count < 2900 {
        let line = format!("t.s{number} {count} {}\n", start + u64::from(count));
        let (first, rest) = line.as_bytes().split_at(line.len() / 2);
        peer.write_all(first).unwrap();
        thread::yield_now();
        peer.write_all(rest).unwrap();
        let mut fresh = TcpStream::connect(address).unwrap();
        fresh.write_all(format!("t.f{number} {count} {}\n", start + u64::from(count)).as_bytes()).unwrap();
        count += 1;
        sent.fetch_add(1, Relaxed);
        thread::park_timeout(std::time::Duration::from_millis(1));
    }
    count
}

fn start(folder: &Path, plaintext: &str, http: &str, more: &[&str]) -> Plumbago {
    let data = folder.join("data");
    let schemas = folder.join("schemas.conf");
    std::fs::write(&schemas, "[all]\npattern = .*\nretentions = 1s:2h\n").unwrap();
    let mut all = vec!["up", "--no-agent", "--data", path(&data), "--schemas", path(&schemas)];
    all.extend(["--plaintext", plaintext, "--http", http]);
    all.extend(more);
    Plumbago::start(folder, &all)
}

#[test]
fn takeovers_under_load_refuse_nobody_and_lose_nothing() {
    let folder = folder();
    let mut plumbago = start(folder.path(), "127.0.0.1:0", "127.0.0.1:0", &[]);
    let (plaintext, url) = (plumbago.plaintext.clone().unwrap(), plumbago.http.clone().unwrap());
    let http = url.strip_prefix("http://").unwrap().to_owned();
    let (stop, sent) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU32::new(0)));
    let senders: Vec<_> = (0..SENDERS)
        .map(|number| {
            let (address, stop, sent) = (plaintext.clone(), stop.clone(), sent.clone());
            thread::spawn(move || sender(number, &address, &stop, &sent))
        })
        .collect();
    for _ in 0..TAKEOVERS {
        let before = sent.load(Relaxed);
        wait_for("some lines", || (sent.load(Relaxed) > before + 10 * SENDERS).then_some(()));
        let successor = start(folder.path(), &plaintext, &http, &["--takeover"]);
        assert_eq!((successor.plaintext.as_deref(), successor.http.as_deref()), (Some(&*plaintext), Some(&*url)));
        assert!(std::mem::replace(&mut plumbago, successor).ended().success(), "its predecessor ends by itself");
    }
    stop.store(true, Relaxed);
    let counts: Vec<u32> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    for (number, count) in counts.iter().enumerate() {
        for kind in ["s", "f"] {
            wait_for("the last line", || {
                let answer = plumbago.json(&format!("/render?target=t.{kind}{number}&from=-100min&format=json"));
                let points = answer.get(0)?["datapoints"].as_array()?;
                let known: Vec<f64> = points.iter().filter_map(|point| point[0].as_f64()).collect();
                assert!(known.windows(2).all(|pair| pair[0] < pair[1]));
                (known.len() == *count as usize).then_some(())
            });
        }
    }
    assert!(plumbago.terminate().success());
    assert!(!folder.path().join("data/control.sock").exists());
}

#[test]
fn a_takeover_of_nobody_is_a_start() {
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--takeover"]);
    assert!(plumbago.log().contains("No daemon runs here"), "{}", plumbago.log());
    assert!(plumbago.terminate().success());
}

#[test]
fn a_successor_that_dies_half_way_leaves_the_daemon_at_work() {
    let folder = folder();
    let plumbago = Plumbago::up(folder.path(), &["--no-agent"]);
    let mut peer = plumbago.sender();
    peer.write_all(b"t.half ").unwrap();
    let mut control = std::os::unix::net::UnixStream::connect(folder.path().join("data/control.sock")).unwrap();
    control.write_all(b"plumbago takeover 1\n").unwrap();
    drop(control);
    wait_for("the daemon to go on", || plumbago.log().contains("this daemon goes on").then_some(()));
    peer.write_all(format!("7 {}\n", now()).as_bytes()).unwrap();
    wait_for("the line", || Some(plumbago.points("t.half")).filter(|points| points.len() == 1));
    assert!(plumbago.terminate().success());
}
