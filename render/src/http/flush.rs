//! `/flush`: has waiting points written, for tools on this host that read files themselves.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::response::Response;
use carbon_line::Pattern;
use hyper::StatusCode;
use serde_json::json;

use super::access::{Asker, Change};
use super::desk::Desk;
use super::fault::{Fault, shortened};
use super::{answer, form, never_cached};

/// How long the store is waited for: making the files of a million new series takes its minute or more, so the time limit
/// of other requests does not hold here.
pub const LONGEST_FLUSH: Duration = Duration::from_secs(600);

/// Where it is answered.
pub(super) const PATH: &str = "/flush";

/// Answers `{"flushed": points, "series": n}` when what waited is in the files, or 503 with what is left.
///
/// Only for this host: it costs writes. A page in a browser and a proxy stand in for others, so they get nothing either.
pub(super) async fn flush(State(desk): State<Arc<Desk>>, request: Request) -> Result<Response, Fault> {
    let asker = Asker::of(&request);
    desk.access.allow(&asker, Change::Usual, "`/flush`").await?;
    let flush = desk.status.flush.as_ref().ok_or_else(|| Fault::absent("no points wait in this process"))?;
    let params = form::params(request, desk.http.body_bytes).await?;
    let query = params.last("query").filter(|query| !query.is_empty());
    let only = query
        .map(Pattern::parse)
        .transpose()
        .map_err(|fault| Fault::parameter("query", format!("`{}`: {fault}", shortened(query.unwrap_or_default()))))?;
    let done = flush.flush(only.as_ref(), LONGEST_FLUSH).await;
    let mut told = json!({ "flushed": done.points, "series": done.series });
    if done.left > 0 {
        let examples: Vec<&str> = done.examples.iter().map(|name| &**name).collect();
        told["left"] = done.left.into();
        told["examples"] = examples.into();
        told["error"] = format!(
            "points of {} series still wait after {:.0} s; /health and the log say why",
            done.left,
            LONGEST_FLUSH.as_secs_f64()
        )
        .into();
    }
    let mut response = answer::body("application/json", told.to_string().into_bytes());
    never_cached(response.headers_mut());
    if done.left > 0 {
        *response.status_mut() = StatusCode::SERVICE_UNAVAILABLE;
    }
    Ok(response)
}
