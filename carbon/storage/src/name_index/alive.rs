//! Which names have had points lately: by the times of their files, and by what waits in the cache.
//!
//! Files are looked at in turn, which takes minutes; what was written to within an hour of that look counts as being
//! written to still. So a living series is never taken for a dead one as long as it has a point an hour, and one that
//! begins again after a longer silence is shown once its points wait in this process, or with the next look at its file.

use super::nodes::{Leaf, Nodes, UNKNOWN};

/// Silence, in seconds, that is no sign of death by itself.
const SILENCE: u32 = 3_600;

/// The time in seconds since the epoch since which a name must have had points.
#[derive(Clone, Copy, Debug)]
pub(super) struct Alive {
    since: u32,
}

impl Alive {
    /// For names asked for from `from` on, when all files were looked at after `looked`, which is 0 when they never were.
    pub(super) fn since(from: u32, looked: u32) -> Alive {
        Alive { since: from.min(looked.saturating_sub(SILENCE)) }
    }

    pub(super) fn leaf(self, leaf: &Leaf) -> bool {
        // Points that wait are newer than any time.
        leaf.seen == UNKNOWN || leaf.seen >= self.since
    }

    /// Whether any name below a branch is.
    pub(super) fn branch(self, nodes: &Nodes, number: u32) -> bool {
        let mut todo = vec![number];
        while let Some(number) = todo.pop() {
            let branch = nodes.at(number);
            // What was not listed may hold anything, and an empty folder is no dead one.
            let unknown = branch.checked == 0 || branch.state.looping || branch.state.unreadable;
            let empty = branch.leaves.is_empty() && branch.branches.is_empty();
            if unknown || empty || branch.leaves.iter().any(|leaf| self.leaf(leaf)) {
                return true;
            }
            todo.extend(&branch.branches);
        }
        false
    }
}
