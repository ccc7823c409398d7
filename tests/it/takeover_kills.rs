//! Takeovers in the middle of which one process or both are killed: what could be read through HTTP a second before is
//! kept, nothing is there that was not sent, and no line is torn by changing hands.
//!
//! `PLUMBAGO_TAKEOVERS=50 cargo test --test it takeovers_with_kills` does it fifty times; a few suffice by default.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering::SeqCst};
use std::thread;
use std::time::Duration;

use whisper::{Timestamp, Whisper};

use crate::stack::{Plumbago, folder, now, path, program, wait_for};

const SENDERS: u64 = 6;
/// Points a sender sends before each takeover, all of which must survive.
const KEPT: u64 = 60;
/// Seconds of timestamps that one round may use.
const ROUND: u64 = 4_000;

/// Who dies, and how long after the successor was started.
#[derive(Clone, Copy, Debug)]
struct Murder {
    predecessor: bool,
    successor: bool,
    after: Duration,
}

/// One sender: a connection that it opens anew only when it is broken, and what it has sent over it.
struct Sender {
    number: u64,
    peer: Option<TcpStream>,
    base: u64,
    /// Number of the next line, which is its value and its second.
    next: u64,
    broken: u64,
}

impl Sender {
    /// Sends a line in two pieces, so that some change hands half way. A line that a broken connection may have cut is
    /// not sent again; it may be missing.
    fn send(&mut self, address: &str) {
        if self.peer.is_none() {
            self.peer = TcpStream::connect(address).ok();
        }
        let Some(peer) = &mut self.peer else { return thread::sleep(Duration::from_millis(5)) };
        let line = format!("t.s{} {} {}\n", self.number, self.next, self.base + self.next);
        self.next += 1;
        let (first, rest) = line.as_bytes().split_at(line.len() / 2);
        let sent = peer.write_all(first).and_then(|()| {
            thread::yield_now();
            peer.write_all(rest)
        });
        if sent.is_err() {
            (self.peer, self.broken) = (None, self.broken + 1);
        }
    }
}

fn arguments<'a>(data: &'a str, schemas: &'a str, plaintext: &'a str, http: &'a str) -> Vec<&'a str> {
    vec!["up", "--no-agent", "--data", data, "--schemas", schemas, "--plaintext", plaintext, "--http", http]
}

#[test]
fn takeovers_with_kills_lose_nothing_that_was_safe() {
    let rounds: u64 = std::env::var("PLUMBAGO_TAKEOVERS").map_or(4, |count| count.parse().unwrap());
    let folder = folder();
    let (data, schemas) = (folder.path().join("data"), folder.path().join("schemas.conf"));
    let span = (rounds + 1) * ROUND;
    fs::write(&schemas, format!("[all]\npattern = .*\nretentions = 1s:{}s\n", span + 7200)).unwrap();
    let mut plumbago =
        Plumbago::start(folder.path(), &arguments(path(&data), path(&schemas), "127.0.0.1:0", "127.0.0.1:0"));
    let (plaintext, url) = (plumbago.plaintext.clone().unwrap(), plumbago.http.clone().unwrap());
    let http = url.strip_prefix("http://").unwrap().to_owned();
    let again = arguments(path(&data), path(&schemas), &plaintext, &http);
    let base = now() - span - 3600;
    let mut senders: Vec<_> =
        (0..SENDERS).map(|number| Sender { number, peer: None, base, next: 0, broken: 0 }).collect();
    // (sender, first, end) of lines that must be there.
    let mut safe = Vec::new();
    let mut random = base ^ std::process::id() as u64;
    for round in 0..rounds {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        // A successor that dies with all sockets in its hands leaves nobody; a supervisor starts the next.
        while !is_kept(&mut plumbago, &mut senders, round * ROUND, &plaintext) {
            drop(plumbago);
            plumbago = Plumbago::start(folder.path(), &again);
        }
        safe.extend(senders.iter().map(|sender| (sender.number, round * ROUND, sender.next)));
        // The promise: whatever was read a second ago.
        thread::sleep(Duration::from_secs(1));
        let murder = Murder {
            predecessor: random >> 40 & 1 == 1,
            successor: random >> 41 & 1 == 1,
            after: Duration::from_millis((random >> 33) % 120),
        };
        plumbago = take_over(plumbago, folder.path(), &again, &plaintext, murder, &mut senders);
    }
    // One more round, so that somebody serves whoever died in the last.
    while !is_kept(&mut plumbago, &mut senders, rounds * ROUND, &plaintext) {
        drop(plumbago);
        plumbago = Plumbago::start(folder.path(), &again);
    }
    assert_eq!(plumbago.get("/flush").status, 200);
    assert!(plumbago.terminate().success());
    let mut kept = 0;
    for sender in &senders {
        let found = stored(&data.join(format!("whisper/t/s{}.wsp", sender.number)), base, span);
        assert!(found.iter().all(|(second, value)| second == value), "a point that nobody sent");
        for second in safe.iter().filter(|part| part.0 == sender.number).flat_map(|part| part.1..part.2) {
            assert!(found.contains_key(&second), "line {second} of sender {} is lost", sender.number);
            kept += 1;
        }
    }
    println!("{rounds} takeovers: {kept} lines had to survive, and did");
}

/// Every sender sends its lines from `first` on, and they are seen; `false` when the daemon ends before.
fn is_kept(plumbago: &mut Plumbago, senders: &mut [Sender], first: u64, plaintext: &str) -> bool {
    for sender in &mut *senders {
        sender.next = first;
        while sender.next < first + KEPT && plumbago.is_alive() {
            let broken = sender.broken;
            sender.send(plaintext);
            if sender.broken > broken {
                // What it had sent before may have gone nowhere.
                sender.next = first;
            }
        }
    }
    senders.iter().all(|sender| {
        wait_for("what was sent to be seen", || match plumbago.is_alive() {
            true => is_seen(plumbago, sender).then_some(true),
            false => Some(false),
        })
    })
}

/// Whether the last line of `sender` can be read.
fn is_seen(plumbago: &Plumbago, sender: &Sender) -> bool {
    let last = sender.base + sender.next - 1;
    let target = format!("/render?target=t.s{}&from={}&until={last}&format=json", sender.number, last - 2);
    let answer = plumbago.try_get(&target).and_then(|body| serde_json::from_slice::<serde_json::Value>(&body).ok());
    let points = answer.as_ref().and_then(|answer| answer.get(0)?["datapoints"].as_array());
    points.is_some_and(|points| points.iter().any(|point| point[1] == last && !point[0].is_null()))
}

/// A takeover while everybody sends on, in the middle of which `murder` happens. Gives who runs at the end.
fn take_over(
    plumbago: Plumbago,
    folder: &Path,
    arguments: &[&str],
    plaintext: &str,
    murder: Murder,
    senders: &mut [Sender],
) -> Plumbago {
    let over = AtomicBool::new(false);
    let slots: Vec<_> = senders.iter_mut().map(Mutex::new).collect();
    let victim = Mutex::new(&plumbago);
    let successor = thread::scope(|scope| {
        for slot in &slots {
            scope.spawn(|| {
                let mut sender = slot.lock().unwrap();
                let last = sender.next + ROUND - 200;
                while !over.load(SeqCst) && sender.next < last {
                    sender.send(plaintext);
                    thread::sleep(Duration::from_millis(1));
                }
            });
        }
        // Also when the successor does not come up.
        let _done = Raise(&over);
        if murder.successor {
            let mut successor = quiet(folder, arguments);
            thread::sleep(murder.after);
            if murder.predecessor {
                victim.lock().unwrap().try_signal("-KILL");
            }
            successor.kill().unwrap();
            successor.wait().unwrap();
            None
        } else {
            let mut with = arguments.to_vec();
            with.push("--takeover");
            let killed = murder.predecessor.then(|| {
                scope.spawn(|| {
                    thread::sleep(murder.after);
                    // It may have ended by itself.
                    victim.lock().unwrap().try_signal("-KILL");
                })
            });
            let successor = Plumbago::start(folder, &with);
            if let Some(killed) = killed {
                killed.join().unwrap();
            }
            Some(successor)
        }
    });
    match successor {
        Some(successor) => successor,
        None => plumbago,
    }
}

/// Raises a flag at its end.
struct Raise<'a>(&'a AtomicBool);

impl Drop for Raise<'_> {
    fn drop(&mut self) {
        self.0.store(true, SeqCst);
    }
}

/// A successor that is not going to live long enough to say that it is ready.
fn quiet(folder: &Path, arguments: &[&str]) -> Child {
    let log = fs::File::create(folder.join("killed.log")).unwrap();
    program().args(arguments).arg("--takeover").stdin(Stdio::null()).stdout(Stdio::null()).stderr(log).spawn().unwrap()
}

/// Every point of an archive: seconds since `base`, and value.
fn stored(file: &Path, base: u64, span: u64) -> BTreeMap<u64, u64> {
    let file = Whisper::open_read_only(file).unwrap();
    let seconds = |time: u64| Timestamp::from_secs(time as u32);
    let fetched = file.fetch(seconds(base - 60), seconds(base + span), seconds(now())).unwrap().unwrap();
    let mut time = u64::from(fetched.from.secs());
    let mut found = BTreeMap::new();
    for value in fetched.values {
        found.extend(value.map(|value| (time - base, value as u64)));
        time += u64::from(fetched.step.secs());
    }
    found
}
