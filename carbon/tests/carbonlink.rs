//! What another process sees of the cache, through the socket it asks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use carbon::{Carbon, Config, Protocol};
use carbon_line::carbonlink::{Request, Response};
use carbon_line::{MetricName, Pattern, frame};
use carbon_storage::StorageRules;
use carbon_storage::{CarbonLinkRecent, FindQuery, Memory, NameTable, Node, NodeKind, Recent, Store, WhisperTree};
use whisper::{Allocation, Interval, Point, Timestamp};

const TIME: u32 = 1_700_000_000;

/// A daemon whose store takes nothing, so that two points wait.
async fn start() -> Carbon {
    let store = Memory::new(Interval::from_secs(1).unwrap(), 1);
    store.set_reachable(0, false);
    let carbon = start_over(Arc::new(store)).await;
    send(&carbon, &format!("a.b 1.5 {TIME}\na.c.d 2 {TIME}\n")).await;
    until(|| carbon.cache().points() == 2).await;
    carbon
}

async fn start_over(store: Arc<dyn Store>) -> Carbon {
    let config = Config {
        plaintext: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        carbonlink: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        report_interval: Duration::ZERO,
        max_wait: Some(Duration::ZERO),
        drain_for: Duration::ZERO,
        ..Config::default()
    };
    Carbon::start(config, None, store, Arc::new(NameTable::new())).await.unwrap()
}

async fn send(carbon: &Carbon, lines: &str) {
    let (address, lines) = (carbon.local_addr().unwrap(), lines.to_owned());
    let sent = tokio::task::spawn_blocking(move || TcpStream::connect(address)?.write_all(lines.as_bytes()));
    sent.await.unwrap().unwrap();
}

async fn until(condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < deadline, "the points do not arrive");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

fn ask(stream: &mut TcpStream, body: &[u8]) -> Response {
    stream.write_all(&frame::wrap(body).unwrap()).unwrap();
    let mut length = [0; 4];
    stream.read_exact(&mut length).unwrap();
    let mut answer = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut answer).unwrap();
    Response::decode(&answer).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn another_process_sees_what_waits() {
    let carbon = start().await;
    let recent = CarbonLinkRecent::new(carbon.addresses(Protocol::CarbonLink).next().unwrap(), Duration::from_secs(20));
    let names = ["a.b", "nobody", "a.c.d"].map(|name| MetricName::parse(name).unwrap());
    let point = |value| vec![Point { time: Timestamp::from_secs(TIME), value }];
    // Twice: the second question goes over the kept connection.
    for _ in 0..2 {
        assert_eq!(recent.points(&names).await.unwrap(), [point(1.5), vec![], point(2.0)]);
    }
    let query = FindQuery { pattern: Pattern::parse("a.*").unwrap(), window: None };
    let mut nodes = recent.find(&query).await.unwrap();
    nodes.sort();
    let node = |path: &str, kind| Node { path: path.to_owned(), kind };
    assert_eq!(nodes, [node("a.b", NodeKind::Leaf), node("a.c", NodeKind::Branch)]);
    carbon.stop().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn strange_questions_get_an_error_and_the_connection_goes_on() {
    let carbon = start().await;
    let address = carbon.addresses(Protocol::CarbonLink).next().unwrap();
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        assert_eq!(ask(&mut stream, &Request::Other("bogus".into()).encode()), Response::invalid_type("bogus"));
        assert!(matches!(ask(&mut stream, b"cos\nsystem\n."), Response::Error(_)));
        let answer = ask(&mut stream, &Request::Query { metric: "a.b".into() }.encode());
        assert_eq!(answer, Response::Points(vec![(f64::from(TIME), 1.5)]));
        stream.write_all(&u32::MAX.to_be_bytes()).unwrap();
        assert_eq!(stream.read(&mut [0; 1]).unwrap(), 0, "a frame that is too long ends the connection");
    });
    asked.await.unwrap();
    assert_eq!(carbon.stats().snapshot().queries, 2);
    carbon.stop().await.unwrap_err();
}

/// More than one answer may hold, for one side or the other.
const SERIES: u32 = 600;
const POINTS: u32 = 500;

async fn start_full() -> Carbon {
    let carbon = start().await;
    for time in 0..POINTS {
        let lines = (0..SERIES).map(|series| format!("many.s{series} {series} {}\n", TIME + time));
        send(&carbon, &lines.collect::<String>()).await;
    }
    until(|| carbon.cache().points() == 2 + (SERIES * POINTS) as usize).await;
    carbon
}

#[tokio::test(flavor = "multi_thread")]
async fn many_waiting_points_are_answered_in_parts_and_none_is_missing() {
    let carbon = start_full().await;
    let recent = CarbonLinkRecent::new(carbon.addresses(Protocol::CarbonLink).next().unwrap(), Duration::from_secs(60));
    let names: Vec<MetricName> = (0..SERIES).map(|i| MetricName::parse(&format!("many.s{i}")).unwrap()).collect();
    let found = recent.points(&names).await.unwrap();
    assert_eq!(found.len(), names.len());
    for (series, points) in found.iter().enumerate() {
        assert_eq!(points.len(), POINTS as usize);
        assert!(points.iter().all(|point| point.value == series as f64));
    }
    carbon.stop().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn peers_that_do_not_fetch_large_answers_hold_up_no_small_one() {
    let carbon = start_full().await;
    let address = carbon.addresses(Protocol::CarbonLink).next().unwrap();
    let asked = tokio::task::spawn_blocking(move || {
        let metrics = (0..SERIES).map(|series| format!("many.s{series}")).collect();
        let question = frame::wrap(&Request::Bulk { metrics }.encode()).unwrap();
        let slow: Vec<TcpStream> = (0..20)
            .map(|_| {
                let mut stream = TcpStream::connect(address).unwrap();
                stream.write_all(&question).unwrap();
                stream
            })
            .collect();
        let mut quick = TcpStream::connect(address).unwrap();
        let answer = ask(&mut quick, &Request::Query { metric: "a.b".into() }.encode());
        assert_eq!(answer, Response::Points(vec![(f64::from(TIME), 1.5)]));
        drop(slow);
    });
    asked.await.unwrap();
    carbon.stop().await.unwrap_err();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_aggregation_method_of_a_file_is_told_and_changed() {
    let folder = tempfile::tempdir().unwrap();
    let tree = WhisperTree::open(folder.path(), StorageRules::default(), Allocation::Sparse).unwrap();
    let carbon = start_over(Arc::new(tree)).await;
    send(&carbon, "a.b 1.5 -1\n").await;
    until(|| carbon.stats().snapshot().stored == 1).await;
    let address = carbon.addresses(Protocol::CarbonLink).next().unwrap();
    let asked = tokio::task::spawn_blocking(move || {
        let mut stream = TcpStream::connect(address).unwrap();
        let mut get = |metric: &str, key: &str| {
            ask(&mut stream, &Request::GetMetadata { metric: metric.into(), key: key.into() }.encode())
        };
        assert_eq!(get("a.b", "aggregationMethod"), Response::Value("average".into()));
        assert!(matches!(get("a.b", "xFilesFactor"), Response::Error(_)));
        assert!(matches!(get("nobody", "aggregationMethod"), Response::Error(_)));
        assert!(matches!(get("../a", "aggregationMethod"), Response::Error(_)));
        let mut set = |value: &str| {
            let request =
                Request::SetMetadata { metric: "a.b".into(), key: "aggregationMethod".into(), value: value.into() };
            ask(&mut stream, &request.encode())
        };
        assert_eq!(set("max"), Response::Changed { old: "average".into(), new: "max".into() });
        assert!(matches!(set("bogus"), Response::Error(_)));
        assert_eq!(set("sum"), Response::Changed { old: "max".into(), new: "sum".into() });
    });
    asked.await.unwrap();
    carbon.stop().await.unwrap();
}
