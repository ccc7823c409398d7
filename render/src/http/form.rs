//! The parameters of a request, from its address and from the form in its body.

use axum::body::{Body, HttpBody};
use axum::extract::Request;
use hyper::header;
use hyper::{Method, StatusCode};

use super::fault::{Fault, shortened};
use super::multipart;
use super::params::Params;

/// The usual type of body.
const FORM: &str = "application/x-www-form-urlencoded";

/// Reads the parameters, from the body too when it is a form of at most `limit` bytes.
pub(super) async fn params(request: Request, limit: usize) -> Result<Params, Fault> {
    let (head, body) = request.into_parts();
    let query = head.uri.query().unwrap_or_default();
    let typed = head.headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    let kind = typed.split(';').next().unwrap_or_default().trim();
    if head.method != Method::POST {
        return Params::parse(query, "");
    }
    let body = read(body, limit).await?;
    if kind.eq_ignore_ascii_case(multipart::KIND) {
        return Ok(Params::parse(query, "")?.and(multipart::fields(typed, body).await?));
    }
    if !body.is_empty() && !kind.eq_ignore_ascii_case(FORM) {
        return Err(other_form(kind));
    }
    let form = std::str::from_utf8(&body).map_err(|_| Fault::bad("the form in the body is not UTF-8"))?;
    Params::parse(query, form)
}

/// The bytes of a body of at most `limit`.
pub(super) async fn read(body: Body, limit: usize) -> Result<bytes::Bytes, Fault> {
    // A length that is announced is refused before the body comes.
    if body.size_hint().lower() > limit as u64 {
        return Err(too_long(limit));
    }
    axum::body::to_bytes(body, limit).await.map_err(|error| {
        let long =
            std::error::Error::source(&error).is_some_and(|cause| cause.is::<http_body_util::LengthLimitError>());
        if long { too_long(limit) } else { Fault::bad("the body ended before it was complete") }
    })
}

fn too_long(limit: usize) -> Fault {
    let message = format!("the body is longer than {limit} bytes, the `body-bytes` limit");
    Fault { status: StatusCode::PAYLOAD_TOO_LARGE, ..Fault::bad(message) }
}

/// A body whose parameters would be lost without a word.
fn other_form(kind: &str) -> Fault {
    let found = match kind {
        "" => "has no Content-Type".to_owned(),
        _ => format!("is `{}`", shortened(kind)),
    };
    let message =
        format!("the body {found}; send parameters as `{FORM}`, as `multipart/form-data` or in the query string");
    Fault { status: StatusCode::UNSUPPORTED_MEDIA_TYPE, ..Fault::bad(message) }
}
