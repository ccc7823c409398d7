//! An agent whose settings change, and one that is stopped or killed and started again: rates go on without a gap, a zero
//! or a spike.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::thread;

use crate::stack::{Plumbago, folder, path, wait_for};

/// The lines that came, by slot and name.
type Lines = Arc<Mutex<BTreeMap<u64, BTreeMap<String, f64>>>>;

/// Takes lines in from whoever connects.
fn receive() -> (String, Lines) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let (address, lines) = (listener.local_addr().unwrap().to_string(), Lines::default());
    let received = Arc::clone(&lines);
    thread::spawn(move || {
        for peer in listener.incoming().map_while(Result::ok) {
            for line in BufReader::new(peer).lines().map_while(Result::ok) {
                let [name, value, slot] = line.split(' ').collect::<Vec<_>>().try_into().unwrap();
                let (slot, value) = (slot.parse().unwrap(), value.parse().unwrap());
                let before = received.lock().unwrap().entry(slot).or_default().insert(name.to_owned(), value);
                assert!(before.is_none_or(|before| before == value), "{line} was {before:?} before");
            }
        }
    });
    (address, lines)
}

/// A host of our own with one counter, whose file is complete at every moment.
fn count(host: &Path, count: u64) {
    fs::create_dir_all(host.join("proc")).unwrap();
    fs::write(host.join("proc/vmstat.new"), format!("pgfault {count}\n")).unwrap();
    fs::write(host.join("proc/uptime"), "100.0 100.0\n").unwrap();
    fs::rename(host.join("proc/vmstat.new"), host.join("proc/vmstat")).unwrap();
}

const COUNTER: &str = "servers.h.vmstat.pgfault";
const UPTIME: &str = "servers.h.uptime.minutes";

#[test]
fn rates_go_on_over_reloads_restarts_and_kills() {
    let folder = folder();
    let (host, config, data) = (folder.path().join("host"), folder.path().join("config"), folder.path().join("data"));
    let (address, lines) = receive();
    let write = |uptime: bool| {
        let text = format!(
            "[agent]\nhost = \"h\"\ninterval = \"1s\"\ndestination = {address:?}\nroot = {host:?}\n\
             [collectors.uptime]\nenabled = {uptime}\n"
        );
        fs::write(&config, text).unwrap();
    };
    let start = || Plumbago::start(folder.path(), &["agent", "--config", path(&config), "--data", path(&data)]);
    // The first slot from `since` on that has `name`, and what the counter gave there.
    let first = |name: &str, since: u64| {
        wait_for(name, || {
            let lines = lines.lock().unwrap();
            let (slot, values) = lines.range(since..).find(|(_, values)| values.contains_key(name))?;
            Some((*slot, values.get(COUNTER).copied()))
        })
    };
    let last = || lines.lock().unwrap().keys().next_back().copied().unwrap_or(0);

    count(&host, 1000);
    write(false);
    let agent = start();
    assert_eq!(first(COUNTER, 0).1, Some(0.0));
    assert!(!lines.lock().unwrap().values().any(|values| values.contains_key(UPTIME)));

    write(true);
    agent.signal("-HUP");
    assert_eq!(first(UPTIME, 0).1, Some(0.0), "the first run after the reload has its rate");
    fs::write(&config, "[agent]\ninterval = \"never\"\n").unwrap();
    agent.signal("-HUP");
    wait_for("the refusal", || agent.log().contains("the old settings stay in force").then_some(()));
    first(UPTIME, last() + 1);

    write(true);
    assert!(agent.terminate().success());
    let stopped = last();
    count(&host, 1500);
    let agent = start();
    let rate = first(UPTIME, stopped + 1).1.expect("the first run after the start has its rate");
    assert!(rate > 0.0 && rate <= 1000.0, "{rate}");

    agent.signal("-KILL");
    drop(agent);
    let killed = last();
    count(&host, 2000);
    let agent = start();
    // What was kept is of the stop before, and so is the time.
    let rate = first(UPTIME, killed + 1).1.expect("the first run after the kill has its rate");
    assert!(rate > 0.0 && rate <= 1000.0, "{rate}");
    fs::remove_file(data.join("agent/readings.1")).unwrap();
    assert!(agent.terminate().success());
}
