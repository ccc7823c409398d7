//! Answers that are given again, answers that the client has already, and answers that are made while they are sent.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the report")]

use std::sync::Arc;
use std::time::SystemTime;

use axum::Router;
use axum::body::Body;
use axum::response::Response;
use carbon_line::MetricName;
use carbon_storage::{Memory, Pending, SeriesId, Store};
use hyper::Request;
use hyper::header::{CACHE_CONTROL, CONTENT_LENGTH, ETAG, IF_NONE_MATCH};
use render::{HttpConfig, RenderConfig, Sources, Status};
use serde_json::Value;
use tower::ServiceExt;
use whisper::{Interval, Point, Timestamp};

const POINTS: u32 = 10_000;

struct Stack {
    memory: Arc<Memory>,
    router: Router,
}

impl Stack {
    fn new(config: RenderConfig) -> Stack {
        let memory = Arc::new(Memory::new(Interval::from_secs(60).unwrap(), 1));
        let sources = Sources::new(memory.clone(), memory.clone(), Status::default());
        Stack { memory, router: render::router(HttpConfig::default(), config, sources) }
    }

    async fn write(&self, times: impl Iterator<Item = u32>, value: f64) {
        let points = times.map(|time| Point { time: Timestamp::from_secs(time), value }).collect();
        let pending = Pending { series: SeriesId::new(0), name: MetricName::parse("a.b").unwrap(), points };
        let report = self.memory.write(&[pending], Timestamp::from_secs(now())).await;
        assert!(report.refusals.is_empty());
    }

    async fn get(&self, path: &str, has: Option<&str>) -> Response {
        let request = has.into_iter().fold(Request::get(path), |request, has| request.header(IF_NONE_MATCH, has));
        self.router.clone().oneshot(request.body(Body::empty()).unwrap()).await.unwrap()
    }

    /// The known values.
    async fn values(&self, path: &str) -> Vec<f64> {
        let body = axum::body::to_bytes(self.get(path, None).await.into_body(), usize::MAX).await.unwrap();
        let all: Value = serde_json::from_slice(&body).unwrap();
        let points = all[0]["datapoints"].as_array().into_iter().flatten();
        points.filter_map(|point| point[0].as_f64()).collect()
    }
}

fn now() -> u32 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs() as u32
}

/// A request for an hour that ended two hours ago, with what `more` says.
fn past(more: &str) -> String {
    let end = now() / 3_600 * 3_600 - 7_200;
    format!("/render?target=a.b&from={}&until={end}&format=json{more}", end - 3_600)
}

#[tokio::test]
async fn an_answer_is_given_again_unless_the_client_wants_a_new_one() {
    let stack = Stack::new(RenderConfig::default());
    let (end, path) = (now() / 3_600 * 3_600 - 7_200, past("&cacheTimeout=3600"));
    stack.write((1..=10).map(|n| end - 60 * n), 1.0).await;
    assert_eq!(stack.values(&path).await, [1.0; 10]);
    stack.write((1..=10).map(|n| end - 60 * n), 2.0).await;
    assert_eq!(stack.values(&path).await, [1.0; 10]);
    assert_eq!(stack.values(&format!("{path}&noCache=1")).await, [2.0; 10]);
    assert_eq!(stack.values(&format!("{path}&_salt=1.5")).await, [1.0; 10]);
    assert_eq!(stack.values(&format!("{path}&maxDataPoints=1000")).await, [2.0; 10], "another question");
    let without = Stack::new(RenderConfig { results_cache: 0, ..RenderConfig::default() });
    without.write((1..=10).map(|n| end - 60 * n), 1.0).await;
    assert_eq!(without.values(&path).await, [1.0; 10]);
    without.write((1..=10).map(|n| end - 60 * n), 2.0).await;
    assert_eq!(without.values(&path).await, [2.0; 10]);
}

#[tokio::test]
async fn a_client_that_has_the_answer_is_told_so() {
    let stack = Stack::new(RenderConfig::default());
    let path = past("&cacheTimeout=3600");
    let first = stack.get(&path, None).await;
    assert_eq!(first.headers()[CACHE_CONTROL], "max-age=3600");
    let tag = first.headers()[ETAG].to_str().unwrap().to_owned();
    // Also where the answer is made anew.
    for path in [path.clone(), past("&noCache=1"), past("&cacheTimeout=0")] {
        let second = stack.get(&path, Some(&tag)).await;
        assert_eq!((second.status().as_u16(), second.headers()[ETAG].to_str().unwrap()), (304, &tag[..]));
        assert!(axum::body::to_bytes(second.into_body(), usize::MAX).await.unwrap().is_empty());
        assert_eq!(stack.get(&path, Some("W/\"0\"")).await.status().as_u16(), 200);
    }
}

#[tokio::test]
async fn a_long_answer_is_made_while_it_is_sent_and_given_again_as_well() {
    let stack = Stack::new(RenderConfig::default());
    let end = now() / 3_600 * 3_600 - 7_200;
    let (first, count) = (end - 60 * (POINTS - 200), POINTS as usize - 200);
    stack.write((first + 60..=end).step_by(60), 1.25).await;
    let path = format!("/render?target=a.b&from={first}&until={end}&format=json&cacheTimeout=3600");
    assert!(stack.get(&path, None).await.headers().get(CONTENT_LENGTH).is_none());
    assert_eq!(stack.values(&path).await, vec![1.25; count], "the first one was not read to its end");
    stack.write((first + 60..=end).step_by(60), 2.0).await;
    assert_eq!(stack.values(&path).await, vec![1.25; count]);
    let tag = stack.get(&path, None).await.headers()[ETAG].clone();
    assert_eq!(stack.get(&path, Some(tag.to_str().unwrap())).await.status().as_u16(), 304);
    assert_eq!(stack.values(&format!("{path}&noCache=1")).await, vec![2.0; count]);
}

#[tokio::test]
async fn an_answer_beyond_the_limit_is_refused_before_it_begins() {
    let stack = Stack::new(RenderConfig { output_bytes: 100_000, ..RenderConfig::default() });
    let end = now() / 3_600 * 3_600 - 7_200;
    let first = end - 60 * (POINTS - 200);
    stack.write((first + 60..=end).step_by(60), 1.25).await;
    let response = stack.get(&format!("/render?target=a.b&from={first}&until={end}&format=json"), None).await;
    assert_eq!(response.status().as_u16(), 400);
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
    assert!(String::from_utf8_lossy(&body).contains("`output-bytes` limit"));
}
