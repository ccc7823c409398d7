//! The words that names are made of, each kept once: hosts, and what all of them measure.
//!
//! A word takes its bytes, 8 for its end and 6 to 12 in the hash table. It stays until the process ends; the next one
//! begins with the words that are still used.

use std::cmp::Ordering;
use std::hash::BuildHasher;

use foldhash::fast::RandomState;
use hashbrown::HashTable;

/// A word, as its place in [`Parts`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Part(pub(super) u32);

#[derive(Debug, Default)]
pub(super) struct Parts {
    arena: String,
    /// Where each word ends in the arena; it begins where the one before ends.
    ends: Vec<usize>,
    ids: HashTable<u32>,
    hasher: RandomState,
}

impl Parts {
    pub(super) fn text(&self, part: Part) -> &str {
        let index = part.0 as usize;
        let start = if index == 0 { 0 } else { self.ends[index - 1] };
        &self.arena[start..self.ends[index]]
    }

    pub(super) fn find(&self, text: &str) -> Option<Part> {
        let found = self.ids.find(self.hasher.hash_one(text), |id| self.text(Part(*id)) == text);
        found.map(|id| Part(*id))
    }

    /// The place of `text`, known or new.
    pub(super) fn enter(&mut self, text: &str) -> Part {
        if let Some(part) = self.find(text) {
            return part;
        }
        let id = u32::try_from(self.ends.len()).expect("memory ends long before four billion words do");
        self.arena.push_str(text);
        self.ends.push(self.arena.len());
        let Parts { arena, ends, ids, hasher } = self;
        let hash_of = |id: &u32| {
            let index = *id as usize;
            let start = if index == 0 { 0 } else { ends[index - 1] };
            hasher.hash_one(&arena[start..ends[index]])
        };
        ids.insert_unique(hasher.hash_one(text), id, hash_of);
        Part(id)
    }
    /// How many there are.
    pub(super) fn count(&self) -> u32 {
        self.ends.len() as u32
    }

    /// Memory that the words take; lengths, as what was never touched beyond them is no memory yet.
    pub(super) fn bytes(&self) -> usize {
        self.arena.len() + self.ends.len() * size_of::<usize>() + self.ids.allocation_size()
    }
}

/// The order in which branches stand: that of the paths below them, in which a dot follows the word.
pub(super) fn branch_order(a: &str, b: &str) -> Ordering {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    let common = a.len().min(b.len());
    a[..common].cmp(&b[..common]).then_with(|| {
        let next = |text: &[u8]| text.get(common).copied().unwrap_or(b'.');
        // Words hold no dot, so equal bytes here are two ends.
        next(a).cmp(&next(b))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_keeps_its_place() {
        let mut parts = Parts::default();
        let words: Vec<String> = (0..5_000).map(|n| format!("w{}", n % 2_500)).collect();
        let places: Vec<Part> = words.iter().map(|word| parts.enter(word)).collect();
        assert_eq!(parts.ends.len(), 2_500);
        for (word, place) in words.iter().zip(&places) {
            assert_eq!((parts.find(word), parts.text(*place)), (Some(*place), word.as_str()));
        }
        assert_eq!(parts.find("w"), None);
    }

    #[test]
    fn branches_stand_in_the_order_of_the_paths_below_them() {
        let mut words = ["web", "web-1", "web1", "a", "", "web+", "wéb"];
        words.sort_by(|a, b| branch_order(a, b));
        let paths: Vec<String> = words.iter().map(|word| format!("{word}.x")).collect();
        assert!(paths.is_sorted(), "{paths:?}");
    }
}
