//! Refuses paths that nobody sends in good faith, before any route looks at them.

use axum::extract::Request;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use super::fault::Fault;
use crate::percent::decode;

/// # Errors
/// 400 for broken percent-encoding, control characters, and `.` or `..` as a part of the path.
pub(super) async fn well_formed(request: Request, next: Next) -> Response {
    match problem(request.uri().path()) {
        Some(why) => Fault::bad(format!("the path {why}")).into_response(),
        None => next.run(request).await,
    }
}

fn problem(path: &str) -> Option<&'static str> {
    path.split('/').find_map(|part| match decode(part, false) {
        Err(why) => Some(why),
        // A part may hide further ones behind `%2f`; a tag may hold slashes, but none of these.
        Ok(part) if part.split(['/', '\\']).any(|part| part == "." || part == "..") => {
            Some("must not lead upwards by `.` or `..`")
        }
        Ok(part) if part.contains(char::is_control) => Some("must not hold control characters"),
        Ok(_) => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_paths_are_refused() {
        for path in ["/a/../b", "/..", "/a%2f..%2fb", "/%2e%2e/x", "/%", "/%zz", "/a%00", "/a%0d%0ab", "/%ff", "/./a"] {
            assert!(problem(path).is_some(), "{path}");
        }
        for path in ["/", "/render/", "/tags/a..b", "/tags/a%2Fb", "/functions/%C3%A9", "//"] {
            assert_eq!(problem(path), None, "{path}");
        }
    }
}
