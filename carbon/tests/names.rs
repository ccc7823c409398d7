//! Names on their way in: tags in order, lists in force, and a reload of both lists under way.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::fs;
use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use carbon::{Carbon, Config};
use carbon_storage::{Memory, NameTable};
use whisper::Interval;

struct Daemon {
    carbon: Carbon,
    store: Arc<Memory>,
}

fn config(folder: &Path) -> Config {
    Config {
        plaintext: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        max_wait: Some(Duration::from_millis(5)),
        report_interval: Duration::ZERO,
        deny_list: Some(folder.join("deny")),
        allow_list: Some(folder.join("allow")),
        ..Config::default()
    }
}

async fn start(config: Config) -> Daemon {
    let store = Arc::new(Memory::new(Interval::from_secs(1).unwrap(), 1));
    let carbon = Carbon::start(config, None, store.clone(), Arc::new(NameTable::new())).await.unwrap();
    Daemon { carbon, store }
}

impl Daemon {
    /// Sends a point of each name and waits until each is received or refused.
    async fn send(&self, names: &[&str]) {
        let count = || {
            let stats = self.carbon.stats().snapshot();
            stats.received + stats.refused_total()
        };
        let (target, address) = (count() + names.len() as u64, self.carbon.local_addr().unwrap());
        let lines: String = names.iter().map(|name| format!("{name} 1 -1\n")).collect();
        let sent = tokio::task::spawn_blocking(move || TcpStream::connect(address)?.write_all(lines.as_bytes()));
        sent.await.unwrap().unwrap();
        let deadline = Instant::now() + Duration::from_secs(20);
        while count() < target {
            assert!(Instant::now() < deadline, "waited in vain for {names:?}");
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn refused(&self) -> (u64, u64) {
        let stats = self.carbon.stats().snapshot();
        (stats.refused("denied"), stats.refused("not-allowed"))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn lists_keep_names_out_and_a_reload_changes_their_mind() {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("deny"), "noisy\n").unwrap();
    fs::write(folder.path().join("allow"), "").unwrap();
    let daemon = start(config(folder.path())).await;
    daemon.send(&["a.noisy", "a.b", "c"]).await;
    assert_eq!(daemon.refused(), (1, 0));

    fs::write(folder.path().join("allow"), "^a\\.\n").unwrap();
    daemon.carbon.reload_lists(config(folder.path())).await.unwrap();
    daemon.send(&["a.noisy", "a.b", "c", "d"]).await;
    assert_eq!(daemon.refused(), (2, 2));

    fs::write(folder.path().join("allow"), "(?!a)").unwrap();
    let error = daemon.carbon.reload_lists(config(folder.path())).await.unwrap_err();
    assert!(error.to_string().contains("allow"), "{error}");
    daemon.send(&["c"]).await;
    assert_eq!(daemon.refused(), (2, 3), "a broken file leaves the old lists in force");

    fs::write(folder.path().join("deny"), "").unwrap();
    fs::write(folder.path().join("allow"), "").unwrap();
    daemon.carbon.reload_lists(config(folder.path())).await.unwrap();
    daemon.send(&["a.noisy", "c"]).await;
    assert_eq!(daemon.refused(), (2, 3));
    daemon.carbon.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn both_forms_of_a_tagged_name_are_one_series() {
    let folder = tempfile::tempdir().unwrap();
    let daemon = start(Config { deny_list: None, allow_list: None, ..config(folder.path()) }).await;
    daemon.send(&["m;b=2;a=1", "m{b=\"2\",a=\"1\"}", "m;a=1;b=2", "m;bad"]).await;
    let store = Arc::clone(&daemon.store);
    daemon.carbon.stop().await.unwrap();
    assert!(!store.points("m;a=1;b=2").is_empty() && !store.points("m;bad").is_empty());
    assert!(store.points("m;b=2;a=1").is_empty());
}
