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
        wire: Wire::Lines,
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
async fn lines_go_to_a_lent_connection_while_its_task_sleeps() {
    let (listener, address) = listener().await;
    let sink = sink(&address, 1 << 20, 0, SOON);
    sink.push(0..1);
    let mut peer = accept(&listener).await;
    assert_eq!(numbers(&mut peer, 1).await, [0]);
    until("the connection is lent", || sink.outlet.is_lent()).await;
    let peer = peer.into_inner().into_std().unwrap();
    peer.set_nonblocking(false).unwrap();
    peer.set_read_timeout(Some(SOON)).unwrap();
    // From here on nobody gives the only thread of the tasks back.
    sink.push(1..3);
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(peer));
    for number in 1..3 {
        assert_eq!(lines.next().unwrap().unwrap(), format!("servers.web01.n {number} 1700000000"));
    }
    assert_eq!((sink.counts().sent, sink.counts().queued), (3, 0));
}

#[tokio::test]
async fn what_a_lent_connection_does_not_take_at_once_follows_in_order() {
    const LAST: u32 = 400_000;
    let (listener, address) = listener().await;
    let sink = sink(&address, 32 << 20, 0, SOON);
    sink.push(0..1);
    let mut peer = accept(&listener).await;
    assert_eq!(numbers(&mut peer, 1).await, [0]);
    until("the connection is lent", || sink.outlet.is_lent()).await;
    // More than the kernel holds for both sides.
    let lines: String = (1..LAST).map(|number| format!("servers.web01.n {number} 1700000000\n")).collect();
    sink.outlet.push(lines.as_bytes());
    assert!(sink.counts().sent > 1 && sink.counts().queued > 0, "a part is on its way: {:?}", sink.counts());
    assert_eq!(numbers(&mut peer, LAST - 1).await, (1..LAST).collect::<Vec<_>>());
    until("all are counted", || sink.counts().sent == u64::from(LAST)).await;
    sink.closing.cancel();
    drop(peer);
    timeout(SOON, sink.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn lines_that_a_lent_connection_took_in_part_wait_again_when_it_breaks() {
    let (first, address) = listener().await;
    let sink = sink(&address, 32 << 20, 0, SOON);
    sink.push(0..1);
    let mut peer = accept(&first).await;
    assert_eq!(numbers(&mut peer, 1).await, [0]);
    until("the connection is lent", || sink.outlet.is_lent()).await;
    let lines: String = (1..400_000).map(|number| format!("servers.web01.n {number} 1700000000\n")).collect();
    sink.outlet.push(lines.as_bytes());
    let sent = sink.counts().sent;
    drop(peer);
    let mut peer = accept(&first).await;
    // What was handed over is not sent again, as `resend` says; what was not is, from the beginning of a line.
    let rest = u64::from(numbers(&mut peer, 1).await[0]);
    assert!(rest >= sent, "{rest} {sent}");
    let others = (399_999 - rest) as u32;
    assert_eq!(numbers(&mut peer, others).await.last(), Some(&399_999));
    until("all are counted", || sink.counts().sent == 400_000).await;
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
async fn a_peer_that_talks_without_end_is_left_and_its_lines_go_to_the_next() {
    let (listener, address) = listener().await;
    let sink = sink(&address, 1 << 20, 30, SOON);
    sink.push(0..50);
    let mut talker = accept(&listener).await;
    let garbage = vec![0xff; 64 << 10];
    let talk = async { while talker.get_mut().write_all(&garbage).await.is_ok() {} };
    timeout(SOON, talk).await.unwrap();
    let mut peer = accept(&listener).await;
    assert_eq!(numbers(&mut peer, 50).await, (0..50).collect::<Vec<_>>());
    assert_eq!((sink.counts().lost, sink.counts().connects), (0, 2));
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

/// Starts what `config` describes, as the agent does.
fn start(text: &str) -> Sink {
    let config: crate::DestinationConfig = toml::from_str(text).unwrap();
    let agent = crate::AgentConfig { retry_first: Duration::from_millis(5), ..crate::AgentConfig::default() };
    let limits = Limits { bytes: 1 << 20, resend: Duration::ZERO, slot: Interval::from_secs(1).unwrap() };
    let (outlet, closing) = (Arc::new(Outlet::new("sink", limits)), CancellationToken::new());
    let delivery = crate::delivery::deliver(config, agent, Arc::clone(&outlet), closing.clone());
    let task = tokio::spawn(delivery);
    Sink { outlet, closing, task }
}

async fn datagram(kind: &str) -> String {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let sink = start(&format!("{kind}\naddress = \"{}\"", socket.local_addr().unwrap()));
    sink.push(7..9);
    let mut bytes = [0; 2000];
    let length = timeout(SOON, socket.recv(&mut bytes)).await.unwrap().unwrap();
    until("they are counted", || sink.counts().sent == 2).await;
    String::from_utf8(bytes[..length].to_vec()).unwrap()
}

#[tokio::test]
async fn lines_and_gauges_go_by_datagrams() {
    let lines = "servers.web01.n 7 1700000000\nservers.web01.n 8 1700000000\n";
    assert_eq!(datagram("protocol = \"udp\"").await, lines);
    assert_eq!(datagram("kind = \"statsd\"").await, "servers.web01.n:7|g\nservers.web01.n:8|g\n");
}

#[tokio::test]
async fn datagrams_that_nobody_takes_are_lost_and_counted() {
    let socket = tokio::net::UdpSocket::bind("127.0.0.1:0").await.unwrap();
    let sink = start(&format!("kind = \"statsd\"\naddress = \"{}\"", socket.local_addr().unwrap()));
    drop(socket);
    let mut number = 0;
    let told = timeout(SOON, async {
        while sink.counts().lost == 0 {
            sink.push(number..number + 1);
            number += 1;
            sleep(Duration::from_millis(5)).await;
        }
    });
    told.await.unwrap();
    let (counts, lost) = sink.outlet.account();
    assert_eq!(lost.points(crate::Cause::Refused), counts.lost);
}

#[tokio::test]
async fn a_pickle_has_its_length_before_it() {
    let (listener, address) = listener().await;
    let sink = start(&format!("kind = \"pickle\"\naddress = \"{address}\""));
    sink.push(7..9);
    let mut peer = accept(&listener).await;
    let length = timeout(SOON, peer.read_u32()).await.unwrap().unwrap();
    let mut pickle = vec![0; length as usize];
    timeout(SOON, peer.read_exact(&mut pickle)).await.unwrap().unwrap();
    assert!(pickle.starts_with(b"\x80\x02](") && pickle.ends_with(b"e."));
    assert_eq!(pickle.windows(15).filter(|window| window == b"servers.web01.n").count(), 2);
}

#[tokio::test]
async fn a_file_takes_lines_and_a_folder_that_is_not_there_does_not_lose_them() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("later/lines");
    let sink = start(&format!("kind = \"file\"\npath = {path:?}"));
    sink.push(0..3);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    std::fs::create_dir(folder.path().join("later")).unwrap();
    until("all are written", || sink.counts().sent == 3).await;
    assert_eq!(std::fs::read_to_string(path).unwrap().lines().count(), 3);
    sink.closing.cancel();
    timeout(SOON, sink.task).await.unwrap().unwrap();
}

#[tokio::test]
async fn lines_for_a_full_disk_wait_in_bounded_memory() {
    let sink = start("kind = \"file\"\npath = \"/dev/full\"");
    sink.push(0..3);
    for _ in 0..50 {
        tokio::task::yield_now().await;
    }
    sink.push(3..60_000);
    let counts = sink.counts();
    assert_eq!((counts.sent, counts.queued + counts.lost), (0, 60_000));
    assert!(counts.bytes <= 1 << 20 && counts.lost > 0, "{counts:?}");
    sink.task.abort();
}

#[cfg(feature = "tls")]
mod encrypted {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use tokio_rustls::TlsAcceptor;
    use tokio_rustls::rustls::crypto::ring;
    use tokio_rustls::rustls::server::WebPkiClientVerifier;
    use tokio_rustls::rustls::{RootCertStore, ServerConfig};

    use super::*;

    /// A server for the name `graphite.test`, and its certificate as PEM.
    fn server() -> (TlsAcceptor, String) {
        server_for(None)
    }

    /// As [`server`], for clients that show a certificate of `clients`.
    fn server_for(clients: Option<RootCertStore>) -> (TlsAcceptor, String) {
        let verifier = match clients {
            None => WebPkiClientVerifier::no_client_auth(),
            Some(roots) => {
                WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::new(ring::default_provider()))
                    .build()
                    .unwrap()
            }
        };
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["graphite.test".to_owned()]).unwrap();
        let key = signing_key.serialize_der().try_into().unwrap();
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_client_cert_verifier(verifier)
            .with_single_cert(vec![cert.der().clone()], key)
            .unwrap();
        (TlsAcceptor::from(Arc::new(config)), cert.pem())
    }

    async fn start_with(options: &str, address: &str, pem: &str) -> (Sink, tempfile::TempDir) {
        let folder = tempfile::tempdir().unwrap();
        let ca = folder.path().join("ca.pem");
        std::fs::write(&ca, pem).unwrap();
        (start(&format!("address = {address:?}\n[tls]\nca = {ca:?}\n{options}")), folder)
    }

    #[tokio::test]
    async fn lines_are_encrypted_for_the_server_that_is_meant() {
        let ((listener, address), (acceptor, pem)) = (listener().await, server());
        let (sink, _folder) = start_with("server-name = \"graphite.test\"", &address, &pem).await;
        sink.push(0..100);
        let (socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
        let peer = timeout(SOON, acceptor.accept(socket)).await.unwrap().unwrap();
        let mut lines = BufReader::new(peer).lines();
        for number in 0..100 {
            let line = timeout(SOON, lines.next_line()).await.unwrap().unwrap().unwrap();
            assert_eq!(line, format!("servers.web01.n {number} 1700000000"));
        }
    }

    #[tokio::test]
    async fn a_server_that_is_not_meant_gets_nothing() {
        let ((listener, address), (acceptor, pem)) = (listener().await, server());
        let (sink, _folder) = start_with("server-name = \"other.test\"", &address, &pem).await;
        sink.push(0..3);
        let (socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
        assert!(timeout(SOON, acceptor.accept(socket)).await.unwrap().is_err());
        assert_eq!((sink.counts().sent, sink.counts().connects), (0, 0));
    }
    #[tokio::test]
    async fn a_server_that_asks_learns_who_we_are() {
        let CertifiedKey { cert, signing_key } = generate_simple_self_signed(["agent.test".to_owned()]).unwrap();
        let mut roots = RootCertStore::empty();
        roots.add(cert.der().clone()).unwrap();
        let ((listener, address), (acceptor, pem)) = (listener().await, server_for(Some(roots)));
        let ours = tempfile::tempdir().unwrap();
        let (certificate, key) = (ours.path().join("agent.pem"), ours.path().join("agent.key"));
        std::fs::write(&certificate, cert.pem()).unwrap();
        std::fs::write(&key, signing_key.serialize_pem()).unwrap();
        let named = "server-name = \"graphite.test\"";
        let (stranger, _folder) = start_with(named, &address, &pem).await;
        stranger.push(0..1);
        let (socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
        assert!(timeout(SOON, acceptor.accept(socket)).await.unwrap().is_err());
        stranger.task.abort();

        // What the stranger's attempts left in the listener's queue is refused, ours is not.
        let options = format!("{named}\ncertificate = {certificate:?}\nkey = {key:?}");
        let (sink, _folder) = start_with(&options, &address, &pem).await;
        sink.push(7..8);
        let peer = loop {
            let (socket, _) = timeout(SOON, listener.accept()).await.unwrap().unwrap();
            if let Ok(peer) = timeout(SOON, acceptor.accept(socket)).await.unwrap() {
                break peer;
            }
        };
        let line = timeout(SOON, BufReader::new(peer).lines().next_line()).await.unwrap().unwrap().unwrap();
        assert_eq!(line, "servers.web01.n 7 1700000000");
    }
}
