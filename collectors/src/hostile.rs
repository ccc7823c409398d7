//! Every recorded file of every collector, cut, emptied, doubled and garbled: a collector says what is wrong with it, or
//! gives what it has, and never panics. Other than in a fuzzer, the damage is the same at each run.

use std::fs;
use std::net::TcpListener;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, FileType, Mode, mknodat};

use crate::testing::{collector, fixture, slot};
use crate::{COLLECTORS, Fail, Out, Site};

/// Damaged forms of each file.
const ROUNDS: u32 = 24;

#[test]
fn no_damaged_file_makes_a_collector_panic() {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut runs = 0;
    for entry in COLLECTORS {
        let recorded = children(&fixture(entry.name).join("testdata"));
        // What a service answers is damaged in the tests of its collector.
        for recorded in recorded.into_iter().filter(|host| host.join("proc").is_dir()) {
            let host = tempfile::tempdir().unwrap();
            let copies = copy(&recorded, host.path());
            let mut collector = (entry.build)(&Site::below(host.path()), toml::Table::new()).unwrap();
            for path in copies {
                let whole = fs::read(&path).unwrap();
                for round in 0..ROUNDS {
                    fs::write(&path, dice.damage(&whole)).unwrap();
                    let mut out = Out::default();
                    out.begin(slot(round));
                    // An error is as good as a value.
                    let _ = collector.run(slot(round), &mut out);
                    runs += 1;
                }
                fs::write(&path, whole).unwrap();
            }
        }
    }
    assert!(runs > 500, "{runs}");
}

#[test]
fn no_pipe_without_a_writer_keeps_a_collector() {
    let mut pipes = 0;
    for entry in COLLECTORS {
        let recorded = children(&fixture(entry.name).join("testdata"));
        for recorded in recorded.into_iter().filter(|host| host.join("proc").is_dir()) {
            let host = tempfile::tempdir().unwrap();
            for path in copy(&recorded, host.path()) {
                let whole = fs::read(&path).unwrap();
                fs::remove_file(&path).unwrap();
                mknodat(CWD, &path, FileType::Fifo, Mode::RWXU, 0).unwrap();
                let mut collector = (entry.build)(&Site::below(host.path()), toml::Table::new()).unwrap();
                let mut out = Out::default();
                out.begin(slot(0));
                // A read that waits would wait for ever.
                let _ = collector.run(slot(0), &mut out);
                fs::remove_file(&path).unwrap();
                fs::write(&path, whole).unwrap();
                pipes += 1;
            }
        }
    }
    assert!(pipes > 20, "{pipes}");
}

#[test]
fn a_service_that_takes_connections_and_says_nothing_is_given_up() {
    // The system takes connections in for a listener that never looks at them.
    let (tcp, folder) = (TcpListener::bind("127.0.0.1:0").unwrap(), tempfile::tempdir().unwrap());
    let address = tcp.local_addr().unwrap();
    let socket = folder.path().join("ceph-osd.0.asok");
    let _unix = UnixListener::bind(&socket).unwrap();
    let mut runs = vec![
        ("nginx", format!("url = 'http://{address}/'")),
        ("httpjson", format!("url = 'http://{address}/'")),
        ("prometheus", format!("targets.a.url = 'http://{address}/'")),
        ("redis", format!("instances.a.address = '{address}'")),
        ("memcached", format!("hosts.a = '{address}'")),
        ("postgres", format!("address = '{address}'")),
    ];
    runs.iter_mut().for_each(|(_, options)| options.push_str("\npatience = '20ms'"));
    runs.push(("ceph", format!("sockets = ['{}']\ntimeout = '20ms'", socket.display())));
    for (name, options) in runs {
        let mut out = Out::default();
        out.begin(slot(0));
        let fail = collector(name, Path::new("/"), &options).run(slot(0), &mut out).unwrap_err();
        assert!(matches!(fail, Fail::Timeout { .. }), "{name}: {fail}");
    }
}

/// Xorshift: not random, only unlike anything that a kernel would write.
struct Dice(u64);

impl Dice {
    /// A number below `end`, which is not 0.
    fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % end as u64) as usize
    }

    fn damage(&mut self, whole: &[u8]) -> Vec<u8> {
        const STRANGE: [&[u8]; 12] =
            [b"", b"\0", b"\n", b" ", b"-1", b"99999999999999999999", b":", b"\xff\xfe", b"()", b"[", b"=", b"max"];
        let mut bytes = whole.to_vec();
        match self.below(4) {
            0 => bytes.truncate(self.below(whole.len() + 1)),
            1 => drop(bytes.drain(..self.below(whole.len() + 1))),
            2 => bytes.extend_from_within(self.below(whole.len() + 1)..),
            _ => {}
        }
        for _ in 0..self.below(6) {
            let start = self.below(bytes.len() + 1);
            let end = (start + self.below(12)).min(bytes.len());
            let strange = STRANGE[self.below(STRANGE.len())];
            bytes.splice(start..end, strange.iter().copied());
        }
        bytes
    }
}

/// Copies the folder `from` into the folder `to`; gives the files.
fn copy(from: &Path, to: &Path) -> Vec<PathBuf> {
    let mut copies = Vec::new();
    for child in children(from) {
        let to = to.join(child.file_name().unwrap());
        if child.is_dir() {
            fs::create_dir_all(&to).unwrap();
            copies.extend(copy(&child, &to));
        } else {
            fs::write(&to, fs::read(&child).unwrap()).unwrap();
            copies.push(to);
        }
    }
    copies
}

/// What is in `folder`, in order; nothing when there is none.
fn children(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    let mut children: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    children.sort_unstable();
    children
}
