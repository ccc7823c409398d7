//! Requests that nobody sends in good faith: each gets one clear refusal as JSON, and the next request is served.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use carbon_line::MetricName;
use carbon_storage::{Memory, Pending, SeriesId, Store};
use hyper::Request;
use hyper::header::{ACCEPT, CONTENT_TYPE};
use proptest::prelude::*;
use render::{HttpConfig, RenderConfig, Sources, Status};
use serde_json::Value;
use tower::ServiceExt;
use whisper::{Interval, Point, Timestamp};

fn router() -> Router {
    let memory = Arc::new(Memory::new(Interval::from_secs(60).unwrap(), 1));
    render::router(
        HttpConfig::default(),
        RenderConfig::default(),
        Sources::new(memory.clone(), memory, Status::default()),
    )
}

async fn send(request: Request<Body>) -> (u16, String) {
    let response = router().oneshot(request).await.unwrap();
    let status = response.status().as_u16();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, String::from_utf8_lossy(&body).into_owned())
}

async fn get(path: &str) -> (u16, String) {
    send(Request::get(path).header(ACCEPT, "application/json").body(Body::empty()).unwrap()).await
}

async fn post(path: &str, body: impl Into<Body>) -> (u16, String) {
    send(Request::post(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.into()).unwrap()).await
}

/// The error of a refusal.
#[track_caller]
fn refused(expected: u16, (status, body): (u16, String)) -> Value {
    assert_eq!(status, expected, "{body}");
    let error: Value = serde_json::from_str(&body).unwrap();
    assert!(error["error"].is_string(), "{body}");
    assert!(!body.contains("/src/") && !body.contains("panicked"), "{body}");
    assert!(body.len() < 4_000, "{}", body.len());
    error
}

#[tokio::test]
async fn broken_percent_encoding_is_refused_by_parameter() {
    let error = refused(400, get("/render?target=%zz&format=json").await);
    assert_eq!(error["parameter"], "target");
    refused(400, get("/metrics/find?query=%").await);
    refused(400, get("/metrics/expand?query=%ff").await);
    refused(400, get("/functions/%ff").await);
}

#[tokio::test]
async fn a_body_of_ten_megabytes_is_refused_by_its_limit() {
    let error = refused(413, post("/render", format!("target={}", "a".repeat(10 << 20))).await);
    assert!(error["error"].as_str().unwrap().contains("`body-bytes`"), "{error}");
}

#[tokio::test]
async fn a_body_that_is_not_text_is_refused() {
    refused(400, post("/render", vec![0xff; 100]).await);
}

#[tokio::test]
async fn a_body_that_is_no_form_is_refused_rather_than_passed_over() {
    for (kind, path) in [("text/plain", "/metrics/find?query=*"), ("application/json", "/render?target=a")] {
        let request = Request::post(path).header(CONTENT_TYPE, kind).body("{}".into()).unwrap();
        let error = refused(415, send(request).await);
        assert!(error["error"].as_str().unwrap().contains("x-www-form-urlencoded"), "{error}");
    }
    refused(415, send(Request::post("/render").body("target=a".into()).unwrap()).await);
    let empty = Request::post("/render?target=a&format=json").header(CONTENT_TYPE, "application/json");
    assert_eq!(send(empty.body(Body::empty()).unwrap()).await, (200, "[]".to_owned()));
}

#[tokio::test]
async fn a_form_in_parts_is_read_and_a_broken_one_refused() {
    const KIND: &str = "multipart/form-data; boundary=X";
    let field = |name: &str, value: &str| format!("--X\r\nContent-Disposition: form-data; {name}\r\n\r\n{value}\r\n");
    let post = async |kind: &str, body: String| {
        send(Request::post("/render?format=json").header(CONTENT_TYPE, kind).body(body.into()).unwrap()).await
    };
    let parts = field("name=\"target\"", "constantLine(7)") + &field("name=\"target\"; filename=\"x\"", "nosuch(");
    let (status, body) = post(KIND, parts.clone() + "--X--\r\n").await;
    assert!(status == 200 && body.contains("\"7.0\""), "{status} {body}");
    refused(400, post(KIND, parts).await);
    refused(400, post(KIND, "--Y--".to_owned()).await);
    refused(400, post("multipart/form-data", String::new()).await);
}

#[tokio::test]
async fn a_part_of_the_store_that_cannot_be_read_is_named() {
    let memory = Arc::new(Memory::new(Interval::from_secs(60).unwrap(), 1));
    memory.set_reachable(0, false);
    let sources = Sources::new(memory.clone(), memory, Status::default());
    let router = render::router(HttpConfig::default(), RenderConfig::default(), sources);
    let response = router.oneshot(Request::get("/render?target=a&format=json").body(Body::empty()).unwrap()).await;
    let response = response.unwrap();
    assert_eq!(response.status(), 500);
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    let error: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!(error["error"], "`shard 0` could not be read; the server's log says why");
}

#[tokio::test]
async fn a_query_beyond_the_memory_of_all_queries_is_put_off() {
    let memory = Arc::new(Memory::new(Interval::from_secs(60).unwrap(), 1));
    let series = SeriesId::new(0);
    let points = vec![Point { time: Timestamp::from_secs(6_000), value: 1.0 }];
    let batch = [Pending { series, name: MetricName::parse("a").unwrap(), points }];
    memory.write(&batch, Timestamp::from_secs(6_000)).await;
    let sources = Sources::new(memory.clone(), memory, Status::default());
    let config = RenderConfig { memory: 160, ..RenderConfig::default() };
    let router = render::router(HttpConfig::default(), config, sources);
    let ask = async |minutes: u32| {
        let path = format!("/render?target=a&format=json&now=6000&until=6000&from={}", 6000 - 60 * minutes);
        let response = router.clone().oneshot(Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        response.status().as_u16()
    };
    assert_eq!(ask(10).await, 200);
    assert_eq!(ask(11).await, 503);
    assert_eq!(ask(10).await, 200, "what the refused query had read was given back");
}

#[tokio::test]
async fn what_a_function_would_make_is_bounded_before_it_is_made() {
    // A hundred years of seconds, of one series and of many.
    for target in
        ["randomWalk(%22x%22)|hitcount(%221s%22)", "randomWalk(%22x%22)", "sin(%22x%22,1,1)", "time(%22x%22,1)"]
    {
        let error = refused(400, get(&format!("/render?target={target}&format=json&from=0&until=4000000000")).await);
        assert!(error["error"].as_str().unwrap().contains("points"), "{error}");
    }
    let memory = Arc::new(Memory::new(Interval::from_secs(60).unwrap(), 1));
    let config = RenderConfig { points: 10_000, ..RenderConfig::default() };
    let sources = Sources::new(memory.clone(), memory, Status::default());
    let many = "target=sin(\"x\",1,1)&".repeat(50) + "format=json&from=0&until=1000&now=1000";
    let request = Request::post("/render").header(CONTENT_TYPE, "application/x-www-form-urlencoded");
    let router = render::router(HttpConfig::default(), config, sources);
    assert_eq!(router.oneshot(request.body(Body::from(many)).unwrap()).await.unwrap().status(), 400);
}

#[tokio::test]
async fn a_side_beyond_the_limit_is_refused_by_the_limit() {
    let error = refused(400, get("/render?target=a&width=100000").await);
    assert_eq!(error["error"], "`width` must be at most 4096, the `width` limit");
}

#[tokio::test]
async fn too_many_targets_are_refused_by_their_limit() {
    let error = refused(400, post("/render", "target=a&".repeat(2_000) + "format=json").await);
    assert!(error["error"].as_str().unwrap().contains("`targets`"), "{error}");
}

#[tokio::test]
async fn deep_nesting_is_refused() {
    for depth in [100, 10_000, 100_000] {
        let target = format!("{}a{}", "absolute(".repeat(depth), ")".repeat(depth));
        refused(400, post("/render", format!("format=json&target={target}")).await);
    }
    refused(400, get(&format!("/metrics/find?query={}", "{".repeat(5_000) + &"}".repeat(5_000))).await);
}

#[tokio::test]
async fn an_unknown_function_is_refused_with_its_place_and_a_hint() {
    let error = refused(400, get("/render?target=scale(sumSerie(a.b),2)&format=json").await);
    assert_eq!(error["position"], 6);
    assert!(error["at"].as_str().unwrap().ends_with("\n      ^"), "{error}");
    assert!(error["hint"].as_str().unwrap().contains("sumSeries"), "{error}");
    let error = refused(400, get("/render?target=sortByName(a.b,true,%22maybe%22)&format=json").await);
    assert_eq!(error["hint"], "it is called as `sortByName(seriesList, natural=False, reverse=False)`");
}

#[tokio::test]
async fn an_unreadable_target_is_refused_with_its_place() {
    let error = refused(400, get("/render?target=scale(a.b,&format=json").await);
    assert!(error["position"].is_u64() && error["at"].is_string(), "{error}");
}

#[tokio::test]
async fn parameters_that_make_no_sense_are_named() {
    for (query, parameter) in [
        ("from=-10m", "from"),
        ("from=bogus", "from"),
        ("until=25:99", "until"),
        ("from=100&until=100", "from"),
        ("xFilesFactor=x", "xFilesFactor"),
        ("cacheTimeout=x", "cacheTimeout"),
        ("format=pdf", "format"),
        ("format=json&jsonp=alert(1)", "jsonp"),
        ("graphType=cube", "graphType"),
    ] {
        let error = refused(400, get(&format!("/render?target=a&format=json&{query}")).await);
        assert_eq!(error["parameter"], parameter, "{error}");
    }
    assert_eq!(refused(400, get("/metrics/find").await)["parameter"], "query");
    assert_eq!(refused(400, get("/metrics/find?query=*&format=bogus").await)["parameter"], "format");
    assert_eq!(refused(400, get("/metrics/expand?query=*&leavesOnly=x").await)["parameter"], "leavesOnly");
}

#[tokio::test]
async fn an_unknown_format_is_a_picture_as_in_graphite_web() {
    let (status, body) = get("/render?target=a&format=bogus").await;
    assert_eq!(status, 200);
    assert!(body.contains("PNG"), "{body}");
    let (status, body) = get("/render?target=a&outputFormat=svg&rightDashed=true&leftDashed=false").await;
    assert!(status == 200 && body.starts_with("<svg"), "{status} {body}");
}

#[tokio::test]
async fn a_mistake_in_a_picture_is_drawn_into_it() {
    let request = Request::get("/render?target=nosuch(a)&width=400&height=200").body(Body::empty()).unwrap();
    let (status, body) = send(request).await;
    assert_eq!(status, 400);
    assert!(body.contains("PNG"), "{body}");
    // Also one in the parameters, even in its size.
    let query = "/render?target=a&width=wide&from=bogus&format=svg&title=mine";
    let (status, body) = send(Request::get(query).body(Body::empty()).unwrap()).await;
    assert_eq!(status, 400);
    assert!(body.starts_with("<svg") && body.contains("mine") && body.contains("width"), "{body}");
}

#[tokio::test]
async fn unknown_places_and_methods_are_refused_as_json() {
    refused(404, get("/nosuch").await);
    refused(404, get("/functions/nosuch").await);
    refused(405, post("/functions", "").await);
    refused(405, send(Request::delete("/render").body(Body::empty()).unwrap()).await);
}

#[tokio::test]
async fn names_cannot_climb_out_of_the_store() {
    refused(400, get("/metrics/../render").await);
    refused(400, get("/functions/%2e%2e%2fetc").await);
    refused(400, get("/render/%00").await);
    for query in ["..%2f..%2fetc%2fpasswd", "%2fetc%2fpasswd", "a%00b", "../../x"] {
        let (status, body) = get(&format!("/metrics/find?query={query}")).await;
        assert!(status == 400 || body == "[]", "{status} {body}");
    }
}

#[tokio::test]
async fn every_answer_forbids_scripts_and_guessing() {
    let response = router().oneshot(Request::get("/metrics/find?query=*").body(Body::empty()).unwrap()).await.unwrap();
    let header = |name: &str| response.headers()[name].to_str().unwrap().to_owned();
    assert_eq!(header("x-content-type-options"), "nosniff");
    assert!(header("content-security-policy").starts_with("default-src 'none'"));
    assert_eq!(header("access-control-allow-origin"), "*");
    assert_eq!(header("cache-control"), "no-cache");
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn no_query_makes_a_server_fault(query in "[!-~&&[^#<>\"{}`^|\\\\]]{0,80}", path in "/(render|metrics/find|metrics/expand|functions)") {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let (status, body) = runtime.block_on(get(&format!("{path}?target={query}&query={query}&{query}")));
        prop_assert!(status < 500, "{status} {body}");
    }
}
