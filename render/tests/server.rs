//! The server on real sockets, over a store in memory.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::Duration;

use carbon_storage::{Answer, FindQuery, Memory, Node, Partial, StorageError};
use render::{HttpConfig, RenderConfig, Server, Sources, Status};
use tokio::sync::Notify;
use whisper::Interval;

fn memory() -> Sources {
    let memory = Arc::new(Memory::new(Interval::from_secs(60).unwrap(), 1));
    Sources::new(memory.clone(), memory, Status::default())
}

fn on_any_port() -> HttpConfig {
    HttpConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..HttpConfig::default() }
}

/// Sends `request` on a connection of its own and reads until the server closes it.
async fn exchange(address: SocketAddr, request: String) -> String {
    let exchange = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        // A refused body may end the connection before all of it is sent.
        let _ = stream.write_all(request.as_bytes());
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        String::from_utf8_lossy(&answer).into_owned()
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn port_zero_is_replaced_by_a_free_one_and_answers() {
    let server = Server::start(on_any_port(), RenderConfig::default(), memory()).await.unwrap();
    assert_ne!(server.address().port(), 0);
    let answer = exchange(server.address(), get("/health")).await;
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_taken_port_is_an_error_that_says_what_to_do() {
    let first = Server::start(on_any_port(), RenderConfig::default(), memory()).await.unwrap();
    let config = HttpConfig { listen: first.address(), ..HttpConfig::default() };
    let message = Server::start(config, RenderConfig::default(), memory()).await.unwrap_err().to_string();
    assert!(message.contains(&first.address().to_string()) && message.contains("--http"), "{message}");
    first.stop().await;
}

#[tokio::test]
async fn two_requests_share_a_connection() {
    let server = Server::start(on_any_port(), RenderConfig::default(), memory()).await.unwrap();
    let both = format!("GET /version HTTP/1.1\r\nHost: x\r\n\r\n{}", get("/version"));
    let answer = exchange(server.address(), both).await;
    assert_eq!(answer.matches("1.1.10").count(), 2, "{answer}");
    server.stop().await;
}

#[tokio::test]
async fn a_client_that_never_finishes_its_head_is_let_go() {
    let config = HttpConfig { header_timeout: Duration::from_millis(100), ..on_any_port() };
    let server = Server::start(config, RenderConfig::default(), memory()).await.unwrap();
    // Reading until the end returns only because the server hangs up.
    exchange(server.address(), "GET /health HTTP/1.1\r\nHost:".to_owned()).await;
    server.stop().await;
}

#[tokio::test]
async fn a_head_of_a_megabyte_is_refused() {
    let server = Server::start(on_any_port(), RenderConfig::default(), memory()).await.unwrap();
    let answer = exchange(server.address(), get(&format!("/health?x={}", "a".repeat(1 << 20)))).await;
    assert!(answer.starts_with("HTTP/1.1 431") && answer.contains("{\"error\":"), "{answer}");
    for odd in ["\x16\x03\x01\r\n\r\n", "GET / HTTP/9.9\r\n\r\n", "GET /a b HTTP/1.1\r\n\r\n", "a: b\r\n\r\n"] {
        let answer = exchange(server.address(), odd.to_owned()).await;
        assert!(answer.starts_with("HTTP/1.1 400") && answer.ends_with("}"), "{odd:?} {answer}");
    }
    assert!(exchange(server.address(), get("/health")).await.contains("200 OK"));
    server.stop().await;
}

/// Finds when it is told to.
struct Slow {
    asked: Notify,
    go: Notify,
}

impl carbon_storage::Find for Slow {
    fn find<'a>(&'a self, _: &'a FindQuery) -> Answer<'a, Result<Partial<Vec<Node>>, StorageError>> {
        Box::pin(async {
            self.asked.notify_one();
            self.go.notified().await;
            Ok(Partial::whole(Vec::new()))
        })
    }
}

#[tokio::test]
async fn who_does_not_fetch_a_long_answer_is_let_go() {
    let forever = Duration::from_secs(600);
    let config = HttpConfig { send_timeout: Duration::from_millis(50), drain_for: forever, ..on_any_port() };
    let server = Server::start(config, RenderConfig::default(), memory()).await.unwrap();
    let target = "randomWalk(%22a%22)&from=0&until=3000000&now=3000000&format=csv";
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(get(&format!("/render?target={target}")).as_bytes()).unwrap();
    let begin = move || {
        let mut first = [0; 12];
        stream.read_exact(&mut first).unwrap();
        (stream, first)
    };
    let (mut stream, first) = tokio::task::spawn_blocking(begin).await.unwrap();
    assert_eq!(&first, b"HTTP/1.1 200");
    // It waits for the last connection.
    server.stop().await;
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest);
    assert!(rest.len() < 60_000_000, "the whole answer came");
}

#[tokio::test]
async fn a_long_evaluation_ends_when_its_client_leaves() {
    let server = Server::start(on_any_port(), RenderConfig::default(), memory()).await.unwrap();
    // Minutes of work for one function.
    let target = "movingMedian(randomWalk(%22a%22),30000)&from=0&until=6000000&now=6000000&format=json";
    let mut stream = TcpStream::connect(server.address()).unwrap();
    stream.write_all(get(&format!("/render?target={target}")).as_bytes()).unwrap();
    let evaluations = async |wanted: &str| {
        let begun = std::time::Instant::now();
        while !exchange(server.address(), get("/health")).await.contains(wanted) {
            assert!(begun.elapsed() < Duration::from_secs(60), "waited in vain for {wanted}");
        }
    };
    evaluations("\"evaluations\":1").await;
    drop(stream);
    evaluations("\"evaluations\":0").await;
    server.stop().await;
}

#[tokio::test]
async fn stopping_lets_a_request_in_flight_finish() {
    let slow = Arc::new(Slow { asked: Notify::new(), go: Notify::new() });
    let sources = Sources { find: slow.clone(), ..memory() };
    let server = Server::start(on_any_port(), RenderConfig::default(), sources).await.unwrap();
    let answer = tokio::spawn(exchange(server.address(), get("/render?target=a.b&format=json")));
    slow.asked.notified().await;
    let stopping = tokio::spawn(server.stop());
    slow.go.notify_one();
    let answer = answer.await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    stopping.await.unwrap();
}

#[tokio::test]
async fn a_request_that_never_ends_does_not_keep_the_server_from_stopping() {
    let slow = Arc::new(Slow { asked: Notify::new(), go: Notify::new() });
    let sources = Sources { find: slow.clone(), ..memory() };
    let config = HttpConfig { drain_for: Duration::from_millis(50), ..on_any_port() };
    let server = Server::start(config, RenderConfig::default(), sources).await.unwrap();
    let answer = tokio::spawn(exchange(server.address(), get("/render?target=a.b&format=json")));
    slow.asked.notified().await;
    server.stop().await;
    assert_eq!(answer.await.unwrap(), "");
}
