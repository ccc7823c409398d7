//! Many names in one piece: 16 bytes a name beside its text, and no allocation for each.

use crate::{Node, NodeKind};

/// Nodes in the order in which they were entered, or by path once they are [sorted](NodeList::sort).
#[derive(Clone, Debug, Default)]
pub struct NodeList {
    text: String,
    entries: Vec<Entry>,
    cut: bool,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    start: usize,
    length: u32,
    kind: NodeKind,
}

impl NodeList {
    /// A list of these nodes.
    pub fn of(nodes: impl IntoIterator<Item = Node>) -> NodeList {
        let mut list = NodeList::default();
        nodes.into_iter().for_each(|node| list.push(&node.path, "", node.kind));
        list
    }

    /// Enters the node whose path is `above` and then `word`.
    pub fn push(&mut self, above: &str, word: &str, kind: NodeKind) {
        let (start, length) = (self.text.len(), above.len() + word.len());
        self.text.push_str(above);
        self.text.push_str(word);
        self.entries.push(Entry { start, length: length as u32, kind });
    }

    /// Every node.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, NodeKind)> + ExactSizeIterator + Clone {
        self.entries.iter().map(|entry| (self.path(entry), entry.kind))
    }

    /// Those from the place `first` on, which is reached at once.
    pub fn iter_from(&self, first: usize) -> impl Iterator<Item = (&str, NodeKind)> {
        let rest = self.entries.get(first..).unwrap_or_default();
        rest.iter().map(|entry| (self.path(entry), entry.kind))
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Whether there were more than were asked for.
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    /// Says that there were more.
    pub fn set_cut(&mut self) {
        self.cut = true;
    }

    /// Drops what is beyond `most`, and says so.
    pub fn cut_at(&mut self, most: usize) {
        self.cut |= self.entries.len() > most;
        self.entries.truncate(most);
    }

    /// Bytes of all paths.
    pub fn text_bytes(&self) -> usize {
        self.text.len()
    }

    /// Puts them in the order of their paths, branches before leaves, each once.
    pub fn sort(&mut self) {
        let text = &self.text;
        let key = |entry: &Entry| (&text[entry.start..entry.start + entry.length as usize], entry.kind);
        // Mostly they are in order already, and then this is one comparison a node.
        self.entries.sort_by(|a, b| key(a).cmp(&key(b)));
        self.entries.dedup_by(|a, b| key(a) == key(b));
    }

    /// Keeps those for which `keep` holds, by their place.
    pub fn retain(&mut self, mut keep: impl FnMut(usize, &str, NodeKind) -> bool) {
        let (text, mut place) = (&self.text, 0);
        self.entries.retain(|entry| {
            let kept = keep(place, &text[entry.start..entry.start + entry.length as usize], entry.kind);
            place += 1;
            kept
        });
    }

    /// Adds all of `other`.
    pub fn append(&mut self, other: &NodeList) {
        other.iter().for_each(|(path, kind)| self.push(path, "", kind));
        self.cut |= other.cut;
    }

    fn path(&self, entry: &Entry) -> &str {
        &self.text[entry.start..entry.start + entry.length as usize]
    }
}

impl From<NodeList> for Vec<Node> {
    fn from(list: NodeList) -> Vec<Node> {
        list.iter().map(|(path, kind)| Node { path: path.to_owned(), kind }).collect()
    }
}
