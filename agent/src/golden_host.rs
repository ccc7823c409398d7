//! Replays two recorded snapshots of `/proc` and compares with the lines that the real Diamond printed for the second.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use collectors::{Compat, Settings, Site, Slot};
use golden::Tally;
use whisper::Timestamp;

use crate::job::Job;
use crate::naming::Naming;

/// Collectors by the first part of their names; lines of others would be skipped.
const ROOTS: [(&str, &str); 15] = [
    ("cpu", "cpu"),
    ("memory", "memory"),
    ("vmstat", "vmstat"),
    ("procstat", "proc"),
    ("softirq", "softirq"),
    ("interrupts", "interrupts"),
    ("uptime", "uptime"),
    ("entropy", "entropy"),
    ("diskusage", "iostat"),
    ("network", "network"),
    ("tcp", "tcp"),
    ("udp", "udp"),
    ("ip", "ip"),
    ("sockstat", "sockets"),
    ("netstat", "netstat"),
];

/// Switches on what is off unless asked for.
const SETTINGS: &str = r#"
[network]
interfaces = ["eth", "lo"]
[interrupts]
enabled = true
[entropy]
enabled = true
[netstat]
enabled = true
"#;

#[test]
fn golden_host_collectors() {
    if let Some(folder) = golden::folder("host") {
        let mut tally = Tally::new("host");
        replay(&folder, Compat::Native, &mut tally);
        tally.finish();
        let mut tally = Tally::new("host-as-diamond");
        replay(&folder, Compat::Diamond, &mut tally);
        tally.finish();
    }
}

#[test]
fn the_recorded_host_of_our_own_gives_what_diamond_gave() {
    let mut tally = Tally::own("host");
    replay(&golden::own("host"), Compat::Native, &mut tally);
    tally.finish();
    let mut tally = Tally::own("host-as-diamond");
    replay(&golden::own("host"), Compat::Diamond, &mut tally);
    tally.finish();
}

fn replay(folder: &Path, compat: Compat, tally: &mut Tally) {
    let host = tempfile::tempdir().unwrap();
    let settings: Settings = toml::from_str(SETTINGS).unwrap();
    let naming = Arc::new(Naming::new("servers", "testhost"));
    let mut jobs: Vec<Job> = (settings.build(&Site::below(host.path()).with(compat)).unwrap().into_iter())
        .map(|built| {
            let job = Job::new(built.collector, Arc::clone(&naming));
            if built.compat == Compat::Diamond { job.like_diamond(Duration::from_secs(10)) } else { job }
        })
        .filter(|job| ROOTS.iter().any(|(name, _)| *name == job.spec().name))
        .collect();
    let mut found = BTreeMap::new();
    for snapshot in ["proc1", "proc2"] {
        // Written over in place: the collectors keep their files open, as they do with those of the kernel.
        overwrite(&folder.join(snapshot), &host.path().join("proc"));
        let now: f64 = read(&folder.join(snapshot).join("now")).trim().parse().unwrap();
        let slot = Slot { time: Timestamp::from_secs(now as u32), monotonic: Duration::from_secs_f64(now) };
        // Diamond sends something from the first run on.
        assert_eq!(found.contains_key("servers.testhost.proc.ctxt"), snapshot == "proc2" && compat == Compat::Diamond);
        found.clear();
        for job in &mut jobs {
            job.measure(slot, |ready| {
                found.insert(ready.name.to_owned(), ready.value.trim().to_owned());
            });
        }
    }
    let mut skipped = BTreeMap::<String, usize>::new();
    for line in read(&folder.join("expected.diamond.txt")).lines() {
        let Some((name, value)) = line.split_once(' ') else { continue };
        let root = name.split('.').nth(2).unwrap_or_default();
        if !ROOTS.iter().any(|(_, known)| *known == root) {
            *skipped.entry(root.to_owned()).or_default() += 1;
            continue;
        }
        tally.check(
            name,
            match found.remove(name) {
                Some(found) if found == value => Ok(()),
                Some(found) => Err(format!("expected {value}, found {found}")),
                None => Err("is missing".to_owned()),
            },
        );
    }
    for (name, value) in found {
        tally.check(&name, Err(format!("Diamond does not print it; we print {value}")));
    }
    for (root, lines) in skipped {
        tally.skip(&root, &format!("{lines} lines of a collector that is not in the table"));
    }
}

fn overwrite(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            overwrite(&entry.path(), &to);
        } else {
            fs::write(to, fs::read(entry.path()).unwrap()).unwrap();
        }
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}
