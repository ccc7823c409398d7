//! The last parts of many paths, each once: a tree of names shows ten of them where a million paths match.

use std::collections::HashMap;

use foldhash::fast::RandomState;

use crate::{NodeKind, NodeList};

/// Last parts of paths, and how many paths there were.
#[derive(Clone, Debug, Default)]
pub struct NodeEnds {
    /// Each once, in the order of their words.
    pub ends: Vec<NodeEnd>,
    /// Nodes that end so.
    pub count: usize,
    /// Whether there were more than were asked for.
    pub cut: bool,
}

/// The last part of some paths.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NodeEnd {
    /// What stands behind the last dot.
    pub word: String,
    /// Further names lie below some of them.
    pub branch: bool,
    /// Points can be fetched for some of them.
    pub leaf: bool,
}

impl NodeEnds {
    /// The ends of all nodes of `list`.
    pub fn of(list: &NodeList) -> NodeEnds {
        let mut ends: HashMap<&str, (bool, bool), RandomState> = HashMap::default();
        for (path, kind) in list.iter() {
            let word = path.rsplit_once('.').map_or(path, |(_, word)| word);
            let (branch, leaf) = ends.entry(word).or_default();
            *(if kind == NodeKind::Branch { branch } else { leaf }) = true;
        }
        let ends = ends.into_iter().map(|(word, (branch, leaf))| NodeEnd { word: word.to_owned(), branch, leaf });
        let mut ends: Vec<NodeEnd> = ends.collect();
        ends.sort_unstable();
        NodeEnds { ends, count: list.len(), cut: list.is_cut() }
    }
}
