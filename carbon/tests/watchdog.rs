//! A store that hangs turns health red, and green again once it goes on.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use carbon::watchdog::{Patience, Trouble};
use carbon::{Carbon, Config};
use carbon_line::MetricName;
use carbon_storage::{Answer, Memory, NameTable, Pending, StorageError, Store, WriteReport};
use whisper::{Interval, Retention, Timestamp};

/// Writes into memory, but not while somebody holds the gate.
struct Stuck {
    gate: Mutex<()>,
    memory: Memory,
}

impl Store for Stuck {
    fn write<'a>(&'a self, batch: &'a [Pending], now: Timestamp) -> Answer<'a, WriteReport> {
        drop(self.gate.lock().unwrap());
        self.memory.write(batch, now)
    }

    fn sync(&self) -> Answer<'_, Result<(), StorageError>> {
        self.memory.sync()
    }

    fn finest(&self, name: &MetricName) -> Retention {
        self.memory.finest(name)
    }
}

async fn until(what: &str, holds: impl Fn() -> bool) {
    let waiting = async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waiting)
        .await
        .unwrap_or_else(|_| panic!("waited in vain for {what}"));
}

#[tokio::test]
async fn a_store_that_hangs_turns_health_red_until_it_goes_on() {
    let memory = Memory::new(Interval::from_secs(1).unwrap(), 1);
    let store = Arc::new(Stuck { gate: Mutex::new(()), memory });
    let config = Config {
        plaintext: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        max_wait: Some(Duration::ZERO),
        report_interval: Duration::ZERO,
        patience: Patience { write: Duration::from_secs(1), ..Patience::default() },
        ..Config::default()
    };
    let carbon = Carbon::start(config, None, store.clone(), Arc::new(NameTable::new())).await.unwrap();
    let health = carbon.health();
    assert_eq!(health.troubles(), []);

    let hold = store.clone();
    let (release, wait) = std::sync::mpsc::sync_channel::<()>(1);
    let holder = std::thread::spawn(move || {
        let gate = hold.gate.lock().unwrap();
        // Ends when the test says so, or gives up.
        let _ = wait.recv();
        drop(gate);
    });
    until("the gate to be held", || store.gate.try_lock().is_err()).await;
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs();
    let mut peer = TcpStream::connect(carbon.local_addr().unwrap()).unwrap();
    writeln!(peer, "a.b 1 {now}").unwrap();
    until("a red health", || matches!(health.troubles()[..], [Trouble::Wedged(_)])).await;

    drop(release);
    holder.join().unwrap();
    until("a green health", || health.troubles().is_empty()).await;
    assert_eq!(carbon.stats().snapshot().stored, 1);
    drop(peer);
    carbon.stop().await.unwrap();
}
