//! Lists of names as JSON, made piece by piece while the client reads: they may be of a million rows.

use std::convert::Infallible;

use axum::body::Body;
use axum::response::Response;
use bytes::Bytes;
use carbon_storage::{NodeEnds, NodeKind, NodeList};
use futures_util::stream;
use hyper::header::{CONTENT_TYPE, HeaderValue};

use super::answer::PIECE;
use super::fault::Fault;
use super::render::fault_of;
use crate::eval::{Budget, Held};

/// What is written for each of some things, and around all of them.
pub(super) trait Rows: Send + 'static {
    /// What stands before the first row and behind the last one.
    const AROUND: (&str, &str) = ("[", "]");

    fn count(&self) -> usize;

    /// Memory that the things take.
    fn bytes(&self) -> usize;

    /// Bytes that all rows have together at least.
    fn length(&self) -> usize;

    fn write(&self, at: usize, out: &mut Vec<u8>);
}

/// The rows, on the account of `budget` until the last one has been sent.
///
/// # Errors
/// More bytes than `limit`, or all requests together hold too much.
pub(super) fn rows<R: Rows>(rows: R, limit: usize, budget: &Budget) -> Result<Response, Fault> {
    if rows.length() > limit {
        return Err(Fault::from(crate::format::TooLong { limit }));
    }
    let mut pieces = Pieces { next: 0, is_done: false, held: Held::nothing_of(budget), rows };
    let first = pieces.next().unwrap_or_default();
    let body = if pieces.is_done {
        Body::from(first)
    } else {
        pieces.held.more(pieces.rows.bytes()).map_err(fault_of)?;
        let all = std::iter::once(first).chain(pieces).map(|piece| Ok::<_, Infallible>(Bytes::from(piece)));
        Body::from_stream(stream::iter(all))
    };
    let mut response = Response::new(body);
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(response)
}

struct Pieces<R> {
    rows: R,
    next: usize,
    is_done: bool,
    held: Held,
}

impl<R: Rows> Iterator for Pieces<R> {
    type Item = Vec<u8>;

    fn next(&mut self) -> Option<Vec<u8>> {
        if self.is_done {
            return None;
        }
        let mut out = Vec::new();
        if self.next == 0 {
            out.extend_from_slice(R::AROUND.0.as_bytes());
        }
        while self.next < self.rows.count() {
            if self.next > 0 {
                out.extend_from_slice(b", ");
            }
            self.rows.write(self.next, &mut out);
            self.next += 1;
            if out.len() >= PIECE {
                return Some(out);
            }
            if self.next == 64 {
                // It is no short list.
                out.reserve(PIECE + 4_096);
            }
        }
        self.is_done = true;
        out.extend_from_slice(R::AROUND.1.as_bytes());
        Some(out)
    }
}

/// A text in quotes.
fn quote(text: &str, out: &mut Vec<u8>) {
    out.push(b'"');
    escape(text, out);
    out.push(b'"');
}

/// A text between quotes; what has to be escaped in a name is rare.
fn escape(text: &str, out: &mut Vec<u8>) {
    let plain = |byte: u8| (byte >= b' ') & (byte != b'"') & (byte != b'\\');
    // Without a way out of the loop it is done many bytes at a time.
    if text.bytes().fold(true, |all, byte| all & plain(byte)) {
        return out.extend_from_slice(text.as_bytes());
    }
    let begin = out.len();
    // A text is written into memory, which does not fail.
    let _ = serde_json::to_writer(&mut *out, text);
    out.remove(begin);
    out.pop();
}

/// The path of each node.
pub(super) struct Paths(pub(super) NodeList);

impl Rows for Paths {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn length(&self) -> usize {
        // Quotes, comma and blank.
        self.0.text_bytes() + 4 * self.0.len()
    }

    fn write(&self, at: usize, out: &mut Vec<u8>) {
        quote(self.0.get(at).map_or("", |(path, _)| path), out);
    }
}

/// As [`Paths`], as what `/metrics/expand` found.
pub(super) struct Results(pub(super) Paths);

impl Rows for Results {
    const AROUND: (&str, &str) = ("{\"results\": [", "]}");

    fn count(&self) -> usize {
        self.0.count()
    }

    fn bytes(&self) -> usize {
        self.0.bytes()
    }

    fn length(&self) -> usize {
        self.0.length()
    }

    fn write(&self, at: usize, out: &mut Vec<u8>) {
        self.0.write(at, out);
    }
}

/// A record for each node: its path, whether it is a leaf, and when a leaf may have points.
pub(super) struct Records {
    nodes: NodeList,
    /// What stands behind the path of a leaf.
    leaf: String,
}

impl Records {
    pub(super) fn new(nodes: NodeList, now: i64) -> Records {
        let leaf = format!(r#", "is_leaf": true, "intervals": [{{"start": 0, "end": {now}}}]}}"#);
        Records { nodes, leaf }
    }
}

impl Rows for Records {
    fn count(&self) -> usize {
        self.nodes.len()
    }

    fn bytes(&self) -> usize {
        self.nodes.bytes()
    }

    fn length(&self) -> usize {
        self.nodes.text_bytes() + r#"{"path": "", "is_leaf": true}, "#.len() * self.nodes.len()
    }

    fn write(&self, at: usize, out: &mut Vec<u8>) {
        let (path, kind) = self.nodes.get(at).unwrap_or(("", NodeKind::Leaf));
        out.extend_from_slice(b"{\"path\": ");
        quote(path, out);
        out.extend_from_slice(match kind {
            NodeKind::Leaf => self.leaf.as_bytes(),
            NodeKind::Branch => b", \"is_leaf\": false}",
        });
    }
}

/// A level of the tree of names: a row for each distinct last part, branches first; what is both is shown as a branch, so
/// that it can be opened.
pub(super) struct Level {
    base: String,
    /// Names as they are, and whether each is a leaf alone.
    pub(super) names: Vec<(String, bool)>,
}

impl Level {
    /// The ends of paths that begin with `base`; with `wildcards`, several of them are also shown as one.
    pub(super) fn new(found: NodeEnds, base: String, wildcards: bool) -> Level {
        let all_leaves = found.ends.iter().all(|end| !end.branch);
        let any = (wildcards && found.count > 1).then(|| ("*".to_owned(), all_leaves));
        let mut names: Vec<(String, bool)> = found.ends.into_iter().map(|end| (end.word, !end.branch)).collect();
        // They come in the order of their names.
        names.sort_by_key(|(_, is_leaf)| *is_leaf);
        names.splice(0..0, any);
        Level { base, names }
    }
}

impl Rows for Level {
    fn count(&self) -> usize {
        self.names.len()
    }

    fn bytes(&self) -> usize {
        self.names.iter().map(|(name, _)| name.len() + size_of::<(String, bool)>()).sum()
    }

    fn length(&self) -> usize {
        let row = r#"{"text": "", "id": "", "allowChildren": 0, "expandable": 0, "leaf": 1}, "#.len() + self.base.len();
        self.names.iter().map(|(name, _)| row + 2 * name.len()).sum()
    }

    fn write(&self, at: usize, out: &mut Vec<u8>) {
        let Some((name, is_leaf)) = self.names.get(at) else { return };
        out.extend_from_slice(b"{\"text\": ");
        match name.contains(['%', '+']) {
            // The name as the tree shows it: graphite-web undoes percent-encoding and `+` in it.
            true => quote(&crate::percent::decode_lossily(name), out),
            false => quote(name, out),
        }
        out.extend_from_slice(b", \"id\": ");
        out.push(b'"');
        escape(&self.base, out);
        escape(name, out);
        out.push(b'"');
        out.extend_from_slice(match is_leaf {
            true => b", \"allowChildren\": 0, \"expandable\": 0, \"leaf\": 1}",
            false => b", \"allowChildren\": 1, \"expandable\": 1, \"leaf\": 0}",
        });
    }
}

#[cfg(test)]
mod tests {
    use carbon_storage::Node;
    use serde_json::{Value, json};

    use super::*;

    async fn read(rows: impl Rows) -> Value {
        let budget = Budget::new(1 << 30);
        let response = super::rows(rows, usize::MAX, &budget).unwrap();
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.unwrap();
        assert_eq!(budget.used(), 0);
        serde_json::from_slice(&body).unwrap()
    }

    fn list(names: &[String]) -> NodeList {
        let node = |name: &String| Node { path: format!("a.{name}"), kind: NodeKind::Leaf };
        NodeList::of(names.iter().map(node))
    }

    #[tokio::test]
    async fn lists_of_any_length_and_with_any_name_are_json() {
        let odd = ["x", "\"", "\\\"", "é", "tab\tbed", "per%20cent", "<&>", "\u{1}"].map(str::to_owned).to_vec();
        let many: Vec<String> = (0..20_000).map(|n| format!("name-{n:05}")).collect();
        for names in [Vec::new(), odd, many] {
            let paths: Vec<String> = names.iter().map(|name| format!("a.{name}")).collect();
            assert_eq!(read(Paths(list(&names))).await, json!(paths));
            assert_eq!(read(Results(Paths(list(&names)))).await, json!({ "results": paths }));
            let records: Vec<Value> = paths
                .iter()
                .map(|path| json!({ "path": path, "is_leaf": true, "intervals": [{ "start": 0, "end": 7 }] }))
                .collect();
            assert_eq!(read(Records::new(list(&names), 7)).await, json!(records));
            let level = read(Level::new(NodeEnds::of(&list(&names)), "a.".to_owned(), false)).await;
            let mut ids: Vec<&str> = level.as_array().unwrap().iter().map(|row| row["id"].as_str().unwrap()).collect();
            let mut expected: Vec<&str> = paths.iter().map(String::as_str).collect();
            ids.sort_unstable();
            expected.sort_unstable();
            assert_eq!(ids, expected);
        }
    }

    #[tokio::test]
    async fn a_long_list_counts_while_it_is_sent() {
        let names: Vec<String> = (0..20_000).map(|n| format!("name-{n:05}")).collect();
        let budget = Budget::new(1 << 20);
        let response = rows(Paths(list(&names)), usize::MAX, &budget).unwrap();
        assert!(budget.used() > 20_000 * "a.name-00000".len());
        let refused = rows(Paths(list(&names)), usize::MAX, &budget).map(drop).unwrap_err();
        assert_eq!(refused.status.as_u16(), 503);
        drop(response);
        assert_eq!(budget.used(), 0);
        assert!(rows(Paths(list(&names)), 100_000, &budget).is_err());
    }
}
