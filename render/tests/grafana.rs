//! What Grafana's Graphite data source sends (versions 9 to 11, from its backend and from a browser), letter by letter,
//! and what it reads of the answers.

#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use carbon_line::MetricName;
use carbon_storage::{EventLog, Memory, Pending, SeriesId, Store, TagIndex};
use hyper::header::{ACCEPT, CONTENT_TYPE, ORIGIN};
use hyper::{HeaderMap, Request};
use render::{HttpConfig, Peer, RenderConfig, Sources, Status};
use serde_json::{Value, json};
use tower::ServiceExt;
use whisper::{Interval, Point, Timestamp};

/// The last minute with points.
const NOW: u32 = 1_793_512_800;
const SERIES: [(&str, f64); 4] = [
    ("servers.web01.cpu.user", 1.0),
    ("servers.web02.cpu.user", 2.0),
    ("servers.web02.load", 3.0),
    ("disk.used;rack=a1;server=web01", 4.0),
];

async fn grafana_sees() -> Router {
    let memory = Memory::new(Interval::from_secs(60).unwrap(), 1);
    let pending: Vec<Pending> = (0..).zip(SERIES).map(|(id, (name, base))| pending(id, name, base)).collect();
    memory.write(&pending, Timestamp::from_secs(NOW)).await;
    let memory = Arc::new(memory);
    let sources = Sources {
        tags: Some(Arc::new(TagIndex::new(None, usize::MAX))),
        events: Some(Arc::new(EventLog::in_memory())),
        ..Sources::new(memory.clone(), memory, Status::default())
    };
    let router = render::router(HttpConfig::default(), RenderConfig::default(), sources);
    form(&router, "/tags/tagSeries", "path=disk.used%3Brack%3Da1%3Bserver%3Dweb01").await;
    for (what, tags, when) in [("deploy 1", "deploy web", NOW - 300), ("reboot", "db", NOW - 240)] {
        let told = json!({"what": what, "tags": tags, "when": when, "data": "by hand"}).to_string();
        let (status, ..) = ask(&router, Request::post("/events/").body(Body::from(told)).unwrap()).await;
        assert_eq!(status, 200);
    }
    router
}

/// Twenty points, the last of them at [`NOW`].
fn pending(id: u32, name: &str, base: f64) -> Pending {
    let at = |n: u32| Timestamp::from_secs(NOW - 60 * (19 - n));
    let points = (0..20).map(|n| Point { time: at(n), value: base + f64::from(n) }).collect();
    Pending { series: SeriesId::new(id), name: MetricName::parse(name).unwrap(), points }
}

async fn ask(router: &Router, mut request: Request<Body>) -> (u16, HeaderMap, Vec<u8>) {
    request.extensions_mut().insert(Peer::At(IpAddr::V4(Ipv4Addr::LOCALHOST)));
    let response = router.clone().oneshot(request).await.unwrap();
    let (status, headers) = (response.status().as_u16(), response.headers().clone());
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    (status, headers, body.to_vec())
}

/// A JSON answer with status 200.
async fn answered(router: &Router, request: Request<Body>) -> Value {
    let (status, _, body) = ask(router, request).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(&body));
    serde_json::from_slice(&body).unwrap()
}

async fn get(router: &Router, path: &str) -> Value {
    answered(router, Request::get(path).body(Body::empty()).unwrap()).await
}

/// A form with the headers that a panel's request carries.
fn panel(path: &str, body: &str) -> Request<Body> {
    let request = Request::post(path)
        .header(CONTENT_TYPE, "application/x-www-form-urlencoded")
        .header(ACCEPT, "application/json, text/plain, */*")
        .header("X-Dashboard-Id", "1")
        .header("X-Panel-Id", "2")
        .header("X-Panel-Plugin-Id", "timeseries")
        .header("X-Grafana-Org-Id", "1");
    request.body(Body::from(body.to_owned())).unwrap()
}

async fn form(router: &Router, path: &str, body: &str) -> Value {
    answered(router, panel(path, body)).await
}

#[tokio::test]
async fn the_test_button_gets_a_line_of_numbers() {
    let router = grafana_sees().await;
    // The backend's health check, then the browser's.
    let backend = "format=json&from=1793509200&maxDataPoints=100&target=constantLine%28100%29&until=1793512800";
    let browser = "target=constantLine(100)&from=-1h&until=now&format=json&maxDataPoints=300";
    for body in [backend, browser] {
        let series = form(&router, "/render", body).await;
        assert_eq!(series[0]["target"], "100.0");
        assert_eq!(series[0]["tags"], json!({"name": "100.0"}));
        let points = series[0]["datapoints"].as_array().unwrap();
        assert!(points.len() == 3 && points.iter().all(|point| point[0] == 100.0 && point[1].is_u64()), "{series}");
    }
}

#[tokio::test]
async fn a_panel_posts_its_targets_and_reads_names_tags_and_points() {
    let router = grafana_sees().await;
    let body = "target=aliasSub(aliasByNode(servers.*.cpu.user%2C%201)%2C%20%22(%5E.*%24)%22%2C%20%22%5C1%20A%22)\
        &target=aliasSub(movingAverage(servers.web02.load%2C%20'5min')%2C%20%22(%5E.*%24)%22%2C%20%22%5C1%20B%22)\
        &from=1793512200&until=1793512800&format=json&maxDataPoints=1131";
    let series = form(&router, "/render", body).await;
    let names: Vec<&str> = series.as_array().unwrap().iter().map(|one| one["target"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        ["web01 A", "web02 A", "movingAverage(servers.web02.load,'5min') B".replace('\'', "\"").as_str()]
    );
    assert_eq!(series[0]["tags"], json!({"name": "servers.web01.cpu.user"}));
    assert_eq!(series[0]["datapoints"][0], json!([11.0, 1_793_512_260]));
    assert_eq!(series[0]["datapoints"].as_array().unwrap().len(), 10);
}

#[tokio::test]
async fn fewer_points_than_a_panel_is_wide_come_back() {
    let router = grafana_sees().await;
    let body =
        "target=servers.web01.cpu.user&from=1793511600&until=1793512800&format=json&maxDataPoints=5&cacheTimeout=60";
    let series = form(&router, "/render", body).await;
    let points = series[0]["datapoints"].as_array().unwrap();
    assert_eq!(points[0], json!([4.5, 1_793_511_840]));
    assert!(points.len() <= 5, "{series}");
}

#[tokio::test]
async fn what_a_user_got_wrong_is_one_line_of_json_for_the_panel() {
    let router = grafana_sees().await;
    let body = "target=sumSerie(servers.*.load)&from=-6h&until=now&format=json&maxDataPoints=100";
    let (status, _, body) = ask(&router, panel("/render", body)).await;
    let error: Value = serde_json::from_slice(&body).unwrap();
    assert_eq!((status, &error["hint"]), (400, &json!("did you mean `sumSeries`?")));
    // Grafana takes a body that begins so for a trace of graphite-web's.
    assert!(!body.starts_with(b"<body"));
}

#[tokio::test]
async fn variables_are_listed_by_post_and_get() {
    let router = grafana_sees().await;
    // The backend encodes the query, a browser does not; from and until stand in the address.
    for (path, body) in [
        ("/metrics/find", "query=servers.%2A"),
        ("/metrics/find?from=1793509200&until=1793512800", "query=servers.*"),
        ("/metrics/find?from=-6h&until=now", "query=servers.{web01,web02}"),
    ] {
        let found = form(&router, path, body).await;
        let texts: Vec<&str> = found.as_array().unwrap().iter().map(|one| one["text"].as_str().unwrap()).collect();
        assert_eq!(texts, ["web01", "web02"], "{path} {body}");
        assert_eq!(found[0]["expandable"], 1);
        assert_eq!(found[0]["leaf"], 0);
    }
    let found = get(&router, "/metrics/find/?query=servers.web02.*&from=-1h&until=now").await;
    let leaf = &found[1];
    assert_eq!(
        (&leaf["text"], &leaf["expandable"], &leaf["id"]),
        (&json!("load"), &json!(0), &json!("servers.web02.load"))
    );
    let expanded = get(&router, "/metrics/expand?from=1793509200&query=servers.%2A.cpu&until=1793512800").await;
    assert_eq!(expanded, json!({"results": ["servers.web01.cpu", "servers.web02.cpu"]}));
}

#[tokio::test]
async fn the_tag_editor_and_tag_variables_are_completed() {
    let router = grafana_sees().await;
    let tags = get(&router, "/tags/autoComplete/tags?expr=name%3Ddisk.used&tagPrefix=r&limit=10000").await;
    assert_eq!(tags, json!(["rack"]));
    let range = "from=1793509200&until=1793512800";
    let tags = get(&router, &format!("/tags/autoComplete/tags?expr=server%3Dweb01&expr=rack%3D~a&{range}")).await;
    assert_eq!(tags, json!(["name"]));
    let path = "/tags/autoComplete/values?expr=name%3Ddisk.used&tag=server&valuePrefix=we&limit=10000";
    assert_eq!(get(&router, &format!("{path}&{range}")).await, json!(["web01"]));
    assert_eq!(get(&router, "/tags").await[0]["tag"], "name");
    assert_eq!(get(&router, "/tags/server").await["values"][0]["value"], "web01");
    let body =
        "target=seriesByTag('name%3Ddisk.used'%2C%20'server%3Dweb01')&from=1793512200&until=1793512800&format=json";
    let series = form(&router, "/render", body).await;
    assert_eq!(series[0]["tags"], json!({"name": "disk.used", "rack": "a1", "server": "web01"}));
}

#[tokio::test]
async fn annotations_come_from_events_and_from_series() {
    let router = grafana_sees().await;
    let told = get(&router, "/events/get_data?from=1793509200&until=1793512800&tags=deploy%20web").await;
    assert_eq!(told.as_array().unwrap().len(), 1);
    let expected = json!({"when": NOW - 300, "what": "deploy 1", "data": "by hand", "tags": ["deploy", "web"]});
    for (key, value) in expected.as_object().unwrap() {
        assert_eq!(&told[0][key], value, "{told}");
    }
    assert!(told[0]["id"].is_u64());
    let all = get(&router, "/events/get_data?from=-100y&until=now").await;
    assert_eq!(all.as_array().unwrap().len(), 2);
    let body = "target=servers.web02.load&from=1793512200&until=1793512800&format=json&maxDataPoints=100";
    assert_eq!(form(&router, "/render", body).await[0]["datapoints"][9], json!([22.0, NOW]));
}

#[tokio::test]
async fn the_query_editor_learns_functions_and_version() {
    let router = grafana_sees().await;
    let (_, _, body) = ask(&router, Request::get("/functions").body(Body::empty()).unwrap()).await;
    // JavaScript reads this number as infinite.
    let text = String::from_utf8(body).unwrap().replace("1e9999", "1e300");
    let functions: Value = serde_json::from_str(&text).unwrap();
    assert_eq!(functions.as_object().unwrap().len(), 154);
    for (name, function) in functions.as_object().unwrap() {
        assert!(function["group"].is_string() && function["description"].is_string(), "{name}");
        for param in function["params"].as_array().unwrap() {
            assert!(param["name"].is_string() && param["type"].is_string(), "{name}: {param}");
        }
    }
    assert_eq!(functions["scale"]["params"][1], json!({"name": "factor", "type": "float", "required": true}));
    let (status, _, version) = ask(&router, Request::get("/version").body(Body::empty()).unwrap()).await;
    assert_eq!((status, version.as_slice()), (200, b"1.1.10\n".as_slice()));
}

#[tokio::test]
async fn a_browser_on_another_origin_may_ask() {
    let router = grafana_sees().await;
    let preflight = Request::options("/render")
        .header(ORIGIN, "http://grafana:3000")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type,x-dashboard-id,x-panel-id,x-panel-plugin-id");
    let (status, headers, _) = ask(&router, preflight.body(Body::empty()).unwrap()).await;
    assert_eq!((status, headers["access-control-allow-origin"].to_str().unwrap()), (204, "*"));
    assert!(headers["access-control-allow-methods"].to_str().unwrap().contains("POST"));
    assert_eq!(headers["access-control-allow-headers"], "*");
}
