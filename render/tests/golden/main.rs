//! Replays recorded requests of graphite-web against our router, over the tree they were recorded with.

mod compare;
mod decode;

use std::fs;
use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use carbon_storage::{EventLog, StorageRules, TagIndex, WhisperTree};
use golden::Tally;
use hyper::Request;
use hyper::header::CONTENT_TYPE;
use render::{HttpConfig, Peer, RenderConfig, Sources, Status};
use serde_json::Value;
use tower::ServiceExt;

#[tokio::test(flavor = "multi_thread")]
async fn golden_render_cases() {
    let Some(folder) = golden::folder("render") else { return };
    let tree = golden::file("render/whisper").expect("the default folder has the tree when a folder of cases lacks it");
    replay(&folder.join("cases.jsonl"), &tree, "render").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn our_own_cases_are_answered_as_recorded() {
    let own = golden::own("render");
    replay(&own.join("cases.jsonl"), &own.join("whisper"), "render (own)").await;
}

async fn replay(cases: &Path, tree: &Path, name: &str) {
    let mut tally = Tally::new(name);
    let router = over(tree);
    set_up(&router, tree).await;
    for line in fs::read_to_string(cases).expect("a file of cases").lines() {
        let case: Value = serde_json::from_str(line).expect("a case is a JSON object");
        let id = case["id"].as_str().expect("a case has an id");
        tally.check(id, try_case(&router, &case).await);
    }
    tally.finish();
}

fn over(tree: &Path) -> Router {
    let store = Arc::new(WhisperTree::read_only(tree, StorageRules::default()));
    let (tags, events) = (TagIndex::new(None, usize::MAX), EventLog::in_memory());
    let sources = Sources {
        tags: Some(Arc::new(tags)),
        events: Some(Arc::new(events)),
        ..Sources::new(store.clone(), store, Status::default())
    };
    render::router(HttpConfig::default(), RenderConfig::default(), sources)
}

/// Sends what was sent before the cases were recorded: series and events.
async fn set_up(router: &Router, tree: &Path) {
    let Ok(text) = fs::read_to_string(tree.with_file_name("setup.json")) else { return };
    let steps: Value = serde_json::from_str(&text).expect("the steps are JSON");
    for step in steps.as_array().into_iter().flatten() {
        let path = step["path"].as_str().expect("a step has a path");
        let mut sent = request(step);
        if !step["json"].is_null() {
            let body = Body::from(step["json"].to_string());
            sent = Request::post(path).extension(peer()).body(body).expect("recorded requests are well formed");
        }
        let response = router.clone().oneshot(sent).await.unwrap_or_else(|never| match never {});
        assert_eq!(response.status(), 200, "{step}");
    }
}

/// Who asks, which no server tells here.
fn peer() -> Peer {
    Peer::At(IpAddr::V4(Ipv4Addr::LOCALHOST))
}

async fn try_case(router: &Router, case: &Value) -> Result<(), String> {
    let expect = &case["expect"];
    let response = router.clone().oneshot(request(case)).await.map_err(|never| format!("{never}"))?;
    let status = response.status().as_u16();
    let kind = response.headers().get(CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().to_owned();
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.map_err(|error| error.to_string())?;
    let fits = match expect["status_any"].as_array() {
        // The reference stumbles over these; whatever says that the client is wrong is as good.
        Some(any) => any.iter().any(|one| *one == status) && status <= 400,
        None => expect["status"] == status,
    };
    if !fits {
        return Err(format!("status {status}: {}", String::from_utf8_lossy(&body[..body.len().min(300)])));
    }
    if status >= 400 {
        let error: Value =
            serde_json::from_slice(&body).map_err(|error| format!("an error that is no JSON: {error}"))?;
        return if error["error"].is_string() { Ok(()) } else { Err(format!("an error without a message: {error}")) };
    }
    if expect["type"] != kind.as_str() {
        return Err(format!("expected the type {}, is {kind}", expect["type"]));
    }
    matches(case, &body)
}

/// Whether the body is what was recorded.
fn matches(case: &Value, body: &[u8]) -> Result<(), String> {
    let expect = &case["expect"];
    if let Some(size) = expect["png"].as_array() {
        let side = |at: usize| body.get(at..at + 4).map(|b| u32::from_be_bytes([b[0], b[1], b[2], b[3]]));
        let ours = [side(16), side(20)].map(|side| Value::from(side.unwrap_or_default()));
        let same = body.starts_with(b"\x89PNG\r\n\x1a\n") && *size == ours;
        return if same { Ok(()) } else { Err(format!("expected a PNG of {size:?}, is {ours:?}")) };
    }
    let text = || std::str::from_utf8(body).map_err(|error| error.to_string());
    if !expect["svg"].is_null() {
        let text = text()?;
        let head: String = text.chars().take(600).collect();
        return if head.contains("<svg") { Ok(()) } else { Err("no SVG".to_owned()) };
    }
    if let Some(expected) = expect["text"].as_str() {
        let text = text()?;
        return match (case["path"].as_str(), listed(expected), listed(text)) {
            // A list of names as a script: entries of the tag store may be hidden.
            (Some("/metrics/index.json"), Some(expected), Some(ours)) => {
                compare::json(&untagged(expected), &untagged(ours), "$")
            }
            _ => compare::text(expected, text),
        };
    }
    let (expected, ours) = if !expect["json"].is_null() {
        (&expect["json"], numbered(text()?)?)
    } else if !expect["pickle"].is_null() {
        (&expect["pickle"], decode::pickle(body)?)
    } else {
        (&expect["msgpack"], decode::msgpack(body)?)
    };
    let (mut expected, mut ours) = (expected.clone(), ours);
    if case["path"].as_str().is_some_and(|path| path.starts_with("/metrics")) {
        (expected, ours) = (untagged(expected), untagged(ours));
    }
    if case["unordered"] == true {
        sort(&mut expected);
        sort(&mut ours);
    }
    compare::json(&expected, &ours, "$")
}

/// The list inside `name([...])`.
fn listed(script: &str) -> Option<Value> {
    serde_json::from_str(script.strip_suffix(')')?.split_once('(')?.1).ok()
}

/// JSON whose infinite numbers, which no number type of JSON readers holds, are made texts first.
fn numbered(text: &str) -> Result<Value, String> {
    let text =
        text.replace("-1e9999", "\"-1e9999\"").replace(" 1e9999", " \"1e9999\"").replace("[1e9999", "[\"1e9999\"");
    serde_json::from_str(&text).map_err(|error| error.to_string())
}

fn untagged(value: Value) -> Value {
    match value {
        Value::Array(list) => {
            let tagged = |value: &Value| {
                let name = value.as_str().or(value["id"].as_str()).or(value["path"].as_str());
                name.is_some_and(|name| name.starts_with("_tagged"))
            };
            list.into_iter().filter(|value| !tagged(value)).map(untagged).collect()
        }
        Value::Object(map) => map.into_iter().map(|(key, value)| (key, untagged(value))).collect(),
        other => other,
    }
}

fn sort(value: &mut Value) {
    let list = if value["metrics"].is_array() { &mut value["metrics"] } else { value };
    let Some(list) = list.as_array_mut() else { return };
    let key = |value: &Value| {
        let text = |name: &str| value[name].as_str().unwrap_or("~").to_owned();
        (text("path"), text("name"), text("id"))
    };
    if list.iter().all(|value| value.get("path").is_some() || value.get("name").is_some()) {
        list.sort_by_key(key);
    }
}

fn request(case: &Value) -> Request<Body> {
    let pairs = case["params"].as_array().into_iter().flatten();
    let mut query = form_urlencoded::Serializer::new(String::new());
    for pair in pairs {
        query.append_pair(pair[0].as_str().unwrap_or_default(), pair[1].as_str().unwrap_or_default());
    }
    let query = query.finish();
    let (method, path) = (case["method"].as_str().unwrap_or("GET"), case["path"].as_str().unwrap_or("/"));
    let mut request = Request::builder().method(method).extension(peer());
    for (name, value) in case["headers"].as_object().into_iter().flatten() {
        request = request.header(name, value.as_str().unwrap_or_default());
    }
    let request = if method == "POST" {
        let request = request.uri(path).header(CONTENT_TYPE, "application/x-www-form-urlencoded");
        request.body(Body::from(query))
    } else {
        request.uri(format!("{path}?{query}")).body(Body::empty())
    };
    request.expect("recorded requests are well formed")
}
