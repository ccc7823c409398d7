//! `/`, `/explore`, `/board/NAME` and their files: the page for browsers, see [`crate::page`].

use std::fmt::Display;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};

use super::App;
use super::fault::{Fault, shortened};
use crate::page::{self, File, VERSION};

/// Scripts, styles, pictures and answers of this server alone, and nobody else's frame.
const POLICY: HeaderValue = HeaderValue::from_static(
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     base-uri 'none'; form-action 'none'; frame-ancestors 'self'",
);

/// The paths of the page.
pub(super) fn routes() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { document(0, &START, &headers) }))
        .route("/explore", get(|headers: HeaderMap| async move { document(0, &NAMES, &headers) }))
        .route("/explore/", get(|headers: HeaderMap| async move { document(1, &NAMES, &headers) }))
        .route("/board/{name}", get(board))
        .route("/page/{version}/{file}", get(file))
        .route("/favicon.ico", get(icon))
}

/// What the start asks for at once: its dashboard, and the first of the names that this one needs.
const START: [&str; 2] = ["dashboards/hosts", "metrics/find?query=servers.*.loadavg.01&amp;format=json&amp;limit=60"];

/// What the explorer asks for at once.
const NAMES: [&str; 1] = ["metrics/find?query=*&amp;format=json"];

async fn board(Path(name): Path<String>, headers: HeaderMap) -> Response {
    // Other names are written with escapes, in one way or another, and a new one is not there yet.
    let plain = name != "new" && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte));
    let path = format!("dashboards/{name}");
    document(1, if plain { std::slice::from_ref(&path) } else { &[] }, &headers)
}

/// The scripts of the document find out by its path what to show.
fn document(depth: usize, first: &[impl Display], headers: &HeaderMap) -> Response {
    let response = tagged(headers, "text/html; charset=utf-8", page::document(depth, first).into());
    // Asked for again each time, so that it never names files of another version.
    with(response, header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))
}

async fn file(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Result<Response, Fault> {
    let absent = || Fault::absent(format!("the page has no file `{}` of that version", shortened(&name)));
    let File { kind, bytes, .. } = page::file(&version, &name).ok_or_else(absent)?;
    let response = tagged(&headers, kind, Body::from(bytes.clone()));
    Ok(with(response, header::CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable")))
}

/// For browsers that look for a picture of the site without being told where.
async fn icon(headers: HeaderMap) -> Result<Response, Fault> {
    file(Path((VERSION.clone(), "mark.svg".to_owned())), headers).await
}

/// The body, or nothing if the client has it: all change together, so one tag serves for all.
fn tagged(headers: &HeaderMap, kind: &'static str, body: Body) -> Response {
    // Weak: the same file also goes out compressed.
    let tag = format!("W/\"{}\"", *VERSION);
    let known = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let held = known.flat_map(|value| value.split(',')).any(|one| one.trim() == tag || one.trim() == "*");
    let mut response = if held { StatusCode::NOT_MODIFIED.into_response() } else { Response::new(body) };
    if !held {
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    }
    if let Ok(tag) = HeaderValue::from_str(&tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
    let response = with(response, header::REFERRER_POLICY, HeaderValue::from_static("same-origin"));
    with(response, header::CONTENT_SECURITY_POLICY, POLICY)
}

fn with(mut response: Response, name: header::HeaderName, value: HeaderValue) -> Response {
    response.headers_mut().insert(name, value);
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dashboards::{DashboardName, Ready};

    #[test]
    fn the_start_asks_for_the_names_that_its_dashboard_needs() {
        let hosts = Ready::called(&DashboardName::parse("hosts").unwrap()).unwrap();
        let needs = hosts.needs.as_ref().unwrap().as_str();
        assert!(START[1].starts_with(&format!("metrics/find?query={needs}&amp;")));
    }
}
