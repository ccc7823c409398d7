//! The daemon is killed again and again while an agent sends to it: what the agent has measured is in the archives,
//! all of it, and nothing else.
//!
//! `PLUMBAGO_KILLS=200 cargo test --test it agent_kills` does it two hundred times; a few suffice by default.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::sync::mpsc::{self, Receiver};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use whisper::{Timestamp, Whisper};

use crate::stack::{Plumbago, folder, now, path, wait_for};

/// Lines of a file that the agent reads each second, beside what it knows of this host.
const SERIES: usize = 300;

/// Values by name and second.
type Points = BTreeMap<(String, u64), f64>;

#[test]
fn kills_of_the_daemon_leave_no_hole_in_what_an_agent_sends() {
    let kills: u64 = std::env::var("PLUMBAGO_KILLS").map_or(3, |count| count.parse().unwrap());
    let folder = folder();
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let schemas = folder.path().join("schemas.conf");
    fs::write(&schemas, format!("[all]\npattern = .*\nretentions = 1s:{}s\n", 1200 + kills * 15)).unwrap();
    let daemon = || {
        let data = folder.path().join("data");
        let (port, none) = (port.to_string(), "127.0.0.1:0");
        let listen = ["--plaintext", &port, "--http", none, "--schemas", path(&schemas)];
        let arguments = [&["carbon", "--data", path(&data)][..], &listen].concat();
        Plumbago::start(folder.path(), &arguments)
    };
    let mut carbon = daemon();
    let begun = now();
    let truth = TcpListener::bind("127.0.0.1:0").unwrap();
    let truth_at = truth.local_addr().unwrap();
    let configuration = configure(folder.path(), &port.to_string(), &truth_at.to_string());
    let agent = Plumbago::start(folder.path(), &["agent", "--config", path(&configuration)]);
    let told = listen(truth);

    let mut random = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    for _ in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // The life of a daemon is the subject here, and the sleep is its length.
        thread::sleep(Duration::from_millis(300 + (random >> 33) % 2700));
        carbon.signal("-KILL");
        drop(carbon);
        carbon = daemon();
    }
    assert!(agent.terminate().success());
    TcpStream::connect(truth_at).unwrap().write_all(END.as_bytes()).unwrap();
    let measured: Points = told.iter().map(|line| point(&line)).collect();
    wait_for("the flush", || (carbon.get("/flush").status == 200).then_some(()));
    assert!(carbon.terminate().success());

    let stored = stored(&folder.path().join("data/whisper/servers"), begun);
    let missing: Vec<_> = measured.iter().filter(|(key, _)| !stored.contains_key(key)).map(|(key, _)| key).collect();
    assert!(
        missing.is_empty(),
        "{} of {} are lost: {:?}",
        missing.len(),
        measured.len(),
        &missing[..missing.len().min(9)]
    );
    for (key, value) in &stored {
        assert_eq!(measured.get(key), Some(value), "{key:?} is not what was sent");
    }
    let seconds: std::collections::BTreeSet<_> = measured.keys().map(|(_, time)| time).collect();
    assert!(measured.len() > SERIES && !seconds.is_empty());
    println!("{kills} kills: {} points of {} seconds, all in the archives", measured.len(), seconds.len());
}

/// An agent that sends all it measures to the daemon and to the test.
fn configure(folder: &Path, daemon: &str, test: &str) -> std::path::PathBuf {
    let load = folder.join("load");
    fs::create_dir(&load).unwrap();
    let lines: String = (0..SERIES).map(|at| format!("n{at} {at}\n")).collect();
    fs::write(load.join("numbers"), lines).unwrap();
    let text = format!(
        "[store]\ndata = {:?}\n[agent]\nhost = \"h\"\ninterval = \"1s\"\nretry-first = \"100ms\"\nretry-most = \"400ms\"\n\
         [destination.daemon]\naddress = {daemon:?}\n[destination.test]\naddress = {test:?}\n\
         [collectors.files]\nenabled = true\ndirectory = {load:?}\n",
        folder.join("kept")
    );
    let file = folder.join("agent.toml");
    fs::write(&file, text).unwrap();
    file
}

/// What the test says when no more lines will come.
const END: &str = "end\n";

/// The lines that come until [`END`]. On a host that stands still the agent gives its connection up and begins another.
fn listen(listener: TcpListener) -> Receiver<String> {
    let (sender, lines) = mpsc::sync_channel(1 << 20);
    thread::spawn(move || {
        for peer in listener.incoming() {
            let (mut reader, mut line) = (BufReader::new(peer.unwrap()), String::new());
            while reader.read_line(&mut line).is_ok_and(|length| length > 0) {
                if line == END {
                    return;
                }
                // What a connection leaves half is told whole on the next one.
                if line.ends_with('\n') {
                    sender.send(line.trim_end().to_owned()).unwrap();
                }
                line.clear();
            }
        }
    });
    lines
}

fn point(line: &str) -> ((String, u64), f64) {
    let [name, value, time] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
    ((name.to_owned(), time.parse().unwrap()), value.parse().unwrap())
}

/// Every point of every archive below `tree`, whose series begin with `servers`.
fn stored(tree: &Path, begun: u64) -> Points {
    let mut found = Points::new();
    let mut folders = vec![(tree.to_owned(), "servers".to_owned())];
    while let Some((folder, prefix)) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("{prefix}.{}", path.file_stem().unwrap().to_str().unwrap());
            if path.is_dir() {
                folders.push((path, name));
                continue;
            }
            let until = Timestamp::from_secs(now() as u32);
            let file = Whisper::open_read_only(&path).unwrap();
            let fetched = file.fetch(Timestamp::from_secs(begun as u32 - 60), until, until).unwrap().unwrap();
            let times = (u64::from(fetched.from.secs())..).step_by(fetched.step.secs() as usize);
            found.extend(times.zip(fetched.values).filter_map(|(time, value)| Some(((name.clone(), time), value?))));
        }
    }
    found
}
