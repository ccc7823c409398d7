//! What only programs on this host may ask for: whatever changes something, or costs more than an answer.

use std::net::IpAddr;

use axum::extract::Extension;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap};

use super::fault::Fault;

/// Who asks; the server adds it to each request as an extension, and so does whoever calls a router without one.
#[derive(Clone, Copy, Debug)]
pub struct Peer(pub IpAddr);

/// Refuses all but programs on this host. A page in a browser and a proxy stand in for others, so they are refused too.
pub(super) fn only(peer: Option<Extension<Peer>>, headers: &HeaderMap, what: &str) -> Result<(), Fault> {
    let local = peer.is_some_and(|Extension(Peer(peer))| peer.to_canonical().is_loopback());
    if local && !speaks_for_others(headers) {
        return Ok(());
    }
    let message = format!("{what} is answered to programs on this host alone, over its loopback address");
    Err(Fault { status: StatusCode::FORBIDDEN, ..Fault::bad(message) })
}

fn speaks_for_others(headers: &HeaderMap) -> bool {
    headers.contains_key(header::ORIGIN)
        || headers.contains_key(header::FORWARDED)
        || headers.contains_key("x-forwarded-for")
}
