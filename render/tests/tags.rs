//! `/tags` and `/events` where the recorded cases do not reach: odd limits, wrong methods, who may change what.

#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use carbon_storage::{EventLog, Memory, TagIndex};
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use render::{HttpConfig, Peer, RenderConfig, Sources, Status};
use serde_json::{Value, json};
use tower::ServiceExt;
use whisper::Interval;

fn router() -> Router {
    let memory = Arc::new(Memory::new(Interval::from_secs(60).unwrap(), 1));
    let sources = Sources {
        tags: Some(Arc::new(TagIndex::new(None, usize::MAX))),
        events: Some(Arc::new(EventLog::in_memory())),
        ..Sources::new(memory.clone(), memory, Status::default())
    };
    render::router(HttpConfig::default(), RenderConfig::default(), sources)
}

async fn ask(router: &Router, request: Request<Body>) -> (u16, Value) {
    let response = router.clone().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, serde_json::from_slice(&body).unwrap_or(Value::Null))
}

async fn get(router: &Router, path: &str) -> (u16, Value) {
    ask(router, Request::get(path).body(Body::empty()).unwrap()).await
}

async fn post(router: &Router, path: &str, body: &str) -> (u16, Value) {
    let local = Peer::At(IpAddr::V4(Ipv4Addr::LOCALHOST));
    let request = Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded").extension(local);
    ask(router, request.body(Body::from(body.to_owned())).unwrap()).await
}

#[tokio::test]
async fn tags_answer_as_graphite_web() {
    let router = router();
    let paths = "path[]=b;z=2;a=1&path[]=b;z=3&path[]=plain.name&path[]=m%7Bq%3D%22r%22%7D";
    let entered = json!(["b;a=1;z=2", "b;z=3", "plain.name", "m;q=r"]);
    assert_eq!(post(&router, "/tags/tagMultiSeries", paths).await, (200, entered));
    for (path, status, expected) in [
        ("/tags/findSeries?expr=name%3D~p", 200, json!(["plain.name"])),
        ("/tags/findSeries?expr=z%3D~2%7C3&expr=a%3D", 200, json!(["b;z=3"])),
        ("/tags/findSeries?expr=z%3D~(%3F!2)", 400, Value::Null),
        ("/tags/nosuch", 200, Value::Null),
        ("/tags/autoComplete/tags?limit=0", 200, json!([])),
        ("/tags/autoComplete/tags?limit=-1", 200, json!(["a", "name", "q"])),
        ("/tags/autoComplete/tags?limit=-1&expr=name%3Db", 200, json!([])),
        ("/tags/autoComplete/tags?limit=x", 400, Value::Null),
        ("/tags/autoComplete/tags?expr=", 400, Value::Null),
        ("/tags/autoComplete/values?tag=z&limit=1", 200, json!(["2"])),
        ("/tags/autoComplete/values?tag=z&expr=a%3D", 200, json!(["3"])),
        ("/tags/autoComplete/values", 400, Value::Null),
        ("/tags/tagSeries", 405, Value::Null),
        ("/tags?filter=(", 400, Value::Null),
    ] {
        let (found, body) = get(&router, path).await;
        assert_eq!(found, status, "{path}: {body}");
        if status == 200 {
            assert_eq!(body, expected, "{path}");
        }
    }
    let (_, details) = get(&router, "/tags/z/?filter=3").await;
    assert_eq!((&details["tag"], &details["values"][0]["count"]), (&json!("z"), &json!(1)));
    for path in ["path=;a=b", "path=a;b", "path=a%0Ab;c=d", "path=a/../b"] {
        assert_eq!(post(&router, "/tags/tagSeries", path).await.0, 400, "{path}");
    }
    assert_eq!(post(&router, "/tags/delSeries", "path=b;z=2;a=1&path=b;z=3").await, (200, json!(true)));
    assert_eq!(get(&router, "/tags/autoComplete/tags").await.1, json!(["name", "q"]));
}

#[tokio::test]
async fn events_are_told_and_read() {
    let router = router();
    for (body, status) in [
        (r#"{"what": "a", "tags": "x y", "when": 10.5}"#, 200),
        (r#"{"what": "b", "tags": ["y"], "when": 10}"#, 200),
        (r#"{"what": "c", "data": {"by": ["ci", 7]}}"#, 200),
        (r#"{"what": "c", "data": null}"#, 400),
        (r#"{"what": "c", "tags": 5}"#, 400),
        (r#"{"what": "c", "tags": [5]}"#, 400),
        (r#"{"what": "c", "when": "now"}"#, 400),
        (r#"{"what": "c", "when": 1e300}"#, 400),
        (r#"{"tags": "x"}"#, 400),
        ("[]", 400),
        ("what=a", 400),
    ] {
        assert_eq!(post(&router, "/events/", body).await.0, status, "{body}");
    }
    let (_, found) = get(&router, "/events/get_data?until=20&tags=y").await;
    assert_eq!(found[0], json!({ "when": 10, "what": "b", "data": "", "tags": ["y"], "id": 2 }));
    assert_eq!(found[1]["tags"], json!(["x", "y"]));
    assert_eq!(get(&router, "/events/get_data?until=20&from=10&tags=x%20nosuch").await.1.as_array().unwrap().len(), 1);
    assert_eq!(get(&router, "/events/get_data?tags=x%20nosuch&set=intersection").await.1, json!([]));
    assert_eq!(get(&router, "/events/get_data").await.1.as_array().unwrap().len(), 3);
    assert_eq!(get(&router, "/events/3").await.1["data"], r#"{"by":["ci",7]}"#);
    assert_eq!(get(&router, "/events/1").await.1["when"], "1970-01-01T00:00:10.500Z");
    assert_eq!(get(&router, "/events/x").await.0, 404);
    let target = "/render?target=events(%22y%22)&from=8&until=12&now=100&format=json";
    assert_eq!(get(&router, target).await.1[0]["datapoints"], json!([[null, 8], [null, 9], [2, 10], [null, 11]]));
}

#[tokio::test]
async fn changes_come_from_this_host_alone() {
    let router = router();
    let far = Peer::At(IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1)));
    let local = Peer::At(IpAddr::V4(Ipv4Addr::LOCALHOST));
    for path in ["/tags/tagSeries", "/tags/tagMultiSeries", "/tags/delSeries", "/events"] {
        let request = || Request::post(path);
        for request in [
            request(),
            request().extension(far),
            request().extension(local).header("origin", "http://example.org"),
            request().extension(local).header("x-forwarded-for", "192.0.2.1"),
        ] {
            assert_eq!(ask(&router, request.body(Body::empty()).unwrap()).await.0, 403, "{path}");
        }
    }
}

#[tokio::test]
async fn times_of_events_are_read_in_the_servers_zone() {
    let router = router();
    let told = json!({"what": "x", "tags": "a", "when": 1_793_512_500}).to_string();
    assert_eq!(post(&router, "/events/", &told).await.0, 200);
    for (from, found) in [("05:55_20261101", 1), ("06:00_20261101", 0)] {
        let path = format!("/events/get_data?from={from}&tz=Asia/Kolkata");
        let (status, body) = ask(&router, Request::get(&path).body(Body::empty()).unwrap()).await;
        assert_eq!((status, body.as_array().map(Vec::len)), (200, Some(found)), "{path}");
    }
}

#[tokio::test]
async fn people_see_events_as_a_page_without_programs() {
    let router = router();
    let page = async |path: &str| {
        let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.headers()[CONTENT_TYPE], "text/html; charset=utf-8");
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        String::from_utf8(body.to_vec()).unwrap()
    };
    assert!(page("/events/").await.contains("No events."));
    let told = json!({"what": "<script>x</script>", "tags": "a b", "when": 1_793_512_500}).to_string();
    assert_eq!(post(&router, "/events/", &told).await.0, 200);
    let shown = page("/events/?from=1793512000&until=1793513000&tz=UTC").await;
    assert!(shown.contains("2026-11-01 05:55:00 UTC") && shown.contains("<td>a, b</td>"), "{shown}");
    assert!(shown.contains("&lt;script&gt;") && !shown.contains("<script"), "{shown}");
    assert!(page("/events?tags=nosuch&until=1793513000").await.contains("No events."));
}
