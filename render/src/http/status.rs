//! How this process is doing: `/health` for people and load balancers, `/metrics` for monitoring, `/flush` for tools,
//! `/admin` for changes.
//! Served beside queries, or alone by a process that answers none.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use hyper::StatusCode;
use serde_json::{Map, Value};

use super::desk::Desk;
use super::{answer, flush, never_cached, series, slashed};

/// `/health`, `/flush`, and changes of series.
pub(super) fn routes(desk: Arc<Desk>) -> Router {
    let endpoints = [
        ("/health", get(health)),
        ("/flush", get(flush::flush).post(flush::flush)),
        ("/admin/series/list", post(series::list)),
        ("/admin/series/delete", post(series::delete)),
        ("/admin/series/rename", post(series::rename)),
    ];
    slashed(endpoints).with_state(desk)
}

/// `/metrics` of a process that has no names to list.
pub(super) fn metrics(desk: Arc<Desk>) -> Router {
    let numbers = |State(desk): State<Arc<Desk>>, _: Request| async move { desk.exposition() };
    slashed([("/metrics", get(numbers))]).with_state(desk)
}

/// 200 while all parts do their work, else 503 with the reasons.
async fn health(State(desk): State<Arc<Desk>>) -> Response {
    let mut told = Map::new();
    let mut reasons = Vec::new();
    for part in &desk.status.parts {
        reasons.extend(part.faults().into_iter().map(|fault| Value::String(format!("{}: {fault}", part.name()))));
        told.insert(part.name().to_owned(), part.counters());
    }
    let well = reasons.is_empty();
    told.insert("status".to_owned(), if well { "ok" } else { "failing" }.into());
    if !well {
        told.insert("reasons".to_owned(), reasons.into());
    }
    let mut response = answer::body("application/json", Value::Object(told).to_string().into_bytes());
    never_cached(response.headers_mut());
    if !well {
        return (StatusCode::SERVICE_UNAVAILABLE, response).into_response();
    }
    response
}
