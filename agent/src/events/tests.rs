use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, sync_channel};

use super::*;

const SOON: Duration = Duration::from_secs(30);

/// A server that answers each request with what `behave` makes of its first line, and tells of each whole request.
fn server(behave: impl Fn(&str) -> (u16, String) + Send + 'static) -> (SocketAddr, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let (heard, requests) = sync_channel(100);
    thread::spawn(move || {
        for peer in listener.incoming() {
            let (mut peer, mut request, mut piece) = (peer.unwrap(), String::new(), [0; 4096]);
            while !whole(&request) {
                let length = peer.read(&mut piece).unwrap();
                assert!(length > 0, "half a request: {request}");
                request.push_str(std::str::from_utf8(&piece[..length]).unwrap());
            }
            let (status, body) = behave(request.lines().next().unwrap());
            let length = body.len();
            let answer = format!("HTTP/1.1 {status} X\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}");
            peer.write_all(answer.as_bytes()).unwrap();
            if heard.send(request).is_err() {
                return;
            }
        }
    });
    (address, requests)
}

fn whole(request: &str) -> bool {
    let Some((head, body)) = request.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.to_ascii_lowercase().strip_prefix("content-length: ")?.parse().ok());
    body.len() >= length.unwrap_or(0)
}

fn change(what: &str, perhaps_told: bool) -> Change {
    Change { what: what.to_owned(), tags: vec!["ceph".to_owned()], data: String::new(), perhaps_told }
}

fn upstream(address: SocketAddr) -> Upstream {
    let upstream = Upstream::default();
    upstream.open(&format!("http://{address}/events/"));
    upstream
}

#[test]
fn a_change_is_posted_with_its_moment() {
    let (address, requests) = server(|_| (200, String::new()));
    upstream(address).post(change("osd.0 is down", false), Timestamp::from_secs(1_700_000_000));
    let request = requests.recv_timeout(SOON).unwrap();
    assert!(request.starts_with("POST /events/ HTTP/1.1"), "{request}");
    let body: serde_json::Value = serde_json::from_str(request.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let expected = serde_json::json!({"what": "osd.0 is down", "tags": ["ceph"], "data": "", "when": 1_700_000_000});
    assert_eq!(body, expected);
}

#[test]
fn what_another_agent_has_told_is_not_told_again() {
    let (address, requests) = server(|line| {
        let known = r#"[{"what": "osd.0 is down", "when": 1, "tags": [], "data": "", "id": 1}]"#;
        (200, if line.starts_with("GET") { known.to_owned() } else { String::new() })
    });
    let upstream = upstream(address);
    for what in ["osd.0 is down", "osd.1 is down"] {
        upstream.post(change(what, true), Timestamp::from_secs(1_700_000_000));
    }
    let lines: Vec<String> = (0..3).map(|_| requests.recv_timeout(SOON).unwrap()).collect();
    assert!(lines[0].starts_with("GET /events/get_data?from=1699999880&until=1700000120&tags=ceph "), "{}", lines[0]);
    assert!(lines[1].starts_with("GET"));
    assert!(lines[2].starts_with("POST") && lines[2].contains("osd.1 is down"), "{}", lines[2]);
}

#[test]
fn a_change_waits_for_a_server_that_is_away_and_a_refused_one_is_dropped() {
    let turn = std::sync::atomic::AtomicU32::new(0);
    let (address, requests) = server(move |_| match turn.fetch_add(1, std::sync::atomic::Ordering::Relaxed) {
        0 => (503, String::new()),
        1 => (400, String::new()),
        _ => (200, String::new()),
    });
    let upstream = upstream(address);
    upstream.post(change("first", false), Timestamp::from_secs(1));
    upstream.post(change("second", false), Timestamp::from_secs(2));
    let told: Vec<String> = (0..3).map(|_| requests.recv_timeout(SOON).unwrap()).collect();
    let has = |at: usize, what: &str| told[at].contains(what);
    assert!(has(0, "first") && has(1, "first") && has(2, "second"), "{told:?}");
}

#[test]
fn the_server_says_who_was_heard_last() {
    let (address, _requests) = server(|_| {
        (200, r#"[{"target": "a.b", "datapoints": [[1.0, 10], [2.0, 20], [null, 30]]}, {"target": "c", "datapoints": [[null, 10]]}]"#.to_owned())
    });
    let heard = upstream(address).last("a.*", SOON);
    assert_eq!(heard, Some(vec![Heard { series: "a.b".to_owned(), time: Timestamp::from_secs(20), step: 10 }]));
}

#[test]
fn who_cannot_be_asked_says_nothing() {
    assert_eq!(Upstream::default().last("a", SOON), None);
    let (address, _requests) = server(|_| (200, "no JSON".to_owned()));
    assert_eq!(upstream(address).last("a", SOON), None);
    let silent = TcpListener::bind("127.0.0.1:0").unwrap();
    assert_eq!(upstream(silent.local_addr().unwrap()).last("a", Duration::from_millis(50)), None);
}

#[test]
fn a_place_for_events_is_a_plain_url() {
    for fine in ["http://graphite:8080/events/", "http://127.0.0.1/graphite/events"] {
        assert_eq!(fault(fine), None, "{fine}");
    }
    for bad in
        ["graphite:8080", "http:///events/", "http://graphite/", "https://graphite/events/", "http://a b/events/"]
    {
        assert!(fault(bad).is_some(), "{bad}");
    }
}
