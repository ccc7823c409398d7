//! What another process sees of the cache, through the socket it asks.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant};

use carbon::{Carbon, Config, Protocol};
use carbon_line::carbonlink::{Request, Response};
use carbon_line::{MetricName, Pattern, frame};
use carbon_storage::{CarbonLinkRecent, FindQuery, Memory, NameTable, Node, NodeKind, Recent};
use whisper::{Interval, Point, Timestamp};

const TIME: u32 = 1_700_000_000;

/// A daemon whose store takes nothing, so that two points wait.
async fn start() -> Carbon {
    let store = Memory::new(Interval::from_secs(1).unwrap(), 1);
    store.set_reachable(0, false);
    let config = Config {
        plaintext: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        carbonlink: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        report_interval: Duration::ZERO,
        drain_for: Duration::ZERO,
        ..Config::default()
    };
    let carbon = Carbon::start(config, Arc::new(store), Arc::new(NameTable::new())).await.unwrap();
    let mut peer = TcpStream::connect(carbon.local_addr().unwrap()).unwrap();
    peer.write_all(format!("a.b 1.5 {TIME}\na.c.d 2 {TIME}\n").as_bytes()).unwrap();
    let deadline = Instant::now() + Duration::from_secs(20);
    while carbon.cache().points() < 2 {
        assert!(Instant::now() < deadline, "the points do not arrive");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
    carbon
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
