//! Dashboards over HTTP: who may change them, and what two who change the same one see.

#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use carbon_line::MetricName;
use carbon_storage::{Memory, Pending, SeriesId, Store};
use hyper::{HeaderMap, Request};
use render::{HttpConfig, Peer, RenderConfig, Sources, Status};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower::ServiceExt;
use whisper::{Interval, Point, Timestamp};

const TOKEN: &str = "0123456789abcdef0123";
const LOCAL: Peer = Peer::At(IpAddr::V4(Ipv4Addr::LOCALHOST));

async fn server() -> (TempDir, Router) {
    let folder = tempfile::tempdir().unwrap();
    let tokens = folder.path().join("tokens");
    std::fs::write(&tokens, TOKEN).unwrap();
    std::fs::set_permissions(&tokens, std::fs::Permissions::from_mode(0o600)).unwrap();
    let http = HttpConfig {
        token_file: Some(tokens),
        dashboards: Some(folder.path().join("dashboards")),
        ..HttpConfig::default()
    };
    let memory = Memory::new(Interval::from_secs(60).unwrap(), 1);
    let time = Timestamp::from_secs(1_793_512_800);
    let name = MetricName::parse("servers.web01.loadavg.01").unwrap();
    memory.write(&[Pending { series: SeriesId::new(0), name, points: vec![Point { time, value: 1.0 }] }], time).await;
    let memory = Arc::new(memory);
    let sources = Sources::new(memory.clone(), memory, Status::default());
    (folder, render::router(http, RenderConfig::default(), sources))
}

/// Asks as `peer`, with headers, and gives status, headers and the JSON of the body.
async fn ask(
    router: &Router,
    peer: Peer,
    (method, path): (&str, &str),
    headers: &[(&str, &str)],
    body: &str,
) -> (u16, HeaderMap, Value) {
    let mut request = Request::builder().method(method).uri(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let mut request = request.body(Body::from(body.to_owned())).unwrap();
    request.extensions_mut().insert(peer);
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, headers, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

fn tag(headers: &HeaderMap) -> String {
    headers["etag"].to_str().unwrap().to_owned()
}

#[tokio::test]
async fn ready_ones_are_there_and_say_whether_they_have_data() {
    let (_folder, router) = server().await;
    let (status, _, told) = ask(&router, LOCAL, ("GET", "/dashboards/"), &[], "").await;
    assert_eq!(status, 200);
    let entries = told["dashboards"].as_array().unwrap();
    let host = entries.iter().find(|entry| entry["name"] == "host").unwrap();
    assert_eq!((&host["ready"], &host["data"], &host["title"]), (&json!(true), &json!(true), &json!("One host")));
    let (status, headers, board) = ask(&router, LOCAL, ("GET", "/dashboards/host"), &[], "").await;
    assert_eq!((status, &board["title"]), (200, &json!("One host")));
    let known = [("if-none-match", &*tag(&headers))];
    assert_eq!(ask(&router, LOCAL, ("GET", "/dashboards/host"), &known, "").await.0, 304);
    assert_eq!(ask(&router, LOCAL, ("GET", "/dashboards/nope"), &[], "").await.0, 404);
    assert_eq!(ask(&router, LOCAL, ("GET", "/dashboards/%2e%2e%2fx"), &[], "").await.0, 400);
}

#[tokio::test]
async fn changes_take_the_admin_socket_or_a_token() {
    let (_folder, router) = server().await;
    let put = ("PUT", "/dashboards/mine");
    let bearer = format!("Bearer {TOKEN}");
    assert_eq!(ask(&router, LOCAL, put, &[], "{}").await.0, 401);
    assert_eq!(ask(&router, LOCAL, put, &[("authorization", "Bearer wrongwrongwrongwrong")], "{}").await.0, 401);
    assert_eq!(ask(&router, LOCAL, ("DELETE", "/dashboards/mine"), &[], "").await.0, 401);
    // A page in a browser may, with the token.
    let page = [("authorization", &*bearer), ("origin", "http://graphs.example"), ("host", "graphs.example")];
    let (status, _, told) = ask(&router, LOCAL, put, &page, r#"{"title":"Mine","rows":[]}"#).await;
    assert_eq!((status, &told["saved"]), (200, &json!("mine")));
    let (status, ..) = ask(&router, Peer::Admin, ("DELETE", "/dashboards/mine"), &[], "").await;
    assert_eq!(status, 200);
    assert_eq!(ask(&router, Peer::Admin, ("DELETE", "/dashboards/mine"), &[], "").await.0, 404);
    assert_eq!(ask(&router, Peer::Admin, ("DELETE", "/dashboards/host"), &[], "").await.0, 409);
}

#[tokio::test]
async fn a_lost_update_is_refused() {
    let (_folder, router) = server().await;
    let put = ("PUT", "/dashboards/a");
    let first = tag(&ask(&router, Peer::Admin, put, &[("if-none-match", "*")], r#"{"title":"1"}"#).await.1);
    assert_eq!(ask(&router, Peer::Admin, put, &[("if-none-match", "*")], "{}").await.0, 412);
    let weak = format!("W/{first}");
    assert_eq!(ask(&router, Peer::Admin, put, &[("if-match", &weak)], r#"{"title":"2"}"#).await.0, 200);
    assert_eq!(ask(&router, Peer::Admin, put, &[("if-match", &first)], r#"{"title":"3"}"#).await.0, 412);
    assert_eq!(ask(&router, LOCAL, ("GET", "/dashboards/a"), &[], "").await.2["title"], "2");
}

#[tokio::test]
async fn what_is_no_dashboard_is_refused_and_odd_targets_are_remarked() {
    let (folder, router) = server().await;
    for body in ["", "[]", "{", r#"{"rows":3}"#, &format!(r#"{{"title":"{}"}}"#, "x".repeat(2 << 20))] {
        let (status, _, told) = ask(&router, Peer::Admin, ("PUT", "/dashboards/a"), &[], body).await;
        assert!(matches!(status, 400 | 413), "{status} {told}");
        assert!(told["error"].is_string());
    }
    assert_eq!(ask(&router, Peer::Admin, ("PUT", "/dashboards/A%2fb"), &[], "{}").await.0, 400);
    let body = r#"{"title":"T","rows":[{"panels":[{"kind":"chart","targets":["nope(a)"]}]}]}"#;
    let (status, _, told) = ask(&router, Peer::Admin, ("PUT", "/dashboards/a"), &[], body).await;
    assert_eq!(status, 200);
    assert!(told["remarks"][0].as_str().unwrap().contains("nope"), "{told}");

    std::fs::write(folder.path().join("dashboards/a.json"), "{").unwrap();
    let (_, _, told) = ask(&router, LOCAL, ("GET", "/dashboards"), &[], "").await;
    assert!(told["dashboards"][0]["error"].as_str().unwrap().contains("line 1"), "{told}");
    let (status, _, told) = ask(&router, LOCAL, ("GET", "/dashboards/a"), &[], "").await;
    assert_eq!((status, told["error"].as_str().unwrap().contains("line 1")), (422, true));
}
