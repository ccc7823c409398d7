//! How many requests were answered, how, and how long that took.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;

use super::asked::Asked;
use super::exposition::Family;

/// What counts as a query.
const QUERIES: &str = "/render";

/// Counts by endpoint and status; both are few, whatever clients send.
#[derive(Debug, Default)]
pub(super) struct Traffic {
    table: Mutex<BTreeMap<(String, u16), Answers>>,
    asked: Arc<Asked>,
}

#[derive(Clone, Copy, Debug, Default)]
struct Answers {
    count: u64,
    time: Duration,
}

impl Traffic {
    /// Counts queries in `asked`, too.
    pub(super) fn with(asked: Arc<Asked>) -> Traffic {
        Traffic { asked, ..Traffic::default() }
    }

    fn enter(&self, path: String, status: u16, time: Duration) {
        if path == QUERIES {
            self.asked.enter(status, time);
        }
        // A count is whole after each change.
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        let answers = table.entry((path, status)).or_default();
        answers.count += 1;
        answers.time += time;
    }

    pub(super) fn families(&self) -> Vec<Family> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let mut requests = Family::counter("plumbago_http_requests_total", "HTTP requests answered.");
        let mut paths = BTreeMap::<&str, Answers>::new();
        for ((path, status), answers) in &table {
            requests = requests.labelled(&[("path", path), ("status", &status.to_string())], answers.count as f64);
            let sum = paths.entry(path).or_default();
            sum.count += answers.count;
            sum.time += answers.time;
        }
        let mut times = Family::summary(
            "plumbago_http_request_duration_seconds",
            "Time from the head of a request to the head of its answer.",
        );
        for (path, answers) in paths {
            times = times.summed(&[("path", path)], answers.time.as_secs_f64(), answers.count);
        }
        vec![requests, times]
    }
}

/// Counts a request when its answer begins.
pub(super) async fn count(State(traffic): State<Arc<Traffic>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let path = request.extensions().get::<MatchedPath>().map_or("other", MatchedPath::as_str);
    let path = if path.len() > 1 { path.trim_end_matches('/') } else { path }.to_owned();
    let response = next.run(request).await;
    traffic.enter(path, response.status().as_u16(), begun.elapsed());
    response
}
