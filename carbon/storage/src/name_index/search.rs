//! A pattern against the tree: branches still to visit lie on a stack, so the lock can be given back between any two.
//!
//! What is there all the while is found; what comes or goes meanwhile may be found or not.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use carbon_line::{MetricName, tags};

use super::Shared;
use super::alive::Alive;
use super::ends::Ends;
use super::nodes::{Branch, Leaf, Nodes, Place};
use super::wanted::Wanted;
use crate::{Failure, ListQuery, NodeEnds, NodeKind, NodeList, Partial};

/// Nodes that are looked at under one lock: about a millisecond.
const AT_ONCE: usize = 20_000;

/// Branches that one search compares with their folders although they were compared before: what it costs is less than
/// what reading the answer's files would.
const COMPARED: usize = 64;

/// Nodes that a search looks at before it is moved to a thread of its own.
const FEW: usize = 512;

/// What is left to do: match the parts of the pattern from `segment` on below a branch.
struct Task {
    place: Place,
    segment: usize,
    /// Whether this search has compared it.
    compared: bool,
}

enum Next {
    Done,
    /// Others may have their turn.
    Pause,
    /// This branch has to be compared first.
    Compare(Place),
    /// The index cannot answer.
    Elsewhere,
}

struct Search<'s> {
    shared: &'s Shared,
    query: &'s ListQuery,
    wanted: Vec<Wanted<'s>>,
    tasks: Vec<Task>,
    /// Branches met below a `**`, with the part that comes next: two `**` in a row come here again.
    deep: HashSet<(usize, u32)>,
    several_deep: bool,
    comparisons: usize,
    alive: Option<Alive>,
    /// Places in what was found of names that seem dead by the times of their files.
    seem_dead: Vec<usize>,
    found: NodeList,
    /// Where last parts alone are wanted: what was found, but for what seems dead.
    ends: Option<Ends>,
    /// Nodes that may be looked at before it gives up.
    most_steps: usize,
    /// The text of the branch in hand, with a dot behind it.
    above: String,
}

/// What matches; `None` when the index cannot tell, or when nobody wants it any more.
pub(super) fn search(shared: &Shared, query: &ListQuery, stop: &AtomicBool) -> Option<Partial<NodeList>> {
    shared.catch_up();
    if tags::is_tagged(query.pattern.as_str()) {
        return Some(Partial::whole(tagged(shared, query)));
    }
    let mut search = Search::new(shared, query)?;
    let failures = search.run(stop)?;
    search.bury();
    search.found.sort();
    Some(Partial { value: search.found, failures })
}

/// As [`search`], when that takes some ten microseconds and neither waits nor does I/O; so it may run anywhere.
pub(super) fn search_little(shared: &Shared, query: &ListQuery) -> Option<NodeList> {
    if tags::is_tagged(query.pattern.as_str()) || !shared.is_caught_up() {
        return None;
    }
    let mut search = Search { most_steps: FEW, ..Search::new(shared, query)? };
    let next = search.visit_some(&*shared.nodes.try_read().ok()?);
    if !matches!(next, Next::Done) || !search.seem_dead.is_empty() {
        return None;
    }
    search.found.sort();
    Some(search.found)
}

/// As [`search`], for the last parts alone.
pub(super) fn search_ends(shared: &Shared, query: &ListQuery, stop: &AtomicBool) -> Option<Partial<NodeEnds>> {
    if tags::is_tagged(query.pattern.as_str()) {
        let Partial { value, failures } = search(shared, query, stop)?;
        return Some(Partial { value: NodeEnds::of(&value), failures });
    }
    shared.catch_up();
    let mut search = Search { ends: Some(Ends::default()), ..Search::new(shared, query)? };
    let failures = search.run(stop)?;
    search.bury();
    let ends = search.ends.take().unwrap_or_default();
    Some(Partial { value: ends.with(shared, &search.found), failures })
}

impl<'s> Search<'s> {
    /// Nothing when the index holds no more than it may.
    fn new(shared: &'s Shared, query: &'s ListQuery) -> Option<Search<'s>> {
        if shared.full.load(Relaxed) {
            return None;
        }
        let wanted: Vec<Wanted> = query.pattern.segments().iter().map(Wanted::new).collect();
        let several_deep = wanted.iter().filter(|wanted| wanted.is_any_depth()).count() > 1;
        let alive = query.window.filter(|_| query.alive_only);
        Some(Search {
            shared,
            query,
            wanted,
            tasks: vec![Task { place: Place::ROOT, segment: 0, compared: false }],
            deep: HashSet::new(),
            several_deep,
            comparisons: COMPARED,
            alive: alive.map(|window| Alive::since(window.from.secs(), shared.looked.load(Relaxed))),
            seem_dead: Vec::new(),
            found: NodeList::default(),
            ends: None,
            most_steps: usize::MAX,
            above: String::new(),
        })
    }

    /// Goes to the end, and tells of what could not be read on the way; `None` when the index cannot tell.
    fn run(&mut self, stop: &AtomicBool) -> Option<Vec<Failure>> {
        let (shared, mut failures) = (self.shared, Vec::new());
        while !stop.load(Relaxed) {
            let next = {
                let nodes = shared.nodes();
                self.visit_some(&nodes)
            };
            match next {
                Next::Pause => {}
                Next::Compare(place) => {
                    if let Err(error) = shared.compare(place) {
                        failures.push(Failure { part: self.part(place), error });
                    }
                }
                Next::Elsewhere => return None,
                Next::Done => return Some(failures),
            }
        }
        // Nobody reads it.
        Some(failures)
    }
}

/// A tagged series is asked for by its whole name; which of them have which tags is a question for another index.
fn tagged(shared: &Shared, query: &ListQuery) -> NodeList {
    let mut found = NodeList::default();
    if let Ok(name) = MetricName::parse(query.pattern.as_str()) {
        let waits = || shared.arrivals.get().is_some_and(|arrivals| arrivals.are_waiting(&[name.to_string()])[0]);
        if shared.tree.has_file(&name) || waits() {
            found.push(&name, "", NodeKind::Leaf);
        }
    }
    found
}

impl Search<'_> {
    fn visit_some(&mut self, nodes: &Nodes) -> Next {
        let (mut looked_at, now) = (0, self.shared.seconds());
        while let Some(mut task) = self.tasks.pop() {
            let Some(branch) = nodes.get(task.place) else { continue };
            if branch.state.looping {
                return Next::Elsewhere;
            }
            if !task.compared && self.is_doubtful(branch, now) {
                let place = task.place;
                task.compared = true;
                self.tasks.push(task);
                return Next::Compare(place);
            }
            if self.most_steps < usize::MAX {
                looked_at += self.width(nodes, &task);
                if looked_at > self.most_steps {
                    return Next::Pause;
                }
            }
            looked_at += 1 + self.visit(nodes, &task);
            if self.count() > self.query.most {
                self.found.cut_at(self.query.most);
                self.found.set_cut();
                return Next::Done;
            }
            if looked_at > AT_ONCE {
                return Next::Pause;
            }
        }
        Next::Done
    }

    fn count(&self) -> usize {
        self.found.len() + self.ends.as_ref().map_or(0, Ends::count)
    }

    /// Nodes that a visit would look at, about.
    fn width(&self, nodes: &Nodes, task: &Task) -> usize {
        let (wanted, number) = (&self.wanted[task.segment], task.place.number);
        if let Some(words) = wanted.words() {
            return words.len();
        }
        let is_last = task.segment + 1 == self.wanted.len();
        wanted.branches(nodes, number).len() + if is_last { wanted.leaves(nodes, number).len() } else { 0 }
    }

    /// Whether the branch has to be compared with its folder before it is used.
    fn is_doubtful(&mut self, branch: &Branch, now: u32) -> bool {
        if branch.checked == 0 || branch.state.unreadable {
            return true;
        }
        let compare = self.comparisons > 0 && branch.is_old(now);
        self.comparisons -= usize::from(compare);
        compare
    }

    /// How many nodes were looked at.
    fn visit(&mut self, nodes: &Nodes, task: &Task) -> usize {
        let (number, segment) = (task.place.number, task.segment);
        if self.wanted[segment].is_any_depth() {
            self.visit_deep(nodes, number, segment)
        } else if segment + 1 == self.wanted.len() {
            self.emit(nodes, number)
        } else {
            self.descend(nodes, number, segment)
        }
    }

    /// `**`: the rest of the pattern here and at every branch below. A pattern never ends in `**` alone.
    fn visit_deep(&mut self, nodes: &Nodes, number: u32, segment: usize) -> usize {
        if self.several_deep && !self.deep.insert((segment, number)) {
            return 0;
        }
        let below = &nodes.at(number).branches;
        let kept = below.iter().rev().filter(|below| !nodes.at(**below).state.looping);
        self.tasks.extend(kept.map(|below| Task { place: nodes.place(*below), segment, compared: false }));
        // What matches here comes before what matches below; it was compared just now.
        self.tasks.push(Task { place: nodes.place(number), segment: segment + 1, compared: true });
        below.len()
    }

    fn descend(&mut self, nodes: &Nodes, number: u32, segment: usize) -> usize {
        let (wanted, first) = (&mut self.wanted[segment], self.tasks.len());
        let task = |below: u32| Task { place: nodes.place(below), segment: segment + 1, compared: false };
        let looked_at = match wanted.words() {
            Some(words) => {
                let parts = words.iter().filter_map(|word| nodes.parts.find(word));
                self.tasks.extend(parts.filter_map(|part| nodes.branch_below(number, part)).map(task));
                words.len()
            }
            None => {
                let below = wanted.branches(nodes, number);
                let matching = below.iter().filter(|below| wanted.takes(&nodes.parts, nodes.part(**below)));
                self.tasks.extend(matching.map(|below| task(*below)));
                below.len()
            }
        };
        // The last one on the stack is visited first.
        self.tasks[first..].reverse();
        looked_at
    }

    /// The last part of the pattern: what matches is an answer.
    fn emit(&mut self, nodes: &Nodes, number: u32) -> usize {
        self.above.clear();
        nodes.path_to(number, '.', &mut self.above);
        let last = self.wanted.len() - 1;
        if let Some(words) = self.wanted[last].words() {
            for part in words.iter().filter_map(|word| nodes.parts.find(word)) {
                if let Some(below) = nodes.branch_below(number, part) {
                    self.found_branch(nodes, below);
                }
                if let Some(at) = nodes.leaf_at(number, part) {
                    self.found_leaf(nodes, &nodes.at(number).leaves[at]);
                }
            }
            return words.len();
        }
        let branches = if self.query.leaves_only { &[] } else { self.wanted[last].branches(nodes, number) };
        for below in branches {
            if self.wanted[last].takes(&nodes.parts, nodes.part(*below)) {
                self.found_branch(nodes, *below);
            }
        }
        let leaves = self.wanted[last].leaves(nodes, number);
        for leaf in leaves {
            if self.wanted[last].takes(&nodes.parts, leaf.part) {
                self.found_leaf(nodes, leaf);
            }
        }
        branches.len() + leaves.len()
    }

    fn found_branch(&mut self, nodes: &Nodes, number: u32) {
        if self.query.leaves_only || self.alive.is_some_and(|alive| !alive.branch(nodes, number)) {
            return;
        }
        match &mut self.ends {
            Some(ends) => ends.note(nodes.part(number), NodeKind::Branch),
            None => self.found.push(&self.above, nodes.word(number), NodeKind::Branch),
        }
    }

    fn found_leaf(&mut self, nodes: &Nodes, leaf: &Leaf) {
        if self.alive.is_some_and(|alive| !alive.leaf(leaf)) {
            if self.shared.arrivals.get().is_none() {
                return;
            }
            self.seem_dead.push(self.found.len());
        } else if let Some(ends) = &mut self.ends {
            return ends.note(leaf.part, NodeKind::Leaf);
        }
        self.found.push(&self.above, nodes.parts.text(leaf.part), NodeKind::Leaf);
    }

    /// Takes the names out that seem dead, unless points of them wait.
    fn bury(&mut self) {
        let Some(arrivals) = self.shared.arrivals.get().filter(|_| !self.seem_dead.is_empty()) else { return };
        let mut dead = std::mem::take(&mut self.seem_dead).into_iter().peekable();
        let mut names = Vec::new();
        for (place, (path, _)) in self.found.iter().enumerate() {
            if dead.next_if_eq(&place).is_some() {
                names.push((place, path.to_owned()));
            }
        }
        let (places, names): (Vec<usize>, Vec<String>) = names.into_iter().unzip();
        let mut waiting = places.into_iter().zip(arrivals.are_waiting(&names)).peekable();
        self.found.retain(|place, _, _| waiting.next_if(|(dead, _)| *dead == place).is_none_or(|(_, waits)| waits));
    }

    /// The name of a part of the store.
    fn part(&self, place: Place) -> String {
        let (nodes, mut name) = (self.shared.nodes(), String::new());
        nodes.path_to(place.number, '.', &mut name);
        if name.is_empty() { "the whole tree".to_owned() } else { name.trim_end_matches('.').to_owned() }
    }
}
