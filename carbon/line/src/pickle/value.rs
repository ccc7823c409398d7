//! What a pickle holds: values that refer to each other by their numbers, and views of them.

use std::borrow::Cow;

/// A value's place among the values of its pickle.
pub(super) type Id = u32;

/// A value as it was read.
#[derive(Debug)]
pub(super) enum Node<'a> {
    None,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Cow<'a, str>),
    Bytes(&'a [u8]),
    Items(Vec<Id>),
    /// Key, value, key, value.
    Pairs(Vec<Id>),
}

/// The data of one pickle; strings are borrowed from its body where they can be.
#[derive(Debug)]
pub struct Pickle<'a> {
    pub(super) nodes: Vec<Node<'a>>,
    pub(super) top: Id,
}

/// One value of a pickle.
#[derive(Clone, Copy, Debug)]
pub struct View<'p> {
    nodes: &'p [Node<'p>],
    id: Id,
}

impl Pickle<'_> {
    /// The value the pickle stands for.
    pub fn top(&self) -> View<'_> {
        View { nodes: &self.nodes, id: self.top }
    }
}

impl<'p> View<'p> {
    fn node(self) -> &'p Node<'p> {
        &self.nodes[self.id as usize]
    }

    /// The text, when the value is a string.
    pub fn text(self) -> Option<&'p str> {
        match self.node() {
            Node::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The bytes, when the value is a bytes object, or a string that is not UTF-8.
    pub fn bytes(self) -> Option<&'p [u8]> {
        match self.node() {
            Node::Bytes(bytes) => Some(bytes),
            _ => None,
        }
    }

    /// The number, when the value is an integer, a float, or a truth value.
    pub fn number(self) -> Option<f64> {
        match *self.node() {
            Node::Bool(value) => Some(f64::from(u8::from(value))),
            Node::Int(value) => Some(value as f64),
            Node::Float(value) => Some(value),
            _ => None,
        }
    }

    /// The elements of a list, tuple or set, or the keys of a dict.
    pub fn items(self) -> Option<impl Iterator<Item = View<'p>>> {
        let (ids, step) = match self.node() {
            Node::Items(ids) => (ids, 1),
            Node::Pairs(ids) => (ids, 2),
            _ => return None,
        };
        Some(ids.iter().step_by(step).map(move |id| View { nodes: self.nodes, id: *id }))
    }

    /// Keys and values of a dict, in the order they were written.
    pub fn pairs(self) -> Option<impl Iterator<Item = (View<'p>, View<'p>)>> {
        let Node::Pairs(ids) = self.node() else {
            return None;
        };
        let view = move |id: &Id| View { nodes: self.nodes, id: *id };
        Some(ids.chunks_exact(2).map(move |pair| (view(&pair[0]), view(&pair[1]))))
    }

    /// What a dict has under `key`; the last of several wins.
    pub fn get(self, key: &str) -> Option<View<'p>> {
        self.pairs()?.filter(|(found, _)| found.text() == Some(key)).last().map(|(_, value)| value)
    }
}
