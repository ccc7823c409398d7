//! What the answers of `/metrics/...` look like, where they are not written name by name ([`listing`](super::listing)).

use std::collections::BTreeSet;

use carbon_storage::{Node, NodeEnds, NodeKind, NodeList};
use serde::{Serialize, Serializer};

use super::wanted::Wanted;
use crate::http::listing::Level;
use crate::percent::decode_lossily;

#[derive(Serialize)]
pub(super) struct Row {
    text: String,
    id: String,
    #[serde(rename = "allowChildren")]
    allow_children: u8,
    expandable: u8,
    leaf: u8,
}

/// As [`Level`], for who wants it laid out.
pub(super) fn tree(nodes: &NodeList, wanted: &Wanted) -> Vec<Row> {
    let level = Level::new(NodeEnds::of(nodes), wanted.base.clone(), wanted.wildcards);
    let row = |(name, leaf): &(String, bool)| {
        let (branch, leaf) = (u8::from(!leaf), u8::from(*leaf));
        let id = format!("{}{name}", wanted.base);
        Row { text: unquoted(name), id, allow_children: branch, expandable: branch, leaf }
    };
    level.names.iter().map(row).collect()
}

#[derive(Serialize)]
pub(super) struct Completions {
    metrics: Vec<Completion>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Completion {
    Node { path: String, name: String, is_leaf: &'static str },
    Any { name: &'static str },
}

pub(super) fn completions(nodes: &[Node], wanted: &Wanted) -> Completions {
    let one = |node: &Node| {
        let (dot, is_leaf) = if is_leaf(node) { ("", "1") } else { (".", "0") };
        Completion::Node { path: format!("{}{dot}", node.path), name: last(&node.path).to_owned(), is_leaf }
    };
    let any = (wanted.wildcards && nodes.len() > 1).then_some(Completion::Any { name: "*" });
    Completions { metrics: nodes.iter().map(one).chain(any).collect() }
}

#[derive(Serialize)]
pub(super) struct Parts<'a> {
    pub(super) nodes: BTreeSet<&'a str>,
}

/// The distinct parts at `position`, counted from the end when negative; paths that are too short give none.
pub(super) fn parts(nodes: &NodeList, position: i64) -> Parts<'_> {
    let part = |path| -> Option<&str> {
        let mut parts = str::split(path, '.');
        match usize::try_from(position) {
            Ok(position) => parts.nth(position),
            Err(_) => parts.rev().nth(usize::try_from(-(position + 1)).ok()?),
        }
    };
    Parts { nodes: nodes.iter().filter_map(|(path, _)| part(path)).collect() }
}

#[derive(Serialize)]
struct Record<'a> {
    path: &'a str,
    is_leaf: bool,
    /// When a leaf may have points; for branches nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    intervals: Option<[Interval; 1]>,
}

#[derive(Serialize)]
struct Interval {
    start: i64,
    end: i64,
}

/// A record for each node, written one by one.
pub(super) struct Records<'a>(pub(super) &'a NodeList, pub(super) i64);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = |(path, kind)| {
            let is_leaf = kind == NodeKind::Leaf;
            Record { path, is_leaf, intervals: is_leaf.then_some([Interval { start: 0, end: self.1 }]) }
        };
        serializer.collect_seq(self.0.iter().map(record))
    }
}

/// The path of each node.
pub(super) struct Paths<'a>(pub(super) &'a NodeList);

impl Serialize for Paths<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(path, _)| path))
    }
}

#[derive(Serialize)]
pub(super) struct Expanded<'a> {
    pub(super) results: Results<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
pub(super) enum Results<'a> {
    Flat(BTreeSet<String>),
    /// In the order of the request.
    #[serde(serialize_with = "as_map")]
    Grouped(Vec<(&'a str, BTreeSet<String>)>),
}

fn as_map<S: Serializer>(groups: &[(&str, BTreeSet<String>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(groups.iter().map(|(query, paths)| (query, paths)))
}

pub(super) fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

fn is_leaf(node: &Node) -> bool {
    node.kind == NodeKind::Leaf
}

/// The name as the tree shows it: graphite-web undoes percent-encoding and `+` in it.
fn unquoted(name: &str) -> String {
    decode_lossily(name)
}
