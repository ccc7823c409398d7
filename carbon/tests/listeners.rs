//! Every listener, as its peers see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use carbon::{Carbon, Config, Protocol, Snapshot};
use carbon_line::{frame, pickle};
use carbon_storage::{Memory, NameTable};
use whisper::Interval;

struct Daemon {
    carbon: Carbon,
    store: Arc<Memory>,
}

impl Daemon {
    async fn start(change: impl FnOnce(&mut Config)) -> Daemon {
        let mut config = Config {
            plaintext: vec![anywhere()],
            max_wait: Some(Duration::from_millis(5)),
            report_interval: Duration::ZERO,
            ..Config::default()
        };
        change(&mut config);
        let store = Arc::new(Memory::new(Interval::from_secs(1).unwrap(), 2));
        let carbon = Carbon::start(config, None, store.clone(), Arc::new(NameTable::new())).await.unwrap();
        Daemon { carbon, store }
    }

    fn address(&self, protocol: Protocol) -> SocketAddr {
        self.carbon.addresses(protocol).next().unwrap()
    }

    fn connect(&self, protocol: Protocol) -> TcpStream {
        let peer = TcpStream::connect(self.address(protocol)).unwrap();
        peer.set_read_timeout(Some(PATIENCE)).unwrap();
        peer
    }

    fn snapshot(&self) -> Snapshot {
        self.carbon.stats().snapshot()
    }

    /// Stops, and checks that every point received has been stored.
    async fn stop(self) -> (Arc<Memory>, Snapshot) {
        let (store, stats) = (self.store, self.carbon.stats());
        self.carbon.stop().await.unwrap();
        let stats = stats.snapshot();
        assert_eq!(stats.received, stats.stored + stats.overwritten + stats.dropped, "{stats:?}");
        assert_eq!(stats.connections, 0);
        (store, stats)
    }
}

/// Nothing here takes that long.
const PATIENCE: Duration = Duration::from_secs(30);

fn anywhere() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

/// Whether the other side has closed the connection, and not by a timeout of ours.
async fn closed(mut peer: TcpStream) -> bool {
    let read = tokio::task::spawn_blocking(move || peer.read(&mut [0; 1]).map_err(|error| error.kind()));
    matches!(read.await.unwrap(), Ok(0) | Err(std::io::ErrorKind::ConnectionReset))
}

fn pickled(points: &[(&str, u32, f64)]) -> Vec<u8> {
    let mut writer = pickle::Writer::new();
    writer.list(|list| {
        for (name, time, value) in points {
            list.text(name).int(i64::from(*time)).float(*value).tuple2().tuple2();
        }
    });
    frame::wrap(&writer.finish()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn pickles_are_taken_and_a_bad_one_costs_itself_only() {
    let daemon = Daemon::start(|config| config.pickle = vec![anywhere()]).await;
    let (mut peer, now) = (daemon.connect(Protocol::Pickle), now());
    let class = frame::wrap(b"cposix\nsystem\n(S'true'\ntR.").unwrap();
    let stream =
        [pickled(&[("a.b", now, 1.0), ("c", now, f64::NAN), ("c", now, 2.0)]), class, pickled(&[("d", now, 3.0)])];
    for piece in stream.concat().chunks(7) {
        peer.write_all(piece).unwrap();
    }
    drop(peer);
    until("the last point", || daemon.snapshot().received == 3).await;
    let (store, stats) = daemon.stop().await;
    assert_eq!((stats.refused("nan"), stats.refused("pickle"), stats.refused_total()), (1, 1, 2));
    assert!(["a.b", "c", "d"].iter().all(|name| store.points(name).len() == 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_announces_too_much_closes_the_connection() {
    let daemon = Daemon::start(|config| config.pickle = vec![anywhere()]).await;
    let mut peer = daemon.connect(Protocol::Pickle);
    peer.write_all(&[pickled(&[("a", now(), 1.0)]), vec![0, 0x10, 0, 1]].concat()).unwrap();
    assert!(closed(peer).await);
    let (_, stats) = daemon.stop().await;
    assert_eq!((stats.received, stats.broken, stats.refused("pickle")), (1, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn pythons_own_pickles_are_read_in_every_protocol() {
    let daemon = Daemon::start(|config| config.pickle = vec![anywhere()]).await;
    let script = r#"
import pickle, socket, struct, sys, time
peer, now = socket.create_connection(("127.0.0.1", int(sys.argv[1]))), int(time.time())
for protocol in range(6):
    points = [("p%d.m%d" % (protocol, n), (now - (n == 1) * 0.5, n if n < 3 else str(n))) for n in range(40)]
    body = pickle.dumps(points + [("broken",), ["p%d.list" % protocol, [now, 2**70]]], protocol)
    peer.sendall(struct.pack("!L", len(body)) + body)
"#;
    let port = daemon.address(Protocol::Pickle).port().to_string();
    let python = tokio::task::spawn_blocking(move || Command::new("python3").args(["-c", script, &port]).status());
    match python.await.unwrap() {
        Ok(status) => assert!(status.success()),
        Err(error) => return golden::peer::skip("python3", &error.to_string()),
    }
    until("all items", || daemon.snapshot().received == 6 * 41).await;
    let (store, stats) = daemon.stop().await;
    assert_eq!((stats.refused("item"), stats.refused_total()), (6, 6));
    assert_eq!(store.points("p5.list")[0].value, 2f64.powi(70));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_datagram_is_taken_or_counted_as_dropped_by_the_kernel() {
    const DATAGRAMS: u64 = 3000;
    let daemon = Daemon::start(|config| {
        config.udp = vec![anywhere()];
        config.udp_buffer = 1;
    })
    .await;
    let (address, now) = (daemon.address(Protocol::Udp), now());
    let burst = tokio::task::spawn_blocking(move || {
        let peer = UdpSocket::bind(anywhere()).unwrap();
        for n in 0..DATAGRAMS {
            peer.send_to(format!("a.m{n} 1 {now}\nb.m{n} 2 {now}").as_bytes(), address).unwrap();
        }
        peer.send_to(b"", address).unwrap();
        peer.send_to(b"\xff", address).unwrap();
    });
    burst.await.unwrap();
    until("a datagram", || daemon.snapshot().received > 0).await;
    let (_, stats) = daemon.stop().await;
    assert_eq!(stats.datagrams + stats.kernel_drops, DATAGRAMS + 2, "{stats:?}");
    assert!(stats.received >= 2 * (stats.datagrams - 2), "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_unix_socket_takes_lines_and_leaves_no_path_behind() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("carbon.sock");
    let asked: PathBuf = path.clone();
    let daemon = Daemon::start(|config| config.unix = vec![asked]).await;
    let mut peer = UnixStream::connect(&path).unwrap();
    peer.write_all(format!("a.b 1 {}\n", now()).as_bytes()).unwrap();
    // The peer stays connected; the stop reads what it has sent.
    let (store, _) = daemon.stop().await;
    assert_eq!(store.points("a.b").len(), 1);
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_proxy_says_who_the_peer_is_and_anything_else_is_closed() {
    let daemon = Daemon::start(|config| {
        config.proxy_protocol = true;
        config.max_connections_per_peer = 1;
    })
    .await;
    let time = now();
    let proxied = |source: &str| {
        let mut peer = daemon.connect(Protocol::Plaintext);
        peer.write_all(format!("PROXY TCP4 {source} 192.0.2.9 5000 2003\r\na.b 1 {time}\n").as_bytes()).unwrap();
        peer
    };
    let first = proxied("192.0.2.1");
    until("the first peer", || daemon.snapshot().received == 1).await;
    let _second = proxied("192.0.2.2");
    until("the second peer", || daemon.snapshot().received == 2).await;
    assert!(closed(proxied("192.0.2.1")).await, "one connection for each peer");
    drop(first);
    let mut plain = daemon.connect(Protocol::Plaintext);
    plain.write_all(format!("a.b 1 {time}\n").as_bytes()).unwrap();
    assert!(closed(plain).await);
    let (_, stats) = daemon.stop().await;
    assert_eq!((stats.received, stats.turned_away, stats.broken), (2, 1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn one_address_holds_no_more_connections_than_it_may() {
    let daemon = Daemon::start(|config| config.max_connections_per_peer = 2).await;
    let _held = [daemon.connect(Protocol::Plaintext), daemon.connect(Protocol::Plaintext)];
    until("two connections", || daemon.snapshot().connections == 2).await;
    assert!(closed(daemon.connect(Protocol::Plaintext)).await);
    assert_eq!(daemon.stop().await.1.turned_away, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_trickles_bytes_is_not_taken_for_a_living_one() {
    let daemon = Daemon::start(|config| config.idle_timeout = Duration::from_millis(300)).await;
    let mut peer = daemon.connect(Protocol::Plaintext);
    let trickle = tokio::task::spawn_blocking(move || {
        let start = Instant::now();
        while start.elapsed() < PATIENCE && peer.write_all(b"x").is_ok() {
            std::thread::park_timeout(Duration::from_millis(20));
        }
    });
    until("the end of patience", || daemon.snapshot().timeouts == 1).await;
    trickle.await.unwrap();
    assert_eq!(daemon.stop().await.1.refused("unfinished"), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_hundred_silent_peers_and_a_flood_delay_nobody() {
    let daemon = Daemon::start(|_| {}).await;
    let silent: Vec<TcpStream> = (0..500).map(|_| daemon.connect(Protocol::Plaintext)).collect();
    let mut flood = daemon.connect(Protocol::Plaintext);
    let flooding = std::thread::spawn(move || while flood.write_all(&[b'x'; 65_536]).is_ok() {});
    until("all connections", || daemon.snapshot().connections == 501).await;
    let (mut good, time) = (daemon.connect(Protocol::Plaintext), now());
    for n in 1..=50 {
        good.write_all(format!("a.b {n} {time}\n").as_bytes()).unwrap();
        until("the line", || daemon.snapshot().received == n).await;
    }
    drop(silent);
    daemon.stop().await;
    flooding.join().unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn unfinished_pickles_are_bounded_and_a_good_peer_is_heard() {
    const MOST: usize = 1 << 20;
    let daemon = Daemon::start(|config| {
        config.pickle = vec![anywhere()];
        config.max_unfinished = MOST;
    })
    .await;
    let hostile: Vec<TcpStream> = (0..20)
        .map(|_| {
            let mut peer = daemon.connect(Protocol::Pickle);
            peer.write_all(&(MOST as u32).to_be_bytes()).unwrap();
            peer.write_all(&vec![b'('; MOST / 10]).unwrap();
            peer
        })
        .collect();
    until("the oldest to give way", || daemon.snapshot().evicted > 0).await;
    let time = now();
    let names: Vec<String> = (0..10_000).map(|n| format!("a.{n:020}")).collect();
    let points: Vec<_> = names.iter().map(|name| (name.as_str(), time, 1.0)).collect();
    let mut good = daemon.connect(Protocol::Pickle);
    good.write_all(&pickled(&points)).unwrap();
    until("the good peer's points", || daemon.snapshot().received == 10_000).await;
    assert!(daemon.snapshot().connections <= 12);
    drop(hostile);
    daemon.stop().await;
}

/// The second daemon takes over from the first, several times, while senders go on; what the one has not read whole the
/// other completes.
#[tokio::test(flavor = "multi_thread")]
async fn sockets_change_hands_and_no_line_is_lost() {
    const SENDERS: u32 = 8;
    const LINES: u32 = 400;
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("carbon.sock");
    let configure = |config: &mut Config| {
        config.unix = vec![path.clone()];
        config.udp = vec![anywhere()];
        config.pickle = vec![anywhere()];
    };
    let mut daemon = Daemon::start(configure).await;
    let (address, time) = (daemon.address(Protocol::Plaintext), now() - LINES);
    let sent = Arc::new(std::sync::atomic::AtomicU64::new(0));
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let (path, sent) = (path.clone(), sent.clone());
            std::thread::spawn(move || {
                let mut peer: Box<dyn Write> = match sender % 2 {
                    0 => Box::new(TcpStream::connect(address).unwrap()),
                    _ => Box::new(UnixStream::connect(path).unwrap()),
                };
                for n in 0..LINES {
                    let line = format!("s{sender}.permanent {n} {}\n", time + n);
                    let (first, rest) = line.as_bytes().split_at(line.len() / 2);
                    peer.write_all(first).unwrap();
                    std::thread::yield_now();
                    peer.write_all(rest).unwrap();
                    if n % 20 == 0 {
                        let mut fresh = TcpStream::connect(address).unwrap();
                        fresh.write_all(format!("s{sender}.fresh {n} {}\n", time + n).as_bytes()).unwrap();
                        sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                    sent.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                }
            })
        })
        .collect();
    let (mut received, mut refused) = (0, 0);
    for round in 1..=4 {
        let share = u64::from(SENDERS * LINES) * round / 6;
        until("some lines", || sent.load(std::sync::atomic::Ordering::Relaxed) > share).await;
        let handed = daemon.carbon.hand_over().await;
        assert_eq!(handed.listeners.len(), 4);
        let mut config = Config { plaintext: vec![address], report_interval: Duration::ZERO, ..Config::default() };
        configure(&mut config);
        let store = daemon.store.clone();
        let next = Carbon::start_with(config, None, store.clone(), Arc::new(NameTable::new()), handed).await.unwrap();
        let (_, stats) = std::mem::replace(&mut daemon, Daemon { carbon: next, store }).stop().await;
        received += stats.received;
        refused += stats.refused_total();
        assert!(path.exists());
    }
    senders.into_iter().for_each(|sender| sender.join().unwrap());
    let (store, stats) = daemon.stop().await;
    assert_eq!(refused + stats.refused_total(), 0);
    assert_eq!(received + stats.received, sent.load(std::sync::atomic::Ordering::Relaxed));
    for sender in 0..SENDERS {
        assert_eq!(store.points(&format!("s{sender}.permanent")).len(), LINES as usize);
        assert_eq!(store.points(&format!("s{sender}.fresh")).len(), LINES as usize / 20);
    }
    assert!(!path.exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_steady_trickle_loses_nothing_to_a_pause_a_flood_or_a_stop() {
    let daemon = Daemon::start(|_| {}).await;
    let (address, now) = (daemon.address(Protocol::Plaintext), now());
    let lines = move |series: &str, count: usize| -> Vec<u8> {
        (0..count).flat_map(|n| format!("{series}.n{n} {n} {now}\n").into_bytes()).collect()
    };
    let sender = tokio::task::spawn_blocking(move || {
        let mut peer = TcpStream::connect(address).unwrap();
        let trickle = |peer: &mut TcpStream, series: &str| {
            for piece in lines(series, 25).chunks(9) {
                peer.write_all(piece).unwrap();
                std::thread::sleep(Duration::from_millis(3));
            }
        };
        trickle(&mut peer, "a");
        std::thread::sleep(Duration::from_millis(120));
        trickle(&mut peer, "b");
        peer.write_all(&lines("c", 20_000)).unwrap();
        trickle(&mut peer, "d");
        peer
    });
    let _peer = sender.await.unwrap();
    // What is in the socket still is read by the stop.
    let (store, stats) = daemon.stop().await;
    assert_eq!((stats.received, stats.refused_total()), (20_075, 0));
    for (series, count) in [("a", 25), ("b", 25), ("c", 20_000), ("d", 25)] {
        assert!((0..count).all(|n| store.points(&format!("{series}.n{n}")).len() == 1), "{series}");
    }
}
