//! Many names in one piece: 16 bytes a name beside its text, and no allocation for each.

use crate::{Node, NodeKind};

/// Nodes in the order in which they were entered, or by path once they are [sorted](NodeList::sort).
#[derive(Clone, Debug, Default)]
pub struct NodeList {
    text: String,
    entries: Vec<Entry>,
    cut: bool,
    /// Whether one was entered that does not stand behind the one before.
    mixed: bool,
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
        let entry = Entry { start, length: length as u32, kind };
        if let Some(last) = self.entries.last().filter(|_| !self.mixed) {
            // Both were written just now, so this costs less here than in a pass of its own.
            self.mixed = (self.path(last), last.kind) >= (self.path(&entry), kind);
        }
        self.entries.push(entry);
    }

    /// Every node.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = (&str, NodeKind)> + ExactSizeIterator + Clone {
        self.entries.iter().map(|entry| (self.path(entry), entry.kind))
    }

    /// The one at `place`.
    pub fn get(&self, place: usize) -> Option<(&str, NodeKind)> {
        self.entries.get(place).map(|entry| (self.path(entry), entry.kind))
    }

    /// Memory that it takes.
    pub fn bytes(&self) -> usize {
        self.text.len() + self.entries.len() * size_of::<Entry>()
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
        if !std::mem::take(&mut self.mixed) {
            return;
        }
        let text = &self.text;
        let key = |entry: &Entry| (&text[entry.start..entry.start + entry.length as usize], entry.kind);
        self.entries.sort_by(|a, b| key(a).cmp(&key(b)));
        self.entries.dedup_by(|a, b| key(a) == key(b));
    }

    /// These, each path once.
    pub fn distinct(mut self) -> NodeList {
        self.sort();
        let text = &self.text;
        let path = |entry: &Entry| &text[entry.start..entry.start + entry.length as usize];
        self.entries.dedup_by(|a, b| path(a) == path(b));
        self
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
