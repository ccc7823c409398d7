//! Why a request is not answered, as JSON: `{"error": message, ...}`. Never a path of this machine, never a trace.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use hyper::StatusCode;
use hyper::header::{CONTENT_TYPE, HeaderValue, WWW_AUTHENTICATE};

use crate::target::Place;

/// A refusal: its status, a sentence for a person, and where in the request the mistake is.
#[derive(Debug)]
pub(super) struct Fault {
    pub(super) status: StatusCode,
    pub(super) message: String,
    /// The parameter it is in.
    pub(super) parameter: Option<String>,
    /// The place in a target.
    pub(super) place: Option<Place>,
    /// What the user may have meant.
    pub(super) hint: Option<String>,
}

impl Fault {
    /// The client made a mistake.
    pub(super) fn bad(message: impl Into<String>) -> Fault {
        Fault { status: StatusCode::BAD_REQUEST, message: message.into(), parameter: None, place: None, hint: None }
    }

    /// The client made a mistake in the parameter `name`.
    pub(super) fn parameter(name: &str, message: impl Into<String>) -> Fault {
        Fault { parameter: Some(shortened(name)), ..Fault::bad(message) }
    }

    /// What is asked for is not there.
    pub(super) fn absent(message: impl Into<String>) -> Fault {
        Fault { status: StatusCode::NOT_FOUND, ..Fault::bad(message) }
    }

    /// We failed; the log has the cause, the answer has not, because it may name files.
    pub(super) fn ours(message: impl Into<String>) -> Fault {
        Fault { status: StatusCode::INTERNAL_SERVER_ERROR, ..Fault::bad(message) }
    }

    /// The body: one JSON object.
    pub(super) fn json(&self) -> String {
        let mut object = serde_json::Map::new();
        object.insert("error".to_owned(), self.message.as_str().into());
        if let Some(name) = &self.parameter {
            object.insert("parameter".to_owned(), name.as_str().into());
        }
        if let Some(place) = &self.place {
            object.insert("target".to_owned(), shortened(&place.target).into());
            object.insert("position".to_owned(), place.position.into());
            object.insert("at".to_owned(), place.caret().into());
        }
        if let Some(hint) = &self.hint {
            object.insert("hint".to_owned(), hint.as_str().into());
        }
        serde_json::Value::Object(object).to_string()
    }
}

impl IntoResponse for Fault {
    fn into_response(self) -> Response {
        let mut response = Response::new(Body::from(self.json()));
        *response.status_mut() = self.status;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
        super::never_cached(response.headers_mut());
        if self.status == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer realm=\"plumbago\""));
        }
        response
    }
}

/// At most this many characters of what a client sent are sent back.
const ECHO: usize = 200;

/// The start of `text`.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(ECHO) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_sent_is_not_sent_back_whole() {
        let fault = Fault::parameter(&"x".repeat(10_000), "no such thing");
        assert!(fault.json().len() < 1_000);
    }
}
