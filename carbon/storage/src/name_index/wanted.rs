//! One part of a pattern, asked of interned words: each word is matched once, however often it is met.

use carbon_line::Segment;

use super::nodes::Nodes;
use super::parts::{Part, Parts};

/// Verdicts that are remembered; words beyond that share places.
const REMEMBERED: usize = 4_096;
/// Words after which a part of a pattern begins to remember.
const WORTH_REMEMBERING: usize = 256;
/// Shorter lists are gone through; in longer ones the known beginning of the words is looked up.
const SHORT: usize = 64;

pub(super) struct Wanted<'p> {
    segment: &'p Segment,
    all: bool,
    /// One above the word's number, and in the highest bit whether it matches; 0 for none.
    verdicts: Vec<u32>,
    /// Words that were matched while nothing was remembered.
    matched: usize,
}

const MATCHES: u32 = 1 << 31;

impl<'p> Wanted<'p> {
    pub(super) fn new(segment: &'p Segment) -> Wanted<'p> {
        Wanted { segment, all: segment.matches_all(), verdicts: Vec::new(), matched: 0 }
    }

    pub(super) fn is_any_depth(&self) -> bool {
        self.segment.is_any_depth()
    }

    /// The plain words, where there are no wildcards beside them.
    pub(super) fn words(&self) -> Option<&'p [Box<str>]> {
        (!self.segment.has_wildcards()).then(|| self.segment.literals())
    }

    /// Whether a word matches.
    pub(super) fn takes(&mut self, parts: &Parts, part: Part) -> bool {
        if self.all {
            return true;
        }
        if self.verdicts.is_empty() {
            if self.matched < WORTH_REMEMBERING {
                self.matched += 1;
                return self.segment.matches(parts.text(part));
            }
            self.verdicts = vec![0; REMEMBERED];
        }
        let verdict = &mut self.verdicts[part.0 as usize % REMEMBERED];
        // Numbers above two billion would meet the bit; such words are matched each time.
        let key = part.0.wrapping_add(1);
        if *verdict & !MATCHES != key || key >= MATCHES {
            *verdict = key | if self.segment.matches(parts.text(part)) { MATCHES } else { 0 };
            if key >= MATCHES {
                return self.segment.matches(parts.text(part));
            }
        }
        *verdict & MATCHES != 0
    }

    /// The branches right below `number` that may match.
    pub(super) fn branches<'n>(&self, nodes: &'n Nodes, number: u32) -> &'n [u32] {
        let list = &nodes.at(number).branches;
        let prefix = self.segment.prefix();
        if list.len() < SHORT || prefix.is_empty() {
            return list;
        }
        // All that begin so stand together, behind those that are less with a dot at their end.
        let less = |text: &str| text.bytes().chain([b'.']).lt(prefix.bytes());
        let first = list.partition_point(|below| less(nodes.word(*below)));
        let count = list[first..].partition_point(|below| nodes.word(*below).starts_with(prefix));
        &list[first..first + count]
    }

    /// As [`Wanted::branches`], for leaves.
    pub(super) fn leaves<'n>(&self, nodes: &'n Nodes, number: u32) -> &'n [super::nodes::Leaf] {
        let list = &nodes.at(number).leaves;
        let prefix = self.segment.prefix();
        if list.len() < SHORT || prefix.is_empty() {
            return list;
        }
        let text = |leaf: &super::nodes::Leaf| nodes.parts.text(leaf.part);
        let first = list.partition_point(|leaf| text(leaf) < prefix);
        let count = list[first..].partition_point(|leaf| text(leaf).starts_with(prefix));
        &list[first..first + count]
    }
}
