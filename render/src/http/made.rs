//! An answer of `/render` on its way out: whole, or in pieces that are made while they are sent.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use futures_util::{StreamExt, stream};
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::results::{Answer, Collector, Results, Tag};
use super::wish::Wish;
use super::{never_cached, sent};
use crate::eval::{Budget, EvalError, Held};
use crate::format::Pieces;

/// What was made of a question.
pub(super) struct Made {
    pub(super) kind: &'static str,
    pub(super) body: Text,
    /// Parts of the store that did not contribute.
    pub(super) missing: usize,
}

/// Its bytes.
pub(super) enum Text {
    Whole(Bytes),
    /// Made while they are sent, with the account of the memory that they are made of.
    Pieces(Box<Pieces>, Held),
}

/// How the client and the cache may use an answer.
pub(super) struct Terms<'a> {
    pub(super) cached_for: u32,
    pub(super) wish: Option<&'a Wish>,
    /// The client's `If-None-Match`.
    pub(super) has: Option<&'a str>,
    pub(super) begun: Instant,
}

impl Made {
    /// The response; the answer is kept once it is complete, if it may be given again.
    ///
    /// # Errors
    /// All requests together hold too much.
    pub(super) fn response(
        self,
        terms: &Terms<'_>,
        results: &Arc<Results>,
        budget: &Budget,
    ) -> Result<Response, EvalError> {
        let collector = match terms.wish {
            Some(wish) if self.missing == 0 => results.collect(wish, self.kind, terms.begun),
            _ => None,
        };
        let mut response = match self.body {
            Text::Whole(bytes) => {
                let tag = Tag::of(self.kind, std::slice::from_ref(&bytes));
                if let Some(collector) = collector.and_then(|collector| collector.take(&bytes)) {
                    collector.finish();
                }
                let body = sent::counted(bytes, Held::nothing_of(budget))?;
                tagged(tag, terms, || body)
            }
            Text::Pieces(pieces, held) => Response::new(streamed(*pieces, held, collector)),
        };
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(self.kind));
        if self.missing > 0 {
            response.headers_mut().insert("x-plumbago-missing", HeaderValue::from(self.missing));
        }
        may_be_shown(Duration::from_secs(terms.cached_for.into()), response.headers_mut());
        Ok(response)
    }
}

/// An answer given again.
pub(super) fn again(answer: &Answer, terms: &Terms<'_>) -> Response {
    let pieces: Vec<_> = answer.body.clone();
    let body = || match &pieces[..] {
        [one] => Body::from(one.clone()),
        _ => Body::from_stream(stream::iter(pieces.into_iter().map(Ok::<_, std::convert::Infallible>))),
    };
    let mut response = tagged(answer.tag, terms, body);
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(answer.kind));
    // What it is old already is not given a second time.
    let left = Duration::from_secs(terms.cached_for.into()).saturating_sub(answer.age());
    may_be_shown(left, response.headers_mut());
    response
}

/// The answer, or that the client has it.
fn tagged(tag: Tag, terms: &Terms<'_>, body: impl FnOnce() -> Body) -> Response {
    let mut response = match terms.has {
        Some(has) if tag.is_in(has) => {
            let mut response = Response::new(Body::empty());
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            response
        }
        _ => Response::new(body()),
    };
    set(header::ETAG, &tag.text(), response.headers_mut());
    response
}

/// Makes a piece whenever the socket takes one, so that a slow client costs the memory of the series and no thread.
fn streamed(pieces: Pieces, held: Held, collector: Option<Collector>) -> Body {
    let next = |(mut pieces, held, collector, made): (Pieces, Held, Option<Collector>, usize)| async move {
        if made > 0 && made % AT_A_STRETCH == 0 {
            tokio::task::yield_now().await;
        }
        let Some(piece) = pieces.next().map(Bytes::from) else {
            collector.into_iter().for_each(Collector::finish);
            return None;
        };
        let collector = collector.and_then(|collector| collector.take(&piece));
        Some((Ok::<_, std::convert::Infallible>(piece), (pieces, held, collector, made + 1)))
    };
    // Whoever compresses asks once more after the end.
    Body::from_stream(stream::unfold((pieces, held, collector, 0), next).fuse())
}

/// Pieces after which others have their turn: a client that is as fast as we are would hold up who takes points in.
const AT_A_STRETCH: usize = 4;

/// How long the client may show the answer again.
fn may_be_shown(time: Duration, headers: &mut HeaderMap) {
    let seconds = time.as_secs();
    if seconds == 0 {
        return never_cached(headers);
    }
    let expires = Timestamp::now().as_second().saturating_add(seconds as i64);
    let expires = Timestamp::from_second(expires).unwrap_or(Timestamp::MAX).strftime("%a, %d %b %Y %H:%M:%S GMT");
    set(header::CACHE_CONTROL, &format!("max-age={seconds}"), headers);
    set(header::EXPIRES, &expires.to_string(), headers);
}

fn set(name: HeaderName, text: &str, headers: &mut HeaderMap) {
    // Digits and plain letters only, so it always is a header value.
    if let Ok(value) = HeaderValue::from_str(text) {
        headers.insert(name, value);
    }
}
