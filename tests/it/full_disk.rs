//! A disk without room: nothing accepted is lost, nothing half-made is left, and all goes on when there is room again.
//!
//! The disks are file systems of a few MiB in memory, which only root may mount.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use golden::peer;
use whisper::{Timestamp, Whisper};

use crate::stack::{Plumbago, folder, now, path, wait_for};

/// A small file system, gone with the value.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount(at: &Path, mib: u32) -> Option<SmallDisk> {
        fs::create_dir_all(at).unwrap();
        let size = format!("size={mib}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs", path(at)]).output();
        if mounted.is_ok_and(|done| done.status.success()) {
            return Some(SmallDisk(at.to_owned()));
        }
        peer::skip("small-disk", "nothing can be mounted here; run as root");
        None
    }

    /// Takes all room.
    fn fill(&self) {
        let chunk = vec![b'x'; 1 << 20];
        let mut file = fs::File::create(self.0.join("filler")).unwrap();
        while file.write_all(&chunk).is_ok() {}
        // The rest, byte by byte as it were.
        while file.write_all(b"x").is_ok() {}
    }

    fn make_room(&self) {
        fs::remove_file(self.0.join("filler")).unwrap();
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // The daemon may be at its end still; then the system unmounts it when that is over.
        let _ = Command::new("umount").args(["-l", path(&self.0)]).status();
    }
}

/// A configuration whose journal lies on `disk`.
fn with_journal_on(disk: &SmallDisk, folder: &Path) -> PathBuf {
    let (config, journal) = (folder.join("plumbago.toml"), disk.0.join("journal"));
    fs::write(&config, format!("[journal]\ndir = {journal:?}\nsegment = \"1MiB\"\n")).unwrap();
    config
}

const SCHEMAS: &str = "[all]\npattern = .*\nretentions = 1s:2h\n";

fn lines(group: &str, series: u64, time: u64) -> String {
    (0..series).map(|number| format!("{group}.s{number} {number} {time}\n")).collect()
}

/// Every stored point of a series, as (time, value).
fn stored(tree: &Path, name: &str, from: u64) -> Vec<(u64, f64)> {
    let Ok(file) = Whisper::open_read_only(tree.join(name.replace('.', "/") + ".wsp")) else { return Vec::new() };
    let until = Timestamp::from_secs(now() as u32);
    let fetched = file.fetch(Timestamp::from_secs(from as u32), until, until).unwrap().unwrap();
    let times = (u64::from(fetched.from.secs())..).step_by(fetched.step.secs() as usize);
    times.zip(fetched.values).filter_map(|(time, value)| Some((time, value?))).collect()
}

fn archives(tree: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(tree).into_iter().flatten() {
        let entry = entry.unwrap().path();
        if entry.is_dir() { archives(&entry, found) } else { found.push(entry) }
    }
}

#[test]
fn a_full_disk_stops_new_series_only_and_loses_nothing() {
    let folder = folder();
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), 16) else { return };
    let schemas = folder.path().join("schemas.conf");
    fs::write(&schemas, SCHEMAS).unwrap();
    let config = folder.path().join("plumbago.toml");
    let journal = folder.path().join("journal");
    fs::write(&config, format!("[journal]\ndir = {journal:?}\n[carbon]\nmax-wait = \"0s\"\n")).unwrap();
    let tree = disk.0.join("whisper");
    let arguments = ["--no-agent", "--config", path(&config), "--whisper", path(&tree), "--schemas", path(&schemas)];
    let plumbago = Plumbago::up(folder.path(), &arguments);
    let time = now() - 600;
    plumbago.send(&lines("old", 20, time));
    wait_for("the first flush", || (plumbago.get("/flush").status == 200).then_some(()));
    disk.fill();

    plumbago.send(&lines("new", 30, time + 1));
    plumbago.send(&lines("old", 20, time + 2));
    wait_for("the old series to go on", || (stored(&tree, "old.s19", time - 1).len() == 2).then_some(()));
    let answer = plumbago.json(&format!("/render?target=new.s7&from={}&format=json", time - 10));
    assert!(answer[0]["datapoints"].as_array().unwrap().iter().any(|point| point[0] == 7.0), "queries see what waits");
    let mut files = Vec::new();
    archives(&tree, &mut files);
    for file in files {
        assert!(path(&file).contains("/old/"), "{} was left behind", file.display());
        assert!(Whisper::open_read_only(&file).is_ok(), "{} is half-made", file.display());
    }

    disk.make_room();
    wait_for("the new series", || (stored(&tree, "new.s29", time - 1).len() == 1).then_some(()));
    wait_for("the last flush", || (plumbago.get("/flush").status == 200).then_some(()));
    assert!(plumbago.terminate().success());
    for number in 0..30 {
        let expected = [(time + 1, number as f64)];
        assert_eq!(stored(&tree, &format!("new.s{number}"), time - 1), expected, "{number}");
    }
    for number in 0..20 {
        let expected = [(time, number as f64), (time + 2, number as f64)];
        assert_eq!(stored(&tree, &format!("old.s{number}"), time - 1), expected, "{number}");
    }
}

#[test]
fn a_full_journal_disk_makes_senders_wait_and_loses_nothing() {
    let folder = folder();
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), 4) else { return };
    let config = with_journal_on(&disk, folder.path());
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--config", path(&config)]);
    let time = now() / 5 * 5 - 600;
    plumbago.send(&lines("a", 100, time));
    disk.fill();

    // More than the journal has room for. The sender may have to wait, so it is a thread of its own.
    let rounds = 400;
    std::thread::scope(|scope| {
        let sending = scope.spawn(|| {
            for round in 0..rounds {
                plumbago.send(&lines("b", 100, time + 5 * (round % 100)));
            }
        });
        assert_eq!(plumbago.get("/version").status, 200, "queries are answered");
        disk.make_room();
        sending.join().unwrap();
    });
    wait_for("the flush", || (plumbago.get("/flush").status == 200).then_some(()));
    assert!(plumbago.terminate().success());
    let tree = folder.path().join("data/whisper");
    for number in 0..100 {
        assert_eq!(stored(&tree, &format!("a.s{number}"), time - 5).len(), 1, "a.s{number}");
        assert_eq!(stored(&tree, &format!("b.s{number}"), time - 5).len(), 100, "b.s{number}");
    }
}

#[test]
fn a_daemon_stops_while_its_journal_is_full_and_stores_what_it_has_read() {
    let folder = folder();
    let Some(disk) = SmallDisk::mount(&folder.path().join("disk"), 4) else { return };
    let config = with_journal_on(&disk, folder.path());
    let plumbago = Plumbago::up(folder.path(), &["--no-agent", "--config", path(&config), "--max-wait", "1h"]);
    let time = now() / 5 * 5 - 600;
    disk.fill();

    std::thread::scope(|scope| {
        let mut connection = plumbago.sender();
        scope.spawn(move || {
            // Until the daemon, which reads no more, goes away.
            for round in 0.. {
                if connection.write_all(lines("b", 100, time + 5 * (round % 100)).as_bytes()).is_err() {
                    return;
                }
            }
        });
        wait_for("the journal to be full", || (plumbago.get("/health").status == 503).then_some(()));
        plumbago.terminate();
    });
    let tree = folder.path().join("data/whisper");
    let counts: Vec<usize> = (0..100).map(|number| stored(&tree, &format!("b.s{number}"), time - 5).len()).collect();
    assert!(counts[0] > 0, "what was read is in the archives");
    let whole = |pair: &[usize]| pair[0] == pair[1] || pair[0] == pair[1] + 1;
    assert!(counts.windows(2).all(whole) && counts[0] - counts[99] <= 1, "a hole: {counts:?}");
}
