//! Delivery against a listener that comes, goes, and hangs up.

use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use whisper::Interval;

use super::*;
use crate::outlet::{Counts, Limits, Outlet};

const SOON: Duration = Duration::from_secs(30);

struct Sink {
    outlet: Arc<Outlet>,
    closing: CancellationToken,
    task: JoinHandle<()>,
}

impl Sink {
    fn counts(&self) -> Counts {
        self.outlet.queue().counts()
    }

    fn push(&self, numbers: std::ops::Range<u32>) {
        for number in numbers {
            self.outlet.push(format!("servers.web01.n {number} 1700000000\n").as_bytes());
        }
    }
}

fn sink(address: &str, bytes: usize, resend: u64, patience: Duration) -> Sink {
    let limits = Limits { bytes, resend: Duration::from_secs(resend), slot: Interval::from_secs(1).unwrap() };
    let (outlet, closing) = (Arc::new(Outlet::new("sink", limits)), CancellationToken::new());
    let stream = Stream {
        dial: Dial::new(address, patience),
        outlet: Arc::clone(&outlet),
        pauses: Pauses::new(Duration::from_millis(5), Duration::from_millis(20)),
        patience,
        pace: Duration::from_micros(10),
    };
    let task = tokio::spawn(stream.run(closing.clone()));
    Sink { outlet, closing, task }
}

async fn listener() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

/// A listener on an address that one has just left.
async fn bind(address: &str) -> TcpListener {
    loop {
        match TcpListener::bind(address).await {
            Ok(listener) => return listener,
            Err(_) => sleep(Duration::from_millis(2)).await,
        }
    }
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
    let sink = sink(&address, 1 << 20, 0, SOON);
    sink.push(0..100);
    let mut peer = accept(&first).await;
    assert_eq!(numbers(&mut peer, 100).await, (0..100).collect::<Vec<_>>());
    until("the first lines are sent", || sink.counts().sent == 100).await;

    drop((peer, first));
    // The closed connection has to be noticed before anything is written to it; a listener on the port is not there.
    sink.push(100..5_000);
    let second = bind(&address).await;
    let mut peer = accept(&second).await;
    assert_eq!(numbers(&mut peer, 4_900).await, (100..5_000).collect::<Vec<_>>());
    sink.closing.cancel();
    timeout(SOON, sink.task).await.unwrap().unwrap();
    let counts = sink.outlet.queue().counts();
    assert_eq!((counts.sent, counts.lost, counts.queued), (5_000, 0, 0));
}

#[tokio::test]
async fn a_half_closed_peer_is_left_before_lines_are_given_to_it() {
    let (listener, address) = listener().await;
    let sink = sink(&address, 1 << 20, 0, SOON);
    sink.push(0..1);
    let mut half = accept(&listener).await;
    assert_eq!(numbers(&mut half, 1).await, [0]);
    // The peer says that it will send no more, but would still take what we write and never look at it.
    half.get_mut().shutdown().await.unwrap();
    let mut rest = Vec::new();
    timeout(SOON, half.read_to_end(&mut rest)).await.unwrap().unwrap();
    sink.push(1..3);
    let mut whole = accept(&listener).await;
    assert_eq!(numbers(&mut whole, 2).await, [1, 2]);
    assert!(rest.is_empty());
    assert_eq!(sink.counts().connects, 2);
}

#[tokio::test]
async fn an_outage_takes_no_more_memory_than_the_buffer_may() {
    let (listener, address) = listener().await;
    drop(listener);
    let sink = sink(&address, 1 << 16, 0, SOON);
    sink.push(0..10_000);
    let counts = sink.counts();
    assert!(counts.bytes <= 1 << 16, "{counts:?}");
    assert!(counts.lost > 0 && counts.lost + counts.queued >= 9_800, "{counts:?}");
    let listener = bind(&address).await;
    let mut peer = accept(&listener).await;
    sink.closing.cancel();
    let mut text = String::new();
    timeout(SOON, peer.read_to_string(&mut text)).await.unwrap().unwrap();
    assert!(text.ends_with("servers.web01.n 9999 1700000000\n"));
    let counts = sink.counts();
    assert_eq!((counts.sent + counts.lost, counts.queued), (10_000, 0));
}

#[tokio::test]
async fn a_peer_that_never_reads_holds_nothing_up_but_the_buffer() {
    let (listener, address) = listener().await;
    let sink = sink(&address, 1 << 20, 30, Duration::from_millis(50));
    sink.push(0..1);
    let mut stuck = accept(&listener).await;
    for round in 0..2_000 {
        sink.push(round * 200..round * 200 + 200);
        if sink.counts().lost > 0 || sink.counts().connects > 1 {
            break;
        }
        sleep(Duration::from_millis(1)).await;
    }
    until("the write is given up and a new connection made", || sink.counts().connects > 1).await;
    assert!(stuck.read_u8().await.is_ok(), "the first lines did go to the peer");
    assert!(sink.counts().bytes <= 1 << 20);
    sink.task.abort();
}

#[tokio::test]
async fn what_a_dying_server_never_read_goes_to_the_next() {
    let (first, address) = listener().await;
    let sink = sink(&address, 1 << 20, 30, SOON);
    sink.push(0..100);
    let peer = accept(&first).await;
    until("the kernel has taken all", || sink.counts().sent == 100).await;
    // Nothing was read: closing resets the connection, and the kernel throws the lines away.
    drop((peer, first));
    let second = bind(&address).await;
    let mut peer = accept(&second).await;
    assert_eq!(numbers(&mut peer, 100).await, (0..100).collect::<Vec<_>>());
    until("they are counted as sent once more", || sink.counts().resent == 100).await;
    assert_eq!(sink.counts().sent, 100);
}

#[tokio::test]
async fn a_peer_that_resets_every_connection_costs_little_and_loses_nothing() {
    let (listener, address) = listener().await;
    let sink = sink(&address, 1 << 20, 30, SOON);
    sink.push(0..50);
    for _ in 0..5 {
        let mut peer = accept(&listener).await;
        let _ = peer.get_mut().write_all(b"what do you want?\n").await;
        numbers(&mut peer, 50).await;
    }
    let mut peer = accept(&listener).await;
    sink.push(50..60);
    assert_eq!(numbers(&mut peer, 60).await, (0..60).collect::<Vec<_>>());
    let counts = sink.counts();
    assert_eq!((counts.lost, counts.queued), (0, 0));
}

#[tokio::test]
async fn a_name_that_leads_nowhere_is_an_outage_like_others() {
    let sink = sink("nowhere.invalid:2003", 1 << 16, 30, SOON);
    sink.push(0..10_000);
    sink.closing.cancel();
    let counts = sink.outlet.queue().counts();
    assert_eq!(counts.queued + counts.lost, 10_000);
    assert!(counts.queued > 0);
    sink.task.abort();
}
