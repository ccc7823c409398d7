//! `/flush`: who may ask, and what is answered, over a store that is told what to do.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use carbon_line::{MetricName, Pattern};
use carbon_storage::{Answer, Flush, Flushed};
use render::{Family, HttpConfig, Part, Server, Status};
use serde_json::{Value, json};
use tower::ServiceExt;

/// Answers what it was given, and remembers what it was asked.
struct Told {
    answer: Flushed,
    asked: Mutex<Vec<Option<String>>>,
}

impl Flush for Told {
    fn flush<'a>(&'a self, only: Option<&'a Pattern>, _: Duration) -> Answer<'a, Flushed> {
        self.asked.lock().unwrap().push(only.map(|pattern| pattern.as_str().to_owned()));
        Box::pin(async { self.answer.clone() })
    }
}

struct Ill;

impl Part for Ill {
    fn name(&self) -> &'static str {
        "ill"
    }

    fn counters(&self) -> Value {
        json!({ "count": 1 })
    }

    fn faults(&self) -> Vec<String> {
        vec!["it hurts".to_owned()]
    }

    fn families(&self) -> Vec<Family> {
        vec![Family::counter("ill_total", "How often.").labelled(&[("where", "a\"b")], 2.0)]
    }
}

async fn server(status: Status) -> Server {
    let http = HttpConfig { listen: SocketAddr::from(([127, 0, 0, 1], 0)), ..HttpConfig::default() };
    Server::start_status(http, status).await.unwrap()
}

/// Status and body of the answer.
async fn ask(server: &Server, method: &str, path: &str, header: &str) -> (u16, String) {
    let (address, request) =
        (server.address(), format!("{method} {path} HTTP/1.1\r\nHost: x\r\n{header}Connection: close\r\n\r\n"));
    let exchange = move || {
        let mut stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head[9..12].parse().unwrap(), body.to_owned())
    };
    tokio::task::spawn_blocking(exchange).await.unwrap()
}

fn told(answer: Flushed) -> (Arc<Told>, Status) {
    let told = Arc::new(Told { answer, asked: Mutex::default() });
    (told.clone(), Status { flush: Some(told), ..Status::default() })
}

#[tokio::test]
async fn a_flush_is_answered_when_all_is_written() {
    let (told, status) = told(Flushed { series: 2, points: 5, ..Flushed::default() });
    let server = server(status).await;
    let (code, body) = ask(&server, "GET", "/flush", "").await;
    assert_eq!((code, serde_json::from_str::<Value>(&body).unwrap()), (200, json!({ "flushed": 5, "series": 2 })));
    assert_eq!(ask(&server, "POST", "/flush/?query=a.*.%7Bb,c%7D", "").await.0, 200);
    assert_eq!(*told.asked.lock().unwrap(), [None, Some("a.*.{b,c}".to_owned())]);
    server.stop().await;
}

#[tokio::test]
async fn what_is_left_is_a_503_with_names() {
    let examples = vec![MetricName::parse("a.b").unwrap()];
    let server = server(told(Flushed { left: 9, examples, ..Flushed::default() }).1).await;
    let (code, body) = ask(&server, "GET", "/flush", "").await;
    let body: Value = serde_json::from_str(&body).unwrap();
    assert_eq!((code, &body["left"], &body["examples"]), (503, &json!(9), &json!(["a.b"])));
    assert!(body["error"].as_str().unwrap().contains("9 series"), "{body}");
    server.stop().await;
}

#[tokio::test]
async fn nobody_flushes_for_others() {
    let (told, status) = told(Flushed::default());
    let server = server(status.clone()).await;
    for header in ["Origin: http://evil\r\n", "X-Forwarded-For: 10.0.0.1\r\n", "Forwarded: for=10.0.0.1\r\n"] {
        assert_eq!(ask(&server, "GET", "/flush", header).await.0, 403, "{header}");
    }
    assert_eq!(ask(&server, "GET", "/flush?query=%zz", "").await.0, 400);
    server.stop().await;
    // Without a word from the server on who asks, nobody is from here.
    let request = hyper::Request::get("/flush").body(axum::body::Body::empty()).unwrap();
    let answer = render::status_router(HttpConfig::default(), status).oneshot(request).await.unwrap();
    assert_eq!(answer.status(), 403);
    assert!(told.asked.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_part_that_is_ill_turns_health_red_and_says_why() {
    let server = server(Status { parts: vec![Arc::new(Ill)], ..Status::default() }).await;
    let (code, body) = ask(&server, "GET", "/health", "").await;
    let expected = json!({ "status": "failing", "reasons": ["ill: it hurts"], "ill": { "count": 1 } });
    assert_eq!((code, serde_json::from_str::<Value>(&body).unwrap()), (503, expected));
    let (code, body) = ask(&server, "GET", "/metrics", "").await;
    assert_eq!(code, 200);
    assert!(
        body.contains("plumbago_healthy{part=\"ill\"} 0\n") && body.contains("ill_total{where=\"a\\\"b\"} 2\n"),
        "{body}"
    );
    assert_eq!(ask(&server, "GET", "/flush", "").await.0, 404, "nothing waits here");
    assert_eq!(ask(&server, "GET", "/render?target=a", "").await.0, 404);
    server.stop().await;
}
