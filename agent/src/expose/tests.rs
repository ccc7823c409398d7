use std::io::{Read, Write};
use std::net::TcpStream;

use collectors::{Class, Collector, Fail, Out, Slot, Spec};
use whisper::Timestamp;

use super::*;

/// Gives gauges under each of its names.
struct Named(Vec<&'static str>);

impl Collector for Named {
    fn spec(&self) -> Spec {
        Spec { name: "memory", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        for (number, name) in self.0.iter().enumerate() {
            out.gauge(&["memory", name], number as f64).unit(Unit::Bytes);
        }
        Ok(())
    }
}

fn exposed() -> Arc<Exposed> {
    Arc::new(Exposed::new(Arc::new(Naming::new("servers", "h"))))
}

/// A job that has run once.
fn ran(exposed: &Arc<Exposed>, names: &[&'static str]) -> Job {
    let mut job = Job::new(Box::new(Named(names.to_vec())), Arc::clone(&exposed.naming));
    job.witness(exposed.shelf("memory", Duration::from_secs(10)));
    run(&mut job);
    job
}

fn run(job: &mut Job) {
    let slot = Slot { time: Timestamp::from_secs(1000), monotonic: Duration::from_secs(1) };
    job.run(slot, &mut String::new(), |_| {});
}

#[test]
fn a_value_has_its_unit_its_source_and_its_whole_name() {
    let exposed = exposed();
    let _job = ran(&exposed, &["MemFree"]);
    assert_eq!(
        exposed.page(Instant::now()),
        "# HELP plumbago_memory_MemFree Of memory, in bytes; /proc/meminfo: line `MemFree:`, kB x 1024\n\
         # TYPE plumbago_memory_MemFree gauge\n\
         plumbago_memory_MemFree{name=\"servers.h.memory.MemFree\"} 0\n"
    );
}

#[test]
fn names_that_prometheus_cannot_tell_apart_are_one_family() {
    let exposed = exposed();
    let _job = ran(&exposed, &["a-b", "x", "a_b", "\"\\"]);
    let page = exposed.page(Instant::now());
    let rows: Vec<_> = page.lines().filter(|line| !line.starts_with('#')).collect();
    assert_eq!(
        rows,
        [
            "plumbago_memory___{name=\"servers.h.memory.\\\"_\"} 3",
            "plumbago_memory_a_b{name=\"servers.h.memory.a-b\"} 0",
            "plumbago_memory_a_b{name=\"servers.h.memory.a_b\"} 2",
            "plumbago_memory_x{name=\"servers.h.memory.x\"} 1",
        ]
    );
    assert_eq!(page.matches("# TYPE plumbago_memory_a_b gauge").count(), 1);
}

#[test]
fn only_the_last_run_counts_and_not_for_ever() {
    let exposed = exposed();
    let mut job = ran(&exposed, &["a"]);
    run(&mut job);
    run(&mut job);
    let page = |secs| exposed.page(Instant::now() + Duration::from_secs(secs));
    assert_eq!(page(0).matches("} 0\n").count(), 1, "{}", page(0));
    assert_eq!(page(31), "");
    drop(job);
    assert_eq!(page(0), "", "a collector that was switched off says nothing");
}

/// What comes back for `request`.
async fn asked(address: SocketAddr, request: &'static str) -> String {
    let asking = move || {
        let mut peer = TcpStream::connect(address).unwrap();
        peer.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        // A peer that is turned away may find its connection reset.
        let _ = peer.read_to_string(&mut answer);
        answer
    };
    tokio::task::spawn_blocking(asking).await.unwrap()
}

#[tokio::test]
async fn the_page_is_there_for_who_asks_and_nothing_else_is() {
    let naming = Arc::new(Naming::new("servers", "h"));
    let exposure = Exposure::open(Some(([127, 0, 0, 1], 0).into()), &naming).unwrap();
    let mut job = Job::new(Box::new(Named(vec!["a"])), naming);
    exposure.watch(&mut job, Duration::from_secs(10));
    run(&mut job);
    let address = exposure.address().unwrap();
    let page = asked(address, "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(page.starts_with("HTTP/1.1 200 ") && page.contains("plumbago_memory_a{"), "{page}");
    for (request, expected) in [
        ("GET /etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", "HTTP/1.1 404 "),
        ("POST /metrics HTTP/1.1\r\nHost: h\r\nContent-Length: 9999999\r\n\r\n", "HTTP/1.1 405 "),
        ("\0\u{1}garbage\r\n\r\n", "HTTP/1.1 400 "),
    ] {
        let answer = asked(address, request).await;
        assert!(answer.starts_with(expected), "{request:?}: {answer}");
    }
}

#[tokio::test]
async fn peers_that_say_nothing_are_few() {
    let exposure = Exposure::open(Some(([127, 0, 0, 1], 0).into()), &Arc::new(Naming::new("", "h"))).unwrap();
    let address = exposure.address().unwrap();
    let peers: Vec<_> = (0..8).map(|_| TcpStream::connect(address).unwrap()).collect();
    assert_eq!(asked(address, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").await, "", "the ninth is turned away");
    drop(peers);
    let mut answer = String::new();
    while answer.is_empty() {
        answer = asked(address, "GET / HTTP/1.1\r\nHost: h\r\n\r\n").await;
    }
    assert!(answer.contains("/metrics"), "{answer}");
}
