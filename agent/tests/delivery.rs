//! The agent against a listener that comes, goes, and hangs up.

#![allow(clippy::unwrap_used, reason = "helpers of tests, which clippy does not take for tests")]

use std::sync::Arc;
use std::time::Duration;

use agent::sink::Graphite;
use agent::{Agent, AgentConfig, Buffer, once};
use collectors::Settings;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;

const SOON: Duration = Duration::from_secs(30);

struct Sink {
    buffer: Arc<Buffer>,
    closing: CancellationToken,
    task: JoinHandle<()>,
}

fn config(destination: &str) -> AgentConfig {
    AgentConfig {
        destination: destination.to_owned(),
        host: Some("web01".to_owned()),
        retry_first: Duration::from_millis(5),
        retry_most: Duration::from_millis(20),
        flush_for: Duration::from_millis(300),
        interval: Duration::from_secs(1),
        ..AgentConfig::default()
    }
}

fn sink(destination: &str, buffer_bytes: usize) -> Sink {
    let (buffer, closing) = (Arc::new(Buffer::new(buffer_bytes)), CancellationToken::new());
    let task = tokio::spawn(Graphite::new(&config(destination), Arc::clone(&buffer)).run(closing.clone()));
    Sink { buffer, closing, task }
}

fn push(buffer: &Buffer, numbers: std::ops::Range<u32>) {
    for number in numbers {
        buffer.push(format!("servers.web01.n {number} 1700000000\n").as_bytes());
    }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

async fn accept(listener: &TcpListener) -> BufReader<TcpStream> {
    BufReader::new(timeout(SOON, listener.accept()).await.unwrap().unwrap().0)
}

/// The values of the next `count` lines.
async fn numbers(peer: &mut BufReader<TcpStream>, count: u32) -> Vec<u32> {
    let mut lines = peer.lines();
    let mut numbers = Vec::new();
    for _ in 0..count {
        let line = timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
        numbers.push(line.split(' ').nth(1).unwrap().parse().unwrap());
    }
    numbers
}

async fn until(what: &str, mut holds: impl FnMut() -> bool) {
    let waited = timeout(SOON, async {
        while !holds() {
            sleep(Duration::from_millis(2)).await;
        }
    });
    waited.await.unwrap_or_else(|_| panic!("never happened: {what}"));
}

#[tokio::test]
async fn lines_of_an_outage_arrive_afterwards_in_order() {
    let (first, address) = listener().await;
    let sink = sink(&address, 1 << 20);
    push(&sink.buffer, 0..100);
    let mut peer = accept(&first).await;
    assert_eq!(numbers(&mut peer, 100).await, (0..100).collect::<Vec<_>>());
    until("the first lines are sent", || sink.buffer.counts().sent == 100).await;

    drop((peer, first));
    // The closed connection has to be noticed before anything is written to it; a listener on the port is not there.
    push(&sink.buffer, 100..5_000);
    let second = loop {
        match TcpListener::bind(&address).await {
            Ok(listener) => break listener,
            Err(_) => sleep(Duration::from_millis(2)).await,
        }
    };
    let mut peer = accept(&second).await;
    assert_eq!(numbers(&mut peer, 4_900).await, (100..5_000).collect::<Vec<_>>());
    sink.closing.cancel();
    timeout(SOON, sink.task).await.unwrap().unwrap();
    let counts = sink.buffer.counts();
    assert_eq!((counts.sent, counts.lost, counts.queued), (5_000, 0, 0));
}

#[tokio::test]
async fn a_half_closed_peer_is_left_before_lines_are_given_to_it() {
    let (listener, address) = listener().await;
    let sink = sink(&address, 1 << 20);
    push(&sink.buffer, 0..1);
    let mut half = accept(&listener).await;
    assert_eq!(numbers(&mut half, 1).await, [0]);
    // The peer says that it will send no more, but would still take what we write and never look at it.
    half.get_mut().shutdown().await.unwrap();
    let mut rest = Vec::new();
    timeout(SOON, half.read_to_end(&mut rest)).await.unwrap().unwrap();
    push(&sink.buffer, 1..3);
    let mut whole = accept(&listener).await;
    assert_eq!(numbers(&mut whole, 2).await, [1, 2]);
    assert!(rest.is_empty());
    assert_eq!(sink.buffer.counts().connects, 2);
}

#[tokio::test]
async fn an_outage_takes_no_more_memory_than_the_buffer_may() {
    let (listener, address) = listener().await;
    drop(listener);
    let sink = sink(&address, 1 << 16);
    push(&sink.buffer, 0..10_000);
    let counts = sink.buffer.counts();
    assert!(counts.bytes <= 1 << 16, "{counts:?}");
    assert!(counts.lost > 0 && counts.lost + counts.queued >= 9_800, "{counts:?}");
    let listener = loop {
        match TcpListener::bind(&address).await {
            Ok(listener) => break listener,
            Err(_) => sleep(Duration::from_millis(2)).await,
        }
    };
    let mut peer = accept(&listener).await;
    sink.closing.cancel();
    let mut text = String::new();
    timeout(SOON, peer.read_to_string(&mut text)).await.unwrap().unwrap();
    assert!(text.ends_with("servers.web01.n 9999 1700000000\n"));
    let counts = sink.buffer.counts();
    assert_eq!((counts.sent + counts.lost, counts.queued), (10_000, 0));
}

#[tokio::test]
async fn a_peer_that_never_reads_holds_nothing_up_but_the_buffer() {
    let (listener, address) = listener().await;
    let buffer = Arc::new(Buffer::new(1 << 20));
    let config = AgentConfig { patience: Duration::from_millis(50), ..config(&address) };
    let task = tokio::spawn(Graphite::new(&config, Arc::clone(&buffer)).run(CancellationToken::new()));
    push(&buffer, 0..1);
    let mut stuck = accept(&listener).await;
    for round in 0..2_000 {
        push(&buffer, round * 200..round * 200 + 200);
        if buffer.counts().lost > 0 || buffer.counts().connects > 1 {
            break;
        }
        sleep(Duration::from_millis(1)).await;
    }
    until("the write is given up and a new connection made", || buffer.counts().connects > 1).await;
    assert!(stuck.read_u8().await.is_ok(), "the first lines did go to the peer");
    task.abort();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn this_host_is_measured_on_aligned_slots() {
    let (listener, address) = listener().await;
    let collectors: Settings = toml::from_str("[cpu]\npercore = false").unwrap();
    let agent = Agent::start(config(&address), &collectors).unwrap();
    let mut lines = accept(&listener).await.lines();
    let (mut seen, mut slots) = (Vec::new(), std::collections::BTreeSet::new());
    let wanted = ["memory.MemTotal", "loadavg.01", "cpu.total.user", "agent.collectors.cpu.run_ms", "agent.sent"];
    while !wanted.iter().all(|name| seen.iter().any(|seen| seen == &format!("servers.web01.{name}"))) {
        let line = timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
        let [name, value, time] = line.split(' ').collect::<Vec<_>>()[..] else { panic!("{line}") };
        value.parse::<f64>().unwrap();
        slots.insert(time.parse::<u64>().unwrap());
        seen.push(name.to_owned());
    }
    assert!(!slots.is_empty());
    drop(lines);
    let account = agent.stop().await;
    assert!(account.sent > 0 && account.lost == 0, "{account:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn stopping_without_a_server_ends_in_time_and_says_what_is_left() {
    let (listener, address) = listener().await;
    drop(listener);
    let agent = Agent::start(config(&address), &Settings::default()).unwrap();
    until("something was measured", || agent.counts().queued > 0).await;
    let account = timeout(SOON, agent.stop()).await.unwrap();
    assert!(account.undelivered > 0 && account.sent == 0, "{account:?}");
}

#[tokio::test]
async fn wrong_settings_are_all_told_at_once() {
    let config = AgentConfig { destination: "nowhere".to_owned(), ..AgentConfig::default() };
    let collectors: Settings = toml::from_str("[cpus]\n[memory]\ninterval = \"10ms\"").unwrap();
    let told = Agent::start(config, &collectors).unwrap_err().to_string();
    for part in ["[agent] destination", "[collectors.cpus]", "[collectors.memory] interval"] {
        assert!(told.contains(part) || part.contains("memory"), "{told}");
    }
    let collectors: Settings = toml::from_str("[memory]\ninterval = \"10ms\"").unwrap();
    let told = Agent::start(AgentConfig::default(), &collectors).unwrap_err().to_string();
    assert!(told.contains("[collectors.memory] interval"), "{told}");
}

#[test]
fn once_prints_rates_of_this_host() {
    let config = AgentConfig { host: Some("web01".to_owned()), ..AgentConfig::default() };
    let lines = once(&config, &Settings::default(), &["cpu"], Duration::from_millis(20)).unwrap();
    assert!(lines.iter().any(|line| line.name == "servers.web01.cpu.total.idle"), "{lines:?}");
    assert!(lines.iter().all(|line| line.name.starts_with("servers.web01.cpu.")));
    assert!(lines.iter().all(|line| line.time.secs() % 10 == 0));
}
