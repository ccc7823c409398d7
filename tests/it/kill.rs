//! Killed at random moments under load, again and again: nothing that was read more than a second before is lost, and
//! nothing is there that was not sent.
//!
//! `PLUMBAGO_KILLS=200 cargo test --test it kill` does it two hundred times; a few suffice by default.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::net::TcpStream;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::thread;
use std::time::{Duration, Instant};

use whisper::{Timestamp, Whisper};

use crate::stack::{Plumbago, folder, now, path, wait_for};

const SERIES: u64 = 50;

/// More seconds than a life sends points of each series for: three in 20 ms, for 2.7 s.
const LONGEST_LIFE: u64 = 450;

/// Lines are numbered: line `n` is a point of series `n % SERIES`, a second after the one before, with the value `n`.
fn line(base: u64, number: u64) -> String {
    format!("kill.s{} {number} {}\n", number % SERIES, base + number / SERIES)
}

/// What is known of one life of the daemon: at these moments it had read so many lines.
type Observed = Vec<(Instant, u64)>;

/// Which lines must be there, and where the next life goes on.
struct Account {
    /// Half-open ranges of numbers.
    safe: Vec<(u64, u64)>,
    next: u64,
}

#[test]
fn what_was_read_a_second_before_a_kill_survives_it() {
    let kills: u64 = std::env::var("PLUMBAGO_KILLS").map_or(3, |count| count.parse().unwrap());
    let folder = folder();
    let schemas = folder.path().join("schemas.conf");
    let span = 3600 + kills * LONGEST_LIFE;
    fs::write(&schemas, format!("[all]\npattern = .*\nretentions = 1s:{}s\n", span + 3600)).unwrap();
    let arguments = ["--no-agent", "--schemas", path(&schemas)];
    let base = now() - span;
    let mut account = Account { safe: Vec::new(), next: 0 };
    let mut random = seed();
    for _ in 0..kills {
        random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let plumbago = Plumbago::up(folder.path(), &arguments);
        live(plumbago, base, Duration::from_millis(1200 + (random >> 33) % 1500), &mut account);
    }
    let plumbago = Plumbago::up(folder.path(), &arguments);
    wait_for("the flush", || (plumbago.get("/flush").status == 200).then_some(()));
    assert!(plumbago.terminate().success());

    let found = stored(&folder.path().join("data/whisper/kill"), base);
    for (time_and_series, number) in &found {
        assert_eq!(*time_and_series, (base + number / SERIES, number % SERIES), "a point that nobody sent");
        assert!(*number < account.next);
    }
    let safe: u64 = account.safe.iter().map(|(begin, end)| end - begin).sum();
    assert!(safe > 0, "no life was long enough to promise anything");
    for number in account.safe.iter().flat_map(|(begin, end)| *begin..*end) {
        let key = (base + number / SERIES, number % SERIES);
        assert!(found.contains_key(&key), "line {number} was read a second before the kill, and is lost");
    }
    println!("{kills} kills: {safe} lines had to survive, {} of {} did", found.len(), account.next);
}

fn seed() -> u64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos() as u64
}

/// Sends until the daemon is killed after `span`, and adds what must survive to the account.
fn live(plumbago: Plumbago, base: u64, span: Duration, account: &mut Account) {
    let first = account.next.next_multiple_of(SERIES);
    let (sent, killed) = (AtomicU64::new(first), AtomicBool::new(false));
    let (observed, killed_at) = thread::scope(|scope| {
        let peer = plumbago.sender();
        scope.spawn(|| send(peer, base, &sent, &killed));
        let watch = scope.spawn(|| watch(&plumbago, &killed));
        thread::sleep(span);
        let killed_at = Instant::now();
        killed.store(true, SeqCst);
        plumbago.signal("-KILL");
        (watch.join().unwrap(), killed_at)
    });
    let old = observed.iter().filter(|(at, _)| killed_at.duration_since(*at) >= Duration::from_secs(1));
    if let Some(read) = old.map(|(_, read)| *read).max() {
        account.safe.push((first, (first + read).min(sent.load(SeqCst))));
    }
    account.next = sent.load(SeqCst);
}

fn send(mut peer: TcpStream, base: u64, sent: &AtomicU64, killed: &AtomicBool) {
    while !killed.load(SeqCst) {
        let number = sent.load(SeqCst);
        let lines: String = (number..number + 3 * SERIES).map(|number| line(base, number)).collect();
        // Counted as sent before it is: what a kill cuts off may or may not arrive.
        sent.store(number + 3 * SERIES, SeqCst);
        if peer.write_all(lines.as_bytes()).is_err() {
            return;
        }
        thread::sleep(Duration::from_millis(20));
    }
}

/// How many lines of this life were read, and when that was known at the latest.
fn watch(plumbago: &Plumbago, killed: &AtomicBool) -> Observed {
    let mut observed = Observed::new();
    while !killed.load(SeqCst) {
        let Some(health) = plumbago.try_get("/health") else { break };
        let health: serde_json::Value = serde_json::from_slice(&health).unwrap_or_default();
        if let Some(read) = health["carbon"]["received"].as_u64() {
            observed.push((Instant::now(), read));
        }
        thread::sleep(Duration::from_millis(30));
    }
    observed
}

/// Every point of every archive: (time, series) and value.
fn stored(tree: &Path, base: u64) -> BTreeMap<(u64, u64), u64> {
    let mut found = BTreeMap::new();
    let until = Timestamp::from_secs(now() as u32);
    for series in 0..SERIES {
        let Ok(file) = Whisper::open_read_only(tree.join(format!("s{series}.wsp"))) else { continue };
        let fetched = file.fetch(Timestamp::from_secs(base as u32 - 60), until, until).unwrap().unwrap();
        let mut time = u64::from(fetched.from.secs());
        for value in fetched.values {
            found.extend(value.map(|value| ((time, series), value as u64)));
            time += u64::from(fetched.step.secs());
        }
    }
    found
}
