//! Whatever is asked, the answer is no fault of the server, and a refusal is one JSON object that gives nothing away.
#![no_main]

use std::sync::{Arc, LazyLock};

use axum::Router;
use axum::body::{Body, to_bytes};
use carbon_storage::Memory;
use hyper::{Request, Uri};
use libfuzzer_sys::fuzz_target;
use render::{HttpConfig, RenderConfig, Sources, Status};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;
use whisper::Interval;

/// Small limits, so that what is big by right costs no time here.
static SERVER: LazyLock<(Runtime, Router)> = LazyLock::new(|| {
    let memory = Arc::new(Memory::new(Interval::from_secs(60).expect("a minute is no zero"), 1));
    let config = RenderConfig { points: 20_000, width: 200, height: 200, ..RenderConfig::default() };
    let sources = Sources::new(memory.clone(), memory, Status::default());
    let runtime = Builder::new_current_thread().enable_all().build().expect("there are threads");
    (runtime, render::router(HttpConfig::default(), config, sources))
});

const PATHS: [&str; 6] =
    ["/render", "/explain", "/metrics/find", "/metrics/expand", "/tags/findSeries", "/events/get_data"];

fuzz_target!(|input: (u8, bool, &str)| {
    let (path, is_form, query) = input;
    let (runtime, router) = &*SERVER;
    let path = PATHS[usize::from(path) % PATHS.len()];
    let request = if is_form {
        let kind = "application/x-www-form-urlencoded";
        Request::post(path)
            .header("content-type", kind)
            .header("accept", "application/json")
            .body(Body::from(query.to_owned()))
    } else {
        let Ok(uri) = format!("{path}?{query}").parse::<Uri>() else { return };
        Request::get(uri).header("accept", "application/json").body(Body::empty())
    };
    let Ok(request) = request else { return };
    runtime.block_on(async {
        let response = router.clone().oneshot(request).await.expect("a router does not fail");
        let status = response.status().as_u16();
        assert!(status < 500, "{status}");
        let body = to_bytes(response.into_body(), usize::MAX).await.expect("it is in memory");
        if status >= 400 {
            let text = String::from_utf8(body.to_vec()).expect("a refusal is text");
            assert!(text.starts_with("{\"") && !text.contains(".rs:"), "{text}");
        }
    });
});
