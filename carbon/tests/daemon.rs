//! The daemon from socket to store, as peers and operators see it.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::io::Write as _;
use std::net::{SocketAddr, TcpStream};
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use carbon::{Carbon, Config, Error, Snapshot};
use carbon_line::MetricName;
use carbon_storage::{Memory, NameTable, Nowhere};
use whisper::{Interval, Point, Timestamp};

struct Daemon {
    carbon: Carbon,
    store: Arc<Memory>,
}

impl Daemon {
    async fn start(change: impl FnOnce(&mut Config)) -> Daemon {
        let store = Arc::new(Memory::new(Interval::from_secs(1).unwrap(), 2));
        let carbon = Carbon::start(config(change), None, store.clone(), Arc::new(NameTable::new())).await.unwrap();
        Daemon { carbon, store }
    }

    fn address(&self) -> SocketAddr {
        self.carbon.local_addr().unwrap()
    }

    fn snapshot(&self) -> Snapshot {
        self.carbon.stats().snapshot()
    }

    fn name(text: &str) -> MetricName {
        MetricName::parse(text).unwrap()
    }
}

fn config(change: impl FnOnce(&mut Config)) -> Config {
    let mut config = Config {
        plaintext: vec![SocketAddr::from(([127, 0, 0, 1], 0))],
        max_wait: Some(Duration::from_millis(5)),
        report_interval: Duration::ZERO,
        ..Config::default()
    };
    change(&mut config);
    config
}

fn now() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_secs() as u32
}

/// Sends from a thread of its own, so that the runtime is free to read.
async fn send(address: SocketAddr, bytes: Vec<u8>) {
    let sent = tokio::task::spawn_blocking(move || {
        let mut peer = TcpStream::connect(address).unwrap();
        peer.write_all(&bytes).unwrap();
    });
    sent.await.unwrap();
}

async fn until(what: &str, condition: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(20);
    while !condition() {
        assert!(Instant::now() < deadline, "waited in vain for {what}");
        tokio::time::sleep(Duration::from_millis(2)).await;
    }
}

#[track_caller]
fn assert_adds_up(stats: &Snapshot, waiting: usize) {
    assert_eq!(stats.received, stats.stored + stats.overwritten + stats.dropped + waiting as u64, "{stats:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_over_tcp_reach_the_store() {
    let daemon = Daemon::start(|_| {}).await;
    let now = now();
    send(daemon.address(), format!("a.b 1 {now}\r\na.b 2.5 {}\nc 3 -1\n..a..b. 9 {now}\n", now + 1).into_bytes()).await;
    until("four points", || daemon.snapshot().received == 4).await;
    let (store, stats) = (daemon.store.clone(), daemon.carbon.stats());
    daemon.carbon.stop().await.unwrap();
    let point = |time, value| Point { time: Timestamp::from_secs(time), value };
    assert_eq!(store.points("a.b"), [point(now, 9.0), point(now + 1, 2.5)]);
    assert_eq!(store.points("c").len(), 1);
    assert_adds_up(&stats.snapshot(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_line_is_stored_or_refused_for_one_reason() {
    let daemon = Daemon::start(|config| config.max_line = 300).await;
    let now = now();
    let mut bytes = format!(
        "ok 1 {now}\n\na.b 1\na b c d\na.b x {now}\na.b nan {now}\na.b 1 later\na.b 1 inf\na.b 1 -7\na.b 1 {}\na.b 1 {now}000\n\
         a.b 1 {now}000000\na.b 1 {now}000000000\n../etc 1 {now}\n... 1 {now}\na\x01b 1 {now}\n{} 1 {now}\n{}\nok 2 {now}\n",
        u64::from(now) + 4000,
        "p".repeat(252),
        "x".repeat(5000),
    )
    .into_bytes();
    bytes.extend_from_slice(b"\xff\xfe 1 1\n\x00\x80garbage\nunfinished 1 1");
    send(daemon.address(), bytes).await;
    until("the last line", || daemon.snapshot().refused("unfinished") == 1).await;
    let stats = daemon.snapshot();
    let found: Vec<_> = stats.refused.iter().filter(|(_, count)| *count > 0).copied().collect();
    let expected = [
        ("blank", 1),
        ("line-too-long", 1),
        ("unfinished", 1),
        ("not-utf8", 2),
        ("field-count", 2),
        ("value", 1),
        ("nan", 1),
        ("timestamp", 1),
        ("timestamp-not-finite", 1),
        ("timestamp-too-old", 1),
        ("future", 1),
        ("milliseconds", 1),
        ("microseconds", 1),
        ("nanoseconds", 1),
        ("name-empty", 1),
        ("name-control", 1),
        ("name-slash", 1),
        ("name-part-too-long", 1),
    ];
    assert_eq!(found, expected);
    assert_eq!((stats.received, stats.refused_total()), (2, 20));
    daemon.carbon.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_loses_nothing_the_kernel_had_accepted() {
    const SENDERS: usize = 30;
    const LINES: usize = 500;
    let daemon = Daemon::start(|config| config.max_wait = Some(Duration::from_secs(3600))).await;
    let (address, time) = (daemon.address(), now() - 1000);
    let senders: Vec<_> = (0..SENDERS)
        .map(|sender| {
            let lines: String = (0..LINES as u32).map(|n| format!("s{sender} {n} {}\n", time + n)).collect();
            std::thread::spawn(move || {
                let mut peer = TcpStream::connect(address).unwrap();
                peer.write_all(lines.as_bytes()).unwrap();
                peer
            })
        })
        .collect();
    // Some of these the daemon has not even accepted when it is told to stop; the peers stay connected.
    let peers: Vec<TcpStream> = senders.into_iter().map(|sender| sender.join().unwrap()).collect();
    let (store, stats) = (daemon.store.clone(), daemon.carbon.stats());
    daemon.carbon.stop().await.unwrap();
    drop(peers);
    for sender in 0..SENDERS {
        assert_eq!(store.points(&format!("s{sender}")).len(), LINES, "s{sender}");
    }
    assert_eq!(stats.snapshot().stored, (SENDERS * LINES) as u64);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_fails_in_part_loses_nothing() {
    let daemon = Daemon::start(|_| {}).await;
    daemon.store.set_reachable(0, false);
    let time = now() - 100;
    for n in 0..100 {
        send(daemon.address(), format!("xx {n} {}\nxxx {n} {}\n", time + n, time + n).into_bytes()).await;
    }
    until("the reachable half", || daemon.store.points("xxx").len() == 100).await;
    until("refusals", || daemon.snapshot().errors > 1).await;
    assert!(daemon.store.points("xx").is_empty());
    let waiting = daemon.carbon.recent().points(&[Daemon::name("xx")]).await.unwrap();
    assert_eq!(waiting[0].len(), 100, "queries see what could not be stored yet");
    assert_adds_up(&daemon.snapshot(), daemon.carbon.cache().points());
    daemon.store.set_reachable(0, true);
    let (store, stats) = (daemon.store.clone(), daemon.carbon.stats());
    daemon.carbon.stop().await.unwrap();
    assert_eq!(store.points("xx").len(), 100);
    assert_eq!((stats.snapshot().stored, stats.snapshot().dropped), (200, 0));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_series_refused_for_good_is_counted_and_harms_no_other() {
    let daemon = Daemon::start(|_| {}).await;
    daemon.store.refuse(&Daemon::name("bad"));
    let now = now();
    send(daemon.address(), format!("bad 1 {now}\ngood 1 {now}\nbad 2 {}\n", now + 1).into_bytes()).await;
    until("three points", || daemon.snapshot().received == 3).await;
    let (store, stats) = (daemon.store.clone(), daemon.carbon.stats());
    daemon.carbon.stop().await.unwrap();
    assert_eq!((store.points("good").len(), stats.snapshot().dropped), (1, 2));
    assert_adds_up(&stats.snapshot(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_gives_up_on_a_store_that_stays_away_and_says_how_much_is_lost() {
    let daemon = Daemon::start(|config| config.drain_for = Duration::from_millis(100)).await;
    daemon.store.set_reachable(0, false);
    send(daemon.address(), format!("xx 1 {}\n", now()).into_bytes()).await;
    until("the point", || daemon.snapshot().received == 1).await;
    let error = daemon.carbon.stop().await.unwrap_err();
    assert!(matches!(error, Error::PointsLeft { points: 1 }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_cache_stops_reading_and_goes_on_when_there_is_room() {
    const LINES: u32 = 400_000;
    let daemon = Daemon::start(|config| config.max_bytes = 64 << 10).await;
    let shard = daemon.store.shard_of("servers.0000.load.average");
    daemon.store.set_reachable(shard, false);
    let (address, time) = (daemon.address(), now() - 1000);
    let lines: String =
        (0..LINES).map(|n| format!("servers.{:04}.load.average {n} {}\n", n % 1000, time + n / 1000)).collect();
    let sender = tokio::spawn(send(address, lines.into_bytes()));
    until("a pause", || daemon.snapshot().pauses > 0).await;
    // One read's worth of lines may pass the limit, whatever is still coming.
    assert!(daemon.carbon.cache().bytes() < (64 << 10) + 256 * 1024 / 30 * 64);
    assert!(daemon.snapshot().received < u64::from(LINES));
    daemon.store.set_reachable(shard, true);
    sender.await.unwrap();
    until("all points", || daemon.snapshot().received == u64::from(LINES)).await;
    let stats = daemon.carbon.stats();
    daemon.carbon.stop().await.unwrap();
    assert_eq!(stats.snapshot().stored, u64::from(LINES));
}

#[tokio::test(flavor = "multi_thread")]
async fn senders_that_wait_for_room_get_it_before_points_are_due() {
    const LINES: u32 = 40_000;
    let daemon = Daemon::start(|config| {
        config.max_wait = Some(Duration::from_secs(3600));
        config.max_bytes = 64 << 10;
    })
    .await;
    let time = now() - 1000;
    let lines: String = (0..LINES).map(|n| format!("s{} {n} {}\n", n % 100, time + n / 100)).collect();
    let sender = tokio::spawn(send(daemon.address(), lines.into_bytes()));
    until("all points", || daemon.snapshot().received == u64::from(LINES)).await;
    sender.await.unwrap();
    assert!(daemon.snapshot().pauses > 0);
    daemon.carbon.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_client_delays_nobody_and_loses_nothing() {
    let daemon = Daemon::start(|_| {}).await;
    let now = now();
    let mut slow = TcpStream::connect(daemon.address()).unwrap();
    slow.set_nodelay(true).unwrap();
    let line = format!("slow 1 {now}\n");
    for (sent, byte) in line.bytes().enumerate() {
        slow.write_all(&[byte]).unwrap();
        send(daemon.address(), format!("quick {sent} {}\n", now - 50 + sent as u32).into_bytes()).await;
        until("the quick one", || daemon.snapshot().received >= sent as u64).await;
    }
    until("both", || daemon.snapshot().received == line.len() as u64 + 1).await;
    let store = daemon.store.clone();
    daemon.carbon.stop().await.unwrap();
    assert_eq!((store.points("slow").len(), store.points("quick").len()), (1, line.len()));
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_that_is_taken_is_named_with_the_way_out() {
    let daemon = Daemon::start(|_| {}).await;
    let taken = daemon.address();
    let store = Arc::new(Memory::new(Interval::from_secs(1).unwrap(), 1));
    let error =
        Carbon::start(config(|config| config.plaintext = vec![taken]), None, store, Arc::default()).await.unwrap_err();
    let text = error.to_string();
    assert!(text.contains(&taken.to_string()) && text.contains("carbon.plaintext"), "{text}");
    daemon.carbon.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_make_no_sense_are_all_named() {
    let store = Arc::new(Memory::new(Interval::from_secs(1).unwrap(), 1));
    let config = config(|config| (config.writers, config.max_bytes) = (0, 0));
    let text = Carbon::start(config, None, store, Arc::default()).await.unwrap_err().to_string();
    assert!(text.contains("carbon.writers") && text.contains("carbon.max-bytes"), "{text}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_peer_is_let_go() {
    let daemon = Daemon::start(|config| config.idle_timeout = Duration::from_millis(20)).await;
    let silent = TcpStream::connect(daemon.address()).unwrap();
    until("the connection", || daemon.snapshot().connections == 1).await;
    until("its end", || daemon.snapshot().connections == 0).await;
    drop(silent);
    daemon.carbon.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_daemon_tells_about_itself() {
    let daemon = Daemon::start(|config| {
        config.report_interval = Duration::from_millis(10);
        config.host = "web01.example".to_owned();
    })
    .await;
    let store = daemon.store.clone();
    until("its own metrics", || !store.points("carbon.agents.web01_example.metricsReceived").is_empty()).await;
    daemon.carbon.stop().await.unwrap();
    assert!(!store.points("carbon.agents.web01_example.refused.value").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn whatever_order_names_come_in_each_point_is_filed_under_its_own() {
    let daemon = Daemon::start(|_| {}).await;
    let (now, series, rounds) = (now(), 200u32, 12u32);
    // Some orders come twice, so that expectations are met, missed and learnt anew; `m.1` begins other names.
    let mut text = String::new();
    for round in 0..rounds {
        let stride = [1, 1, 3, 3, 7, 199][round as usize % 6];
        for n in 0..series {
            let n = n * stride % series;
            text.push_str(&match (n + round) % 5 {
                0 => format!("m.{n}   {n}.{round} {}\n", now - round),
                1 => format!("m.{n} {n}.{round}e0 {}\r\n", now - round),
                2 => format!("m..{n} {n}.{round} {}\n", now - round),
                _ => format!("m.{n} {n}.{round} {}\n", now - round),
            });
        }
    }
    send(daemon.address(), text.into_bytes()).await;
    until("all points", || daemon.snapshot().received == u64::from(series * rounds)).await;
    let (store, stats) = (daemon.store.clone(), daemon.carbon.stats());
    daemon.carbon.stop().await.unwrap();
    for n in 0..series {
        let point = |round: u32| Point {
            time: Timestamp::from_secs(now - round),
            value: format!("{n}.{round}").parse().unwrap(),
        };
        assert_eq!(store.points(&format!("m.{n}")), (0..rounds).rev().map(point).collect::<Vec<_>>(), "m.{n}");
    }
    assert_adds_up(&stats.snapshot(), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_keeps_nothing_is_counted_as_such() {
    let carbon = Carbon::start(config(|_| {}), None, Arc::new(Nowhere), Arc::new(NameTable::new())).await.unwrap();
    send(carbon.local_addr().unwrap(), format!("a.b 1 {0}\nbad\nc 2 {0}\n", now()).into_bytes()).await;
    let stats = carbon.stats();
    until("three lines", || stats.snapshot().received + stats.snapshot().refused_total() == 3).await;
    assert!(carbon.cache().is_empty());
    carbon.stop().await.unwrap();
    let stats = stats.snapshot();
    assert_eq!((stats.discarded, stats.dropped, stats.refused("field-count")), (2, 2, 1));
    assert_adds_up(&stats, 0);
}
