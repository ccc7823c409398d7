//! Where the limit of open files is low: what is kept open only to be quicker gives way.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use crate::stack::{Plumbago, folder, now, path, wait_for};

/// A daemon that may have so many files open, and writes what it has after a second.
fn limited(folder: &Path, descriptors: usize) -> Plumbago {
    let config = folder.join("plumbago.toml");
    // Whoever asks stays for as long as a test may take.
    fs::write(&config, "[carbon]\nmax-wait = \"1s\"\n[http]\nheader-timeout = \"10m\"\n").unwrap();
    let mut shell = Command::new("sh");
    let limit = format!("ulimit -n {descriptors}; exec \"$0\" \"$@\"");
    shell.args(["-c", &limit, env!("CARGO_BIN_EXE_plumbago")]);
    let data = folder.join("data");
    let arguments = ["up", "--no-agent", "--data", path(&data), "--config", path(&config)];
    let listeners = ["--plaintext", "127.0.0.1:0", "--http", "127.0.0.1:0"];
    Plumbago::start_as(shell, folder, &[&arguments[..], &listeners].concat())
}

/// A number of `/metrics`.
fn metric(plumbago: &Plumbago, name: &str) -> usize {
    let text = plumbago.get("/metrics").text();
    let value = text.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(' ')).expect("it is there");
    value.parse::<f64>().unwrap() as usize
}

/// As [`limited`] with 600 descriptors, of which archives hold more than connections can do without.
fn full_of_archives(folder: &Path) -> Plumbago {
    let plumbago = limited(folder, 600);
    let open = || metric(&plumbago, "process_open_fds");
    let before = open();
    let lines: String = (0..330).map(|series| format!("open.s{series} 1 {}\n", now() - 30)).collect();
    plumbago.send(&lines);
    wait_for("archives to be kept open", || (open() >= before + 250).then_some(()));
    plumbago
}

const PEERS: usize = 400;

#[test]
fn archives_that_are_kept_open_give_way_to_senders() {
    let folder = folder();
    let plumbago = full_of_archives(folder.path());
    let mut peers: Vec<_> = (0..PEERS).map(|_| plumbago.sender()).collect();
    for (number, peer) in peers.iter_mut().enumerate() {
        writeln!(peer, "peer.p{number} {number} {}", now() - 30).unwrap();
    }
    wait_for("all peers to be heard", || {
        let answer = plumbago.json("/render?target=countSeries(peer.*)&from=-2min&format=json");
        let points = answer[0]["datapoints"].as_array()?;
        points.iter().any(|point| point[0] == PEERS as f64).then_some(())
    });
    drop(peers);
    assert!(plumbago.terminate().success());
}

#[test]
fn archives_that_are_kept_open_give_way_to_who_asks() {
    let folder = folder();
    let plumbago = full_of_archives(folder.path());
    let address = plumbago.http.as_ref().unwrap().strip_prefix("http://").unwrap();
    let mut peers: Vec<_> = (0..PEERS).map(|_| TcpStream::connect(address).unwrap()).collect();
    for peer in &mut peers {
        write!(peer, "GET /health HTTP/1.1\r\nHost: here\r\n\r\n").unwrap();
    }
    for peer in &mut peers {
        let mut begin = [0; 12];
        peer.set_read_timeout(Some(Duration::from_secs(30))).unwrap();
        peer.read_exact(&mut begin).expect("all are answered while all stay");
        assert_eq!(begin, *b"HTTP/1.1 200");
    }
    drop(peers);
    assert!(plumbago.terminate().success());
}

#[test]
fn more_series_than_descriptors_are_all_written() {
    const SERIES: usize = 500;
    let folder = folder();
    let plumbago = limited(folder.path(), 64);
    for age in [30, 20, 10] {
        let lines: String = (0..SERIES).map(|series| format!("few.s{series} 1 {}\n", now() - age)).collect();
        plumbago.send(&lines);
        let stored = SERIES * (40 - age as usize) / 10;
        wait_for("all to be stored", || {
            (metric(&plumbago, "plumbago_carbon_stored_points_total") >= stored).then_some(())
        });
    }
    let written = fs::read_dir(folder.path().join("data/whisper/few")).unwrap().count();
    assert_eq!(written, SERIES);
    assert!(plumbago.terminate().success());
}
