//! Answers for clients that take gzip, as Grafana does, or zstd, as browsers do: whole, whatever their length.

#![expect(clippy::unwrap_used, reason = "a test may end here")]

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use carbon_storage::Memory;
use http_body_util::BodyExt;
use hyper::Request;
use hyper::header::{ACCEPT_ENCODING, CONTENT_ENCODING};
use render::{HttpConfig, RenderConfig, Sources, Status};
use tower::ServiceExt;
use whisper::Interval;

/// The body, packed by `encoding` if it is long enough.
async fn ask(router: &Router, path: &str, encoding: &str) -> Vec<u8> {
    let request = Request::get(path).header(ACCEPT_ENCODING, encoding).body(Body::empty()).unwrap();
    let response = router.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200, "{path}");
    let packed = response.headers().get(CONTENT_ENCODING).map(|value| value.to_str().unwrap().to_owned());
    let body = response.into_body().collect().await.unwrap().to_bytes().to_vec();
    // What is one packet either way is left as it is.
    assert_eq!(packed.as_deref(), Some(encoding).filter(|_| encoding != "identity" && path != SHORT));
    body
}

const SHORT: &str = "/version";

#[tokio::test]
async fn an_answer_is_whole_also_when_it_is_compressed() {
    let memory = Arc::new(Memory::new(Interval::from_secs(60).unwrap(), 1));
    let sources = Sources::new(memory.clone(), memory, Status::default());
    let router = render::router(HttpConfig::default(), RenderConfig::default(), sources);
    assert_eq!(ask(&router, SHORT, "gzip").await, b"1.1.10\n");
    // One that is written at once, and some that are made while they are sent, the last times from what is kept.
    for (points, cached) in
        [(100, ""), (20_000, "&noCache=1"), (100_000, "&cacheTimeout=60"), (100_000, "&cacheTimeout=60")]
    {
        let until = 1_000_000_000 + points;
        let path = format!("/render?target=timeFunction('x',1)&from=1000000000&until={until}&format=json{cached}");
        let (plain, gzip) = (ask(&router, &path, "identity").await, ask(&router, &path, "gzip").await);
        assert!(plain.len() > points * 20 && gzip.len() < plain.len());
        // A gzip file ends with the length of what it holds.
        assert_eq!(gzip.last_chunk().unwrap(), &(plain.len() as u32).to_le_bytes(), "{points} points");
        #[cfg(feature = "zstd")]
        assert!(zstd::decode_all(&*ask(&router, &path, "zstd").await).unwrap() == plain, "{points} points");
    }
}
