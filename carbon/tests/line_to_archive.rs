//! Lines over TCP become points in `.wsp` files.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use carbon::{Carbon, Config};
use carbon_line::MetricName;
use carbon_storage::{Fetch, FetchQuery, NameTable, StorageRules, WhisperTree, Window};
use whisper::{Allocation, Timestamp};

#[tokio::test(flavor = "multi_thread")]
async fn a_point_is_in_its_file_when_the_daemon_has_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let tree = WhisperTree::open(folder.path(), StorageRules::default(), Allocation::Sparse).unwrap();
    let config = Config {
        plaintext: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        max_wait: Some(Duration::from_secs(3600)),
        report_interval: Duration::ZERO,
        ..Config::default()
    };
    let carbon = Carbon::start(config, None, Arc::new(tree.clone()), Arc::new(NameTable::new())).await.unwrap();
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32;
    let mut peer = TcpStream::connect(carbon.local_addr().unwrap()).unwrap();
    for n in 0..200 {
        peer.write_all(format!("servers.web{n:03}.load {n}.5 {now}\n").as_bytes()).unwrap();
    }
    // Still connected, and nothing has been waited for.
    carbon.stop().await.unwrap();
    drop(peer);
    assert!(folder.path().join("servers/web199/load.wsp").is_file());
    let at = Timestamp::from_secs;
    let names = (0..200).map(|n| MetricName::parse(&format!("servers.web{n:03}.load")).unwrap()).collect();
    let query = FetchQuery {
        names,
        window: Window { from: at(now - 120), until: at(now), now: at(now + 1) },
        max_points: None,
    };
    let answer = tree.fetch(&query).await.unwrap();
    assert_eq!(answer.value.len(), 200);
    for (n, series) in answer.value.iter().enumerate() {
        let known: Vec<f64> = series.values.iter().copied().filter(|value| !value.is_nan()).collect();
        assert_eq!(known, [n as f64 + 0.5], "{}", series.name);
    }
}
