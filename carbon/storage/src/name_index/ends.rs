//! The last parts of what a search finds, by the numbers of their words.

use super::Shared;
use super::parts::Part;
use crate::{NodeEnd, NodeEnds, NodeKind, NodeList};

/// Words that were met at the end of a path.
#[derive(Default)]
pub(super) struct Ends {
    /// By the number of the word: bits for each kind.
    kinds: Vec<u8>,
    count: usize,
}

const BRANCH: u8 = 1;
const LEAF: u8 = 2;

/// Words whose texts are taken under one lock.
const AT_ONCE: usize = 4_096;

impl Ends {
    pub(super) fn note(&mut self, part: Part, kind: NodeKind) {
        let place = part.0 as usize;
        if place >= self.kinds.len() {
            // Twice as much, so that this is rare; what is never touched is no memory.
            self.kinds.resize((place + 1).next_power_of_two(), 0);
        }
        self.kinds[place] |= if kind == NodeKind::Branch { BRANCH } else { LEAF };
        self.count += 1;
    }

    /// Paths that were met.
    pub(super) fn count(&self) -> usize {
        self.count
    }

    /// The words of these and of `others`.
    pub(super) fn with(self, shared: &Shared, others: &NodeList) -> NodeEnds {
        let mut all = NodeEnds::of(others);
        let met = self.kinds.iter().enumerate().filter(|(_, kinds)| **kinds != 0);
        let met: Vec<(Part, u8)> = met.map(|(place, kinds)| (Part(place as u32), *kinds)).collect();
        for some in met.chunks(AT_ONCE) {
            let nodes = shared.nodes();
            all.ends.extend(some.iter().map(|(part, kinds)| NodeEnd {
                word: nodes.parts.text(*part).to_owned(),
                branch: kinds & BRANCH != 0,
                leaf: kinds & LEAF != 0,
            }));
        }
        all.ends.sort_unstable();
        all.ends.dedup_by(|later, first| {
            let same = later.word == first.word;
            if same {
                (first.branch, first.leaf) = (first.branch | later.branch, first.leaf | later.leaf);
            }
            same
        });
        all.count += self.count;
        all
    }
}
