//! Answers with a body: JSON in Python's setting, JSONP, bytes.

use std::io;

use axum::body::Body;
use axum::response::Response;
use hyper::header::{CONTENT_TYPE, HeaderValue};
use serde::Serialize;
use serde_json::ser::{Formatter, PrettyFormatter, Serializer};

use super::fault::Fault;
use super::params::Params;

/// A body of the given type.
pub(super) fn body(kind: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = Response::new(Body::from(bytes));
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// `value` as JSON, indented when `pretty` asks for it, as a script when `jsonp` does.
///
/// # Errors
/// An unfit `jsonp`, or more bytes than `limit`.
pub(super) fn json(value: &impl Serialize, params: &Params, limit: usize) -> Result<Response, Fault> {
    let (callback, bytes) = (params.callback()?, text(value, is_pretty(params), limit)?);
    Ok(scripted(bytes, callback))
}

/// As [`json`], for endpoints that know no `pretty`.
pub(super) fn json_on_a_line(value: &impl Serialize, params: &Params, limit: usize) -> Result<Response, Fault> {
    let (callback, bytes) = (params.callback()?, text(value, false, limit)?);
    Ok(scripted(bytes, callback))
}

/// Bytes of an answer that are made at once.
pub(super) const PIECE: usize = 64 << 10;

/// As [`json`], for endpoints that know no `jsonp`.
pub(super) fn json_alone(value: &impl Serialize, params: &Params, limit: usize) -> Result<Response, Fault> {
    Ok(scripted(text(value, is_pretty(params), limit)?, None))
}

fn is_pretty(params: &Params) -> bool {
    params.last("pretty").is_some_and(|text| !text.is_empty())
}

fn text(value: &impl Serialize, pretty: bool, limit: usize) -> Result<Vec<u8>, Fault> {
    let out = Bounded { bytes: Vec::new(), limit };
    let written = if pretty { set(value, out, PrettyFormatter::new()) } else { set(value, out, OneLine) };
    written.map_err(|_| Fault::from(crate::format::TooLong { limit }))
}

/// Stands for an infinite number in values given to [`json_with_infinity`].
pub(super) const INFINITY: &str = "1e9999";

/// As [`json`]; the text [`INFINITY`] becomes a number, which no value of serde's JSON can be.
pub(super) fn json_with_infinity(value: &impl Serialize, params: &Params, limit: usize) -> Result<Response, Fault> {
    let (callback, bytes) = (params.callback()?, text(value, is_pretty(params), limit)?);
    let text = String::from_utf8_lossy(&bytes).replace("\"1e9999\"", INFINITY);
    Ok(scripted(text.into_bytes(), callback))
}

/// JSON as it is, or as the argument of a call.
pub(super) fn scripted(json: Vec<u8>, callback: Option<&str>) -> Response {
    match callback {
        None => body("application/json", json),
        Some(name) => body("text/javascript", [name.as_bytes(), b"(", &in_ascii(json), b")"].concat()),
    }
}

/// JSON whose texts are spelled in ASCII, as Python does: scripts are compared as text.
fn in_ascii(json: Vec<u8>) -> Vec<u8> {
    let is_odd = |byte: &u8| *byte >= 0x7f;
    if !json.iter().any(is_odd) {
        return json;
    }
    let mut out = Vec::with_capacity(json.len() * 2);
    for c in String::from_utf8_lossy(&json).chars() {
        match u8::try_from(c) {
            Ok(byte) if !is_odd(&byte) => out.push(byte),
            _ => c.encode_utf16(&mut [0; 2]).iter().for_each(|unit| out.extend(format!("\\u{unit:04x}").bytes())),
        }
    }
    out
}

fn set<F: Formatter>(value: &impl Serialize, out: Bounded, formatter: F) -> serde_json::Result<Vec<u8>> {
    let mut out = Serializer::with_formatter(out, formatter);
    value.serialize(&mut out)?;
    Ok(out.into_inner().bytes)
}

/// Refuses what goes beyond the limit.
struct Bounded {
    bytes: Vec<u8>,
    limit: usize,
}

impl io::Write for Bounded {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if self.bytes.len() + bytes.len() > self.limit {
            return Err(io::ErrorKind::FileTooLarge.into());
        }
        self.bytes.extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// One line with a blank after comma and colon, as Python's `json.dumps`: clients compare texts.
struct OneLine;

impl Formatter for OneLine {
    fn begin_array_value<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_key<W: ?Sized + io::Write>(&mut self, out: &mut W, first: bool) -> io::Result<()> {
        if first { Ok(()) } else { out.write_all(b", ") }
    }

    fn begin_object_value<W: ?Sized + io::Write>(&mut self, out: &mut W) -> io::Result<()> {
        out.write_all(b": ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_spelled_in_ascii() {
        let text = |json: &str| String::from_utf8(in_ascii(json.as_bytes().to_vec())).unwrap();
        assert_eq!(text(r#"["plain"]"#), r#"["plain"]"#);
        assert_eq!(text("[\"é\u{7f}\u{1f600}\"]"), r#"["\u00e9\u007f\ud83d\ude00"]"#);
    }
}
