//! `/`, `/explore`, `/board/NAME` and their files: the page for browsers, see [`crate::page`].

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
        .route("/", get(|headers: HeaderMap| async move { document(0, &headers) }))
        .route("/explore", get(|headers: HeaderMap| async move { document(0, &headers) }))
        .route("/explore/", get(|headers: HeaderMap| async move { document(1, &headers) }))
        .route("/board/{name}", get(|headers: HeaderMap| async move { document(1, &headers) }))
        .route("/page/{version}/{file}", get(file))
        .route("/favicon.ico", get(icon))
}

/// The scripts of the document find out by its path what to show.
fn document(depth: usize, headers: &HeaderMap) -> Response {
    let response = tagged(headers, "text/html; charset=utf-8", page::document(depth).into());
    // Asked for again each time, so that it never names files of another version.
    with(response, header::CACHE_CONTROL, HeaderValue::from_static("no-cache"))
}

async fn file(Path((version, name)): Path<(String, String)>, headers: HeaderMap) -> Result<Response, Fault> {
    let absent = || Fault::absent(format!("the page has no file `{}` of that version", shortened(&name)));
    let File { kind, bytes, .. } = page::file(&version, &name).ok_or_else(absent)?;
    let response = tagged(&headers, kind, Body::from(*bytes));
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
