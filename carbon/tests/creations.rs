//! New series that have to wait: their points stay and are seen, nobody else is slowed down, and nothing turns red.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::Write;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use carbon::watchdog::Patience;
use carbon::{Carbon, Config, Snapshot};
use carbon_storage::{NameTable, Schemas, StorageRules, WhisperTree};
use whisper::Allocation;

struct Daemon {
    carbon: Carbon,
    tree: WhisperTree,
    peer: TcpStream,
    time: u64,
}

impl Daemon {
    /// Takes points of one second for two hours, writes them at once, and turns red after a second.
    async fn start(folder: &Path, creates_per_minute: u32) -> Daemon {
        let schemas = Schemas::parse("[all]\npattern = .*\nretentions = 1s:2h\n").unwrap();
        let rules = StorageRules { schemas, ..StorageRules::default() };
        let tree = WhisperTree::open(folder, rules, Allocation::Sparse).unwrap();
        tree.limit_creates(creates_per_minute);
        let config = Config {
            plaintext: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
            max_wait: Some(Duration::from_millis(5)),
            report_interval: Duration::ZERO,
            patience: Patience { write: Duration::from_secs(1), ..Patience::default() },
            writers: 1,
            ..Config::default()
        };
        let carbon = Carbon::start(config, None, Arc::new(tree.clone()), Arc::new(NameTable::new())).await.unwrap();
        let peer = TcpStream::connect(carbon.local_addr().unwrap()).unwrap();
        let time = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() - 600;
        Daemon { carbon, tree, peer, time }
    }

    fn send(&mut self, series: std::ops::Range<u32>) {
        self.time += 1;
        let lines: String = series.map(|number| format!("a.s{number} 1 {}\n", self.time)).collect();
        self.peer.write_all(lines.as_bytes()).unwrap();
    }

    async fn until(&self, what: &str, holds: impl Fn(Snapshot) -> bool) {
        let waiting = async {
            while !holds(self.carbon.stats().snapshot()) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(Duration::from_secs(60), waiting).await;
        told.unwrap_or_else(|_| panic!("waited in vain for {what}: {:?}", self.carbon.stats().snapshot()));
    }

    /// Lets the watchdog look a few times.
    async fn stays_green(&self) {
        for _ in 0..30 {
            tokio::time::sleep(Duration::from_millis(100)).await;
            assert_eq!(self.carbon.health().troubles(), []);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn series_beyond_the_limit_wait_and_the_others_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(folder.path(), 2).await;
    daemon.send(0..1000);
    daemon.until("two series", |stats| stats.stored == 2 && stats.held == 998).await;
    daemon.stays_green().await;
    for round in 1..=5 {
        daemon.send(0..2);
        daemon.until("the old series", |stats| stats.stored >= 2 + 2 * round).await;
    }
    let stats = daemon.carbon.stats().snapshot();
    assert_eq!((stats.errors, stats.dropped), (0, 0));
    assert!(stats.creates <= 3, "two a minute, and this took less than one");
    assert_eq!(daemon.carbon.cache().recent_points("a.s900").len(), 1);

    daemon.tree.limit_creates(0);
    daemon.until("all series", |stats| stats.stored == 1010 && stats.held == 0).await;
    drop(daemon.peer);
    daemon.carbon.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_without_a_journal_waits_for_no_limit() {
    let folder = tempfile::tempdir().unwrap();
    let mut daemon = Daemon::start(folder.path(), 1).await;
    daemon.send(0..300);
    daemon.until("the limit", |stats| stats.held == 299).await;
    drop(daemon.peer);
    daemon.carbon.stop().await.unwrap();
    assert_eq!(std::fs::read_dir(folder.path().join("a")).unwrap().count(), 300);
}
