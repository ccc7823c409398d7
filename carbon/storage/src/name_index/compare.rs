//! One branch against its folder: a `stat`, and a listing if that tells of a change.
//!
//! Any change of a folder's entries changes the time of its inode, which nobody can set back; a folder that took another
//! one's place has another inode. A folder that changed while the clock stood at the same tick may change again unseen,
//! so it counts as unknown until it is quiet.

use std::fs::{self, Metadata};
use std::io::{self, ErrorKind};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use carbon_line::MetricName;
use hashbrown::HashSet;
use tracing::warn;

use super::nodes::{Branch, Leaf, Nodes, Place, UNKNOWN, WAITING};
use super::parts::{Part, branch_order};
use super::{Relaxed, Shared};
use crate::StorageError;
use crate::whisper_tree::{DEEPEST, leads_back, list_folder};

/// Words that are entered under one lock.
const AT_ONCE: usize = 4_096;

/// Clocks of file systems tick in steps of up to ten milliseconds, those that keep no fractions in steps of two seconds.
const TICK: i128 = 50_000_000;
const COARSE_TICK: i128 = 2_000_000_000;

/// What a folder holds, each kind in the order of the tree.
#[derive(Default)]
struct Listing {
    /// With whether it is a link that leads back.
    branches: Vec<(String, bool)>,
    leaves: Vec<String>,
    /// Whether there is a folder at all.
    there: bool,
    stamp: u64,
}

/// What the tree has and the folder has not.
#[derive(Default)]
struct Missing {
    branches: Vec<Place>,
    leaves: Vec<Part>,
}

/// The folder of a branch.
struct Folder {
    path: PathBuf,
    /// With a dot behind it, unless it is the root.
    prefix: String,
    depth: usize,
}

impl Shared {
    /// Brings a branch up to date with its folder, and takes out what was below it if that is gone.
    ///
    /// # Errors
    /// When its folder is there and cannot be read; what was known of it stays.
    pub(super) fn compare(&self, place: Place) -> Result<(), StorageError> {
        let mut todo = self.compare_one(place)?;
        while let Some(place) = todo.pop() {
            // One that cannot be read stays marked, and whoever comes there is told.
            todo.extend(self.compare_one(place).unwrap_or_default());
        }
        Ok(())
    }

    /// The branches below whose folders seem to be gone.
    fn compare_one(&self, place: Place) -> Result<Vec<Place>, StorageError> {
        let _turn = self.turn(place.number);
        let now = self.seconds();
        let (folder, before) = {
            let nodes = self.nodes();
            let Some(branch) = nodes.get(place) else { return Ok(Vec::new()) };
            let known = if branch.state.waiting || branch.state.unreadable { 0 } else { branch.stamp };
            (folder(&nodes, self.tree.root(), place.number), known)
        };
        let listing = match read(&folder, self.tree.root(), before) {
            Ok(Some(listing)) => listing,
            Ok(None) => {
                if let Some(branch) = self.nodes_mut().get_mut(place) {
                    branch.checked = now;
                }
                return Ok(Vec::new());
            }
            Err(source) => {
                if let Some(branch) = self.nodes_mut().get_mut(place) {
                    (branch.checked, branch.state.unreadable) = (now, true);
                }
                return Err(StorageError::Io { action: "list the directory", path: folder.path, source });
            }
        };
        let missing = self.merge(place, &listing, now);
        self.part_with(place, &folder, missing.leaves);
        let mut nodes = self.nodes_mut();
        if !listing.there && nodes.get(place).is_some() {
            nodes.prune(place.number);
        }
        if nodes.bytes() > self.limit && !self.full.swap(true, Relaxed) {
            let names = nodes.leaves();
            warn!(names, "The index of names is full, so folders are walked from now on; raise `[memory] max`.");
        }
        Ok(missing.branches)
    }

    /// Enters what was listed. What was not is told, and stays for now.
    fn merge(&self, place: Place, listing: &Listing, now: u32) -> Missing {
        let branches = self.enter_words(listing.branches.iter().map(|(text, _)| text));
        let leaves = self.enter_words(listing.leaves.iter());
        let mut nodes = self.nodes_mut();
        let mut missing = Missing::default();
        if nodes.get(place).is_none() {
            return missing;
        }
        let branches = merge_branches(&mut nodes, place.number, branches, listing, &mut missing);
        let leaves = merge_leaves(&nodes, place.number, leaves, &mut missing);
        nodes.set_lists(place.number, branches, leaves);
        let branch = nodes.at_mut(place.number);
        (branch.checked, branch.stamp) = (now, listing.stamp);
        (branch.state.on_disk, branch.state.unreadable) = (listing.there, false);
        missing
    }

    fn enter_words<'a>(&self, words: impl Iterator<Item = &'a String>) -> Vec<Part> {
        let words: Vec<&String> = words.collect();
        let mut parts = Vec::with_capacity(words.len());
        for some in words.chunks(AT_ONCE) {
            let mut nodes = self.nodes_mut();
            parts.extend(some.iter().map(|word| nodes.parts.enter(word)));
        }
        parts
    }

    /// Takes leaves out that were not listed, unless points of them wait, or their files have come to be since. Whatever
    /// is stored and holds no points now was stored before, so its file is there by the time we look.
    fn part_with(&self, place: Place, folder: &Folder, missing: Vec<Part>) {
        let mut waiting_left = false;
        for some in missing.chunks(AT_ONCE) {
            let names: Vec<String> = {
                let nodes = self.nodes();
                some.iter().map(|part| format!("{}{}", folder.prefix, nodes.parts.text(*part))).collect()
            };
            let waiting = match self.arrivals.get() {
                Some(arrivals) => arrivals.are_waiting(&names),
                None => vec![false; names.len()],
            };
            let (mut gone, mut gone_names, mut there) = (HashSet::new(), Vec::new(), HashSet::new());
            for ((part, name), waits) in some.iter().zip(&names).zip(waiting) {
                if waits {
                    waiting_left = true;
                } else if MetricName::parse(name).is_ok_and(|name| self.tree.has_file(&name)) {
                    there.insert(*part);
                } else {
                    gone.insert(*part);
                    gone_names.push(name.as_str());
                }
            }
            let mut nodes = self.nodes_mut();
            let Some(branch) = nodes.get_mut(place) else { return };
            let mut leaves = std::mem::take(&mut branch.leaves);
            let count = leaves.len();
            leaves.retain(|leaf| !gone.contains(&leaf.part));
            for leaf in &mut leaves {
                if there.contains(&leaf.part) {
                    leaf.seen = UNKNOWN;
                }
            }
            branch.leaves = leaves;
            nodes.forget_leaves(count, place.number);
            drop(nodes);
            self.note_absent(gone_names);
        }
        if let Some(branch) = self.nodes_mut().get_mut(place) {
            branch.state.waiting = waiting_left || branch.leaves.iter().any(|leaf| leaf.seen == WAITING);
        }
    }
}

fn folder(nodes: &Nodes, root: &Path, number: u32) -> Folder {
    let (mut below, mut prefix) = (String::new(), String::new());
    nodes.path_to(number, '/', &mut below);
    nodes.path_to(number, '.', &mut prefix);
    Folder { path: root.join(&below), depth: below.matches('/').count(), prefix }
}

/// What a folder holds; nothing when its state is the one that was known `before`.
fn read(folder: &Folder, root: &Path, before: u64) -> io::Result<Option<Listing>> {
    let absent = |error: &io::Error| matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory);
    let look = match fs::metadata(&folder.path) {
        Err(error) if absent(&error) => return Ok(Some(Listing::default())),
        look => look?,
    };
    if !look.is_dir() || folder.depth >= DEEPEST {
        return Ok(Some(Listing::default()));
    }
    let stamp = stamp(&look);
    if stamp == before {
        return Ok(None);
    }
    let entries = match list_folder(&folder.path, folder.depth == 0) {
        Err(error) if absent(&error) => return Ok(Some(Listing::default())),
        entries => entries?,
    };
    let mut listing = Listing { there: true, stamp: if is_quiet(&look) { stamp } else { 0 }, ..Listing::default() };
    for entry in entries {
        if entry.is_dir {
            let above = folder.path.ancestors().take_while(|above| above.starts_with(root));
            let looping = entry.is_link && leads_back(&folder.path.join(&entry.part), above);
            listing.branches.push((entry.part, looping));
        } else if entry.is_leaf {
            listing.leaves.push(entry.part);
        }
    }
    listing.branches.sort_by(|(a, _), (b, _)| branch_order(a, b));
    listing.leaves.sort_unstable();
    Ok(Some(listing))
}

/// What tells one state of a folder from another; never 0.
fn stamp(look: &Metadata) -> u64 {
    let facts = [look.dev(), look.ino(), look.ctime() as u64, look.ctime_nsec() as u64];
    let mixed = facts.iter().fold(0x9e37_79b9_7f4a_7c15_u64, |mixed, fact| {
        let next = (mixed ^ fact).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        next ^ (next >> 29)
    });
    mixed.max(1)
}

/// Whether a further change would show in its time.
fn is_quiet(look: &Metadata) -> bool {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as i128);
    let changed = i128::from(look.ctime()) * 1_000_000_000 + i128::from(look.ctime_nsec());
    let tick = if look.ctime_nsec() == 0 { COARSE_TICK } else { TICK };
    now - changed > tick
}

/// The branches of both, in order.
fn merge_branches(
    nodes: &mut Nodes,
    number: u32,
    listed: Vec<Part>,
    listing: &Listing,
    missing: &mut Missing,
) -> Vec<u32> {
    let known = nodes.at(number).branches.clone();
    let (mut known, mut merged) = (known.into_iter().peekable(), Vec::with_capacity(listed.len()));
    for (part, (text, looping)) in listed.into_iter().zip(&listing.branches) {
        while let Some(before) = known.next_if(|below| branch_order(nodes.word(*below), text).is_lt()) {
            merged.push(part_from(nodes, before, missing));
        }
        let below = known.next_if(|below| nodes.part(*below) == part);
        let below = below.unwrap_or_else(|| nodes.make(number, part));
        let state = &mut nodes.at_mut(below).state;
        (state.on_disk, state.looping) = (true, *looping);
        merged.push(below);
    }
    merged.extend(known.map(|below| part_from(nodes, below, missing)));
    merged
}

/// A branch whose folder was not listed: it stays until it has been compared itself.
fn part_from(nodes: &mut Nodes, below: u32, missing: &mut Missing) -> u32 {
    let branch: &mut Branch = nodes.at_mut(below);
    (branch.stamp, branch.state.on_disk) = (0, false);
    missing.branches.push(nodes.place(below));
    below
}

/// The leaves of both, in order.
fn merge_leaves(nodes: &Nodes, number: u32, listed: Vec<Part>, missing: &mut Missing) -> Vec<Leaf> {
    let mut known = nodes.at(number).leaves.iter().copied().peekable();
    let mut merged = Vec::with_capacity(listed.len());
    for part in listed {
        let text = nodes.parts.text(part);
        while let Some(before) = known.next_if(|leaf| leaf.part != part && nodes.parts.text(leaf.part) < text) {
            missing.leaves.push(before.part);
            merged.push(before);
        }
        let seen = known.next_if(|leaf| leaf.part == part).map_or(UNKNOWN, |leaf| leaf.seen);
        merged.push(Leaf { part, seen: if seen == WAITING { UNKNOWN } else { seen } });
    }
    for rest in known {
        missing.leaves.push(rest.part);
        merged.push(rest);
    }
    merged
}
