//! The tree of names in memory: branches by number, each with the branches and leaves below it in order.
//!
//! A leaf takes 8 bytes in the list of its branch, a branch about 80 and its lists. Whoever lets go of the lock holds a
//! branch as a [`Place`], which tells later whether it is still the same branch.

use super::parts::{Part, Parts, branch_order};

/// A branch at a moment; its number may belong to another one later.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Place {
    pub(super) number: u32,
    generation: u32,
}

/// A name that ends here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Leaf {
    pub(super) part: Part,
    /// When its file was last changed, in seconds since the epoch; [`UNKNOWN`] or [`WAITING`].
    pub(super) seen: u32,
}

/// The file is there and was not looked at.
pub(super) const UNKNOWN: u32 = 0;
/// Points came; no file was seen yet.
pub(super) const WAITING: u32 = u32::MAX;

/// Names below a dot.
#[derive(Debug)]
pub(super) struct Branch {
    part: Part,
    parent: u32,
    generation: u32,
    /// When it was last compared with its folder, in seconds since the index began; 0 for never.
    pub(super) checked: u32,
    /// What told the folder's state when it was listed; 0 when it has to be listed again.
    pub(super) stamp: u64,
    /// Ordered by [`branch_order`].
    pub(super) branches: Vec<u32>,
    /// Ordered by their words.
    pub(super) leaves: Vec<Leaf>,
    pub(super) state: BranchState,
}

/// What is special about a branch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct BranchState {
    /// A link that leads back to a folder above it: nothing is kept below.
    pub(super) looping: bool,
    /// The folder could not be listed.
    pub(super) unreadable: bool,
    /// Some leaf may be [`WAITING`].
    pub(super) waiting: bool,
    /// Its folder was seen in a listing.
    pub(super) on_disk: bool,
}

/// Seconds after which a small branch, and the largest one, may be compared once more.
const AGAIN: u32 = 1;
const LONGEST: u32 = 60;

/// Number of the branch above all.
pub(super) const ROOT: u32 = 0;
/// Parent of a number that no branch has.
const NOBODY: u32 = u32::MAX;
/// Lists up to this length are searched from end to end: no word is looked at for it.
const SHORT: usize = 32;

#[derive(Debug)]
pub(super) struct Nodes {
    pub(super) parts: Parts,
    branches: Vec<Branch>,
    free: Vec<u32>,
    leaves: usize,
    /// Counts changes that a snapshot should hold.
    pub(super) version: u64,
}

impl Default for Nodes {
    fn default() -> Nodes {
        Nodes {
            parts: Parts::default(),
            branches: vec![Branch::new(Part(0), ROOT, 0)],
            free: Vec::new(),
            leaves: 0,
            version: 0,
        }
    }
}

impl Place {
    /// The branch above all, which never goes.
    pub(super) const ROOT: Place = Place { number: ROOT, generation: 0 };

    pub(super) fn generation(self) -> u32 {
        self.generation
    }
}

impl Branch {
    pub(super) fn new(part: Part, parent: u32, generation: u32) -> Branch {
        Branch {
            part,
            parent,
            generation,
            checked: 0,
            stamp: 0,
            branches: Vec::new(),
            leaves: Vec::new(),
            state: BranchState::default(),
        }
    }

    /// Whether it is time to compare it once more, as of `now` in seconds since the index began: after a second, and
    /// later the more names there are, since listing them takes time.
    pub(super) fn is_old(&self, now: u32) -> bool {
        let names = (self.branches.len() + self.leaves.len()) as u32;
        now.saturating_sub(self.checked) > (AGAIN + names / 1_000).min(LONGEST)
    }

    /// Has it compared, and listed, before it is used again.
    pub(super) fn suspect(&mut self) {
        (self.checked, self.stamp) = (0, 0);
    }
}

impl Nodes {
    pub(super) fn place(&self, number: u32) -> Place {
        Place { number, generation: self.branches[number as usize].generation }
    }

    /// The branch, if it is still there.
    pub(super) fn get(&self, place: Place) -> Option<&Branch> {
        let branch = self.branches.get(place.number as usize)?;
        (branch.generation == place.generation && branch.parent != NOBODY).then_some(branch)
    }

    pub(super) fn get_mut(&mut self, place: Place) -> Option<&mut Branch> {
        self.get(place)?;
        self.branches.get_mut(place.number as usize)
    }

    /// The branch with this number, if one has it.
    pub(super) fn numbered(&self, number: u32) -> Option<Place> {
        let branch = self.branches.get(number as usize)?;
        (branch.parent != NOBODY).then(|| self.place(number))
    }

    /// Numbers are below this.
    pub(super) fn numbers(&self) -> u32 {
        self.branches.len() as u32
    }

    /// How many names there are.
    pub(super) fn leaves(&self) -> usize {
        self.leaves
    }

    /// Memory that the tree takes, about.
    pub(super) fn bytes(&self) -> usize {
        // Two lists a branch, each with what the allocator adds.
        let branch = size_of::<Branch>() + size_of::<u32>() + 2 * 16;
        self.parts.bytes() + self.branches.len() * branch + self.leaves * size_of::<Leaf>()
    }

    pub(super) fn parent(&self, number: u32) -> u32 {
        self.branches[number as usize].parent
    }

    pub(super) fn word(&self, number: u32) -> &str {
        self.parts.text(self.branches[number as usize].part)
    }

    pub(super) fn part(&self, number: u32) -> Part {
        self.branches[number as usize].part
    }

    /// Puts the words from the root to `number` at the end of `path`, each with `separator` behind it.
    pub(super) fn path_to(&self, number: u32, separator: char, path: &mut String) {
        if number != ROOT {
            self.path_to(self.parent(number), separator, path);
            path.push_str(self.word(number));
            path.push(separator);
        }
    }

    /// The branch `part` right below `number`.
    pub(super) fn branch_below(&self, number: u32, part: Part) -> Option<u32> {
        let list = &self.branches[number as usize].branches;
        if list.len() <= SHORT {
            return list.iter().copied().find(|below| self.part(*below) == part);
        }
        let text = self.parts.text(part);
        list.binary_search_by(|below| branch_order(self.word(*below), text)).ok().map(|at| list[at])
    }

    /// Where `part` stands among the leaves right below `number`.
    pub(super) fn leaf_at(&self, number: u32, part: Part) -> Option<usize> {
        let list = &self.branches[number as usize].leaves;
        if list.len() <= SHORT {
            return list.iter().position(|leaf| leaf.part == part);
        }
        let text = self.parts.text(part);
        list.binary_search_by(|leaf| self.parts.text(leaf.part).cmp(text)).ok()
    }

    /// The branch and the last word of a dotted name, as far as the index knows them.
    pub(super) fn locate(&self, name: &str) -> Option<(u32, Part)> {
        let (above, last) = name.rsplit_once('.').unwrap_or(("", name));
        let part = self.parts.find(last)?;
        Some((self.branch_named(above)?, part))
    }

    /// The branch with this dotted name; that of nothing is the root.
    pub(super) fn branch_named(&self, name: &str) -> Option<u32> {
        let mut words = name.split('.').filter(|word| !word.is_empty());
        words.try_fold(ROOT, |number, word| self.branch_below(number, self.parts.find(word)?))
    }

    /// The branch `part` right below `number`, known or new.
    pub(super) fn enter_branch(&mut self, number: u32, part: Part) -> u32 {
        if let Some(below) = self.branch_below(number, part) {
            return below;
        }
        let new = self.make(number, part);
        let at = self.branches[number as usize]
            .branches
            .partition_point(|below| branch_order(self.word(*below), self.parts.text(part)).is_lt());
        self.branches[number as usize].branches.insert(at, new);
        new
    }

    /// A branch that is in no list yet.
    pub(super) fn make(&mut self, parent: u32, part: Part) -> u32 {
        match self.free.pop() {
            Some(number) => {
                let generation = self.branches[number as usize].generation;
                self.branches[number as usize] = Branch::new(part, parent, generation);
                number
            }
            None => {
                let number =
                    u32::try_from(self.branches.len()).expect("memory ends long before four billion branches do");
                self.branches.push(Branch::new(part, parent, 0));
                number
            }
        }
    }

    /// Puts a leaf below `number`, or tells one that is there what is known now.
    pub(super) fn enter_leaf(&mut self, number: u32, leaf: Leaf) {
        self.branches[number as usize].state.waiting |= leaf.seen == WAITING;
        if let Some(at) = self.leaf_at(number, leaf.part) {
            let known = &mut self.branches[number as usize].leaves[at].seen;
            if leaf.seen != WAITING && *known == WAITING {
                *known = leaf.seen;
            }
            return;
        }
        let list = &self.branches[number as usize].leaves;
        let text = self.parts.text(leaf.part);
        let at = list.partition_point(|other| self.parts.text(other.part) < text);
        self.branches[number as usize].leaves.insert(at, leaf);
        self.leaves += 1;
        self.version += 1;
    }

    /// Puts dotted names into the tree, with `now` as the time at which branches that are new below compared ones were
    /// compared: nothing but these names can be in them.
    pub(super) fn enter<'a>(&mut self, names: impl IntoIterator<Item = &'a str>, seen: u32, now: u32) {
        // Neighbours mostly lie below the same branch.
        let (mut path, mut number) = ("", ROOT);
        for name in names {
            let (above, last) = name.rsplit_once('.').unwrap_or(("", name));
            if above != path {
                (path, number) = (above, self.enter_branches(above, now));
            }
            let part = self.parts.enter(last);
            self.enter_leaf(number, Leaf { part, seen });
        }
    }

    /// The branch with this dotted name, known or new.
    fn enter_branches(&mut self, above: &str, now: u32) -> u32 {
        let mut number = ROOT;
        for word in above.split('.').filter(|word| !word.is_empty()) {
            let part = self.parts.enter(word);
            let (before, compared) = (self.branch_below(number, part), self.branches[number as usize].checked > 0);
            number = before.unwrap_or_else(|| self.enter_branch(number, part));
            if before.is_none() && compared {
                self.branches[number as usize].checked = now;
            }
        }
        number
    }

    /// Takes a leaf out; whether it was there.
    pub(super) fn remove_leaf(&mut self, number: u32, part: Part) -> bool {
        let Some(at) = self.leaf_at(number, part) else { return false };
        let leaves = &mut self.branches[number as usize].leaves;
        leaves.remove(at);
        if leaves.capacity() > 2 * leaves.len() + 8 {
            leaves.shrink_to_fit();
        }
        self.leaves -= 1;
        self.version += 1;
        true
    }

    /// Takes `number` out when nothing is below it and no folder stands for it, and so the branches above.
    pub(super) fn prune(&mut self, mut number: u32) {
        while number != ROOT {
            let branch = &self.branches[number as usize];
            if branch.parent == NOBODY
                || branch.state.on_disk
                || !branch.branches.is_empty()
                || !branch.leaves.is_empty()
            {
                return;
            }
            let parent = branch.parent;
            let siblings = &mut self.branches[parent as usize].branches;
            siblings.retain(|other| *other != number);
            let branch = &mut self.branches[number as usize];
            branch.generation = branch.generation.wrapping_add(1);
            (branch.parent, branch.branches, branch.leaves) = (NOBODY, Vec::new(), Vec::new());
            self.free.push(number);
            number = parent;
        }
    }

    /// Gives `number` the lists that a listing gave, and counts its leaves anew.
    pub(super) fn set_lists(&mut self, number: u32, branches: Vec<u32>, leaves: Vec<Leaf>) {
        let branch = &mut self.branches[number as usize];
        self.leaves = self.leaves - branch.leaves.len() + leaves.len();
        self.version += u64::from(branch.branches != branches || branch.leaves != leaves);
        (branch.branches, branch.leaves) = (branches, leaves);
    }

    /// Gives the next number, which must be `number`, to a branch of an earlier run.
    pub(super) fn restore(&mut self, number: u32, branch: Branch) {
        self.branches.truncate(number as usize);
        self.leaves += branch.leaves.len();
        self.branches.push(branch);
    }

    /// Gives the next number to nobody.
    pub(super) fn restore_nothing(&mut self, number: u32) {
        self.restore(number, Branch::new(Part(0), NOBODY, 0));
    }

    /// Forgets restored branches that no list leads to, once all lists are there.
    pub(super) fn forget_unlinked(&mut self) {
        let mut linked = vec![false; self.branches.len()];
        linked[ROOT as usize] = true;
        for below in self.branches.iter().flat_map(|branch| &branch.branches) {
            linked[*below as usize] = true;
        }
        for (number, _) in linked.iter().enumerate().filter(|(_, linked)| !**linked) {
            let branch = &mut self.branches[number];
            self.leaves -= branch.leaves.len();
            let generation = branch.generation.wrapping_add(1);
            *branch = Branch::new(Part(0), NOBODY, generation);
            self.free.push(number as u32);
        }
    }

    /// Some leaves of `number` were taken out of its list, which had `before`.
    pub(super) fn forget_leaves(&mut self, before: usize, number: u32) {
        let leaves = &mut self.branches[number as usize].leaves;
        leaves.shrink_to_fit();
        self.leaves -= before - leaves.len();
        self.version += 1;
    }

    /// The branch with this number, which the caller has just found in a list.
    pub(super) fn at(&self, number: u32) -> &Branch {
        &self.branches[number as usize]
    }

    /// As [`Nodes::at`], to change it.
    pub(super) fn at_mut(&mut self, number: u32) -> &mut Branch {
        &mut self.branches[number as usize]
    }
}
