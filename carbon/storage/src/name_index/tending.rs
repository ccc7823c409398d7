//! Keeps the index true in the background, a few milliseconds of work at a time.
//!
//! Folders are compared one after the other, at half of one core the first time. From then on a round begins ten seconds
//! after the one before has ended where that takes a four-thousandth of a core, up to two minutes after it where it would
//! take more, and later only where even that would take a twentieth; a folder of very many names is listed once a minute
//! at most. Between these rounds the times of all files are looked at, every five minutes.
//!
//! With 20 000 names in 7 400 folders and a round every ten seconds, this took 15 % of all CPU of a daemon that stores
//! 10 000 points a second.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use carbon_line::MetricName;
use tracing::debug;

use super::nodes::{Place, UNKNOWN, WAITING};
use super::{NameIndex, Relaxed, Shared};

/// Work until the first pause.
const SLICE: Duration = Duration::from_millis(5);
/// Longest pause: how late the end of the process is noticed, and how late names that arrive are entered when nobody asks.
const LONGEST: Duration = Duration::from_millis(500);

const BETWEEN_ROUNDS: Duration = Duration::from_secs(10);
/// A round rests for so many times what it took, until that is longer than the patience.
const LONG_REST: u32 = 4_000;
const PATIENCE: Duration = Duration::from_secs(120);
/// A tree that has just grown is not compared at once, since what the process made itself it has entered already; the
/// round before counts as if each branch there is now had taken so long.
const A_BRANCH: Duration = Duration::from_nanos(500);
const BETWEEN_LOOKS: Duration = Duration::from_secs(300);

/// A round, or a look at all files, rests for so many times what it took in any case.
const REST: u32 = 20;

/// The work; [`Tending::step`] is to be called again and again.
#[derive(Debug)]
pub struct Tending {
    index: NameIndex,
    round: Walk,
    /// When the round before ended, unless another one is to follow at once.
    ended: Option<Instant>,
    look: Walk,
    /// Whether this round has met branches that were never compared.
    met_new: bool,
    first: bool,
}

/// A way through all branches.
#[derive(Debug)]
struct Walk {
    next: u32,
    begins: Instant,
    /// Time spent on it.
    spent: Duration,
    /// Seconds since the epoch at its first step.
    begun: u32,
}

impl NameIndex {
    /// What keeps it true. One at a time.
    pub fn tending(&self) -> Tending {
        let walk = || Walk { next: 0, begins: Instant::now(), spent: Duration::ZERO, begun: 0 };
        Tending { index: self.clone(), round: walk(), ended: None, look: walk(), met_new: false, first: true }
    }
}

impl Tending {
    /// Works for some milliseconds and says how long to rest. Blocks.
    pub fn step(&mut self) -> Duration {
        let begun = Instant::now();
        let shared = Arc::clone(&self.index.shared);
        shared.catch_up();
        if shared.full.load(Relaxed) {
            return LONGEST;
        }
        self.hold_back(&shared);
        let worked = if begun >= self.round.begins {
            self.compare(&shared, begun);
            true
        } else if begun >= self.look.begins && !self.first {
            self.look(&shared, begun);
            true
        } else {
            false
        };
        let spent = begun.elapsed();
        match (worked, self.first) {
            (true, true) => spent,
            (true, false) => (spent * REST).min(LONGEST),
            (false, _) => {
                let due = if self.first { self.round.begins } else { self.round.begins.min(self.look.begins) };
                due.saturating_duration_since(begun).clamp(SLICE, LONGEST)
            }
        }
    }

    /// Whether every branch has been compared with its folder since the start.
    pub fn is_complete(&self) -> bool {
        !self.first
    }

    fn compare(&mut self, shared: &Shared, begun: Instant) {
        while begun.elapsed() < SLICE {
            let found = shared.next_to_compare(&mut self.round.next);
            let Some((place, new)) = found else {
                self.round.spent += begun.elapsed();
                return self.end_round(shared);
            };
            self.met_new |= new;
            if let Err(error) = shared.compare(place) {
                // A search that comes here tells its client.
                debug!(error = &error as &dyn std::error::Error, "A folder of the tree cannot be read.");
            }
        }
        self.round.spent += begun.elapsed();
    }

    fn end_round(&mut self, shared: &Shared) {
        // Branches that were found on the way may have got lower numbers.
        let again = std::mem::take(&mut self.met_new);
        if !again && self.first {
            self.first = false;
            debug!(names = shared.nodes().leaves(), "The index of names has been compared with the tree.");
        }
        let (spent, now) = (self.round.spent, Instant::now());
        let rest = if again { Duration::ZERO } else { polite(spent).max(spent * REST) };
        self.round = Walk { next: 0, begins: now + rest, spent: Duration::ZERO, begun: 0 };
        self.ended = (!again).then_some(now);
    }

    /// Lets a round that has not begun begin later if the tree has grown since the one before.
    fn hold_back(&mut self, shared: &Shared) {
        if let Some(ended) = self.ended.filter(|_| self.round.next == 0) {
            let expected = A_BRANCH * shared.nodes().numbers();
            self.round.begins = self.round.begins.max(ended + polite(expected));
        }
    }

    fn look(&mut self, shared: &Shared, begun: Instant) {
        if self.look.next == 0 {
            self.look.begun = epoch_seconds();
        }
        while begun.elapsed() < SLICE {
            let place = {
                let nodes = shared.nodes();
                let mut rest = self.look.next..nodes.numbers();
                let place = rest.find_map(|number| nodes.numbered(number));
                self.look.next = rest.start;
                place
            };
            let Some(place) = place else {
                shared.looked.store(self.look.begun, Relaxed);
                let rest = BETWEEN_LOOKS.max((self.look.spent + begun.elapsed()) * REST);
                self.look = Walk { next: 0, begins: Instant::now() + rest, spent: Duration::ZERO, begun: 0 };
                return;
            };
            shared.look_at_files(place);
        }
        self.look.spent += begun.elapsed();
    }
}

impl Shared {
    /// The next branch that has to be compared from the number `next` on, and whether it never was.
    fn next_to_compare(&self, next: &mut u32) -> Option<(Place, bool)> {
        let (nodes, now) = (self.nodes(), self.seconds());
        while *next < nodes.numbers() {
            let place = nodes.numbered(*next);
            *next += 1;
            let Some((place, branch)) = place.and_then(|place| Some((place, nodes.get(place)?))) else { continue };
            if !branch.state.looping && (branch.checked == 0 || branch.is_old(now)) {
                return Some((place, branch.checked == 0));
            }
        }
        None
    }

    /// Learns when the files of a branch were changed, and that its folder has to be listed when one is gone.
    fn look_at_files(&self, place: Place) {
        let (mut prefix, leaves) = (String::new(), {
            let nodes = self.nodes();
            let Some(branch) = nodes.get(place) else { return };
            branch.leaves.clone()
        });
        self.nodes().path_to(place.number, '.', &mut prefix);
        for some in leaves.chunks(1_024) {
            let names: Vec<String> = {
                let nodes = self.nodes();
                some.iter().map(|leaf| format!("{prefix}{}", nodes.parts.text(leaf.part))).collect()
            };
            // Whose points wait is being written to: a file less to look at, which is most of them where all is well.
            let waiting = self.arrivals.get().map_or(Vec::new(), |arrivals| arrivals.are_waiting(&names));
            let waits = waiting.into_iter().chain(std::iter::repeat(false));
            let now = epoch_seconds().clamp(1, WAITING - 1);
            let time = |(name, waits): (&String, bool)| if waits { Some(now) } else { self.changed(name) };
            let times: Vec<Option<u32>> = names.iter().zip(waits).map(time).collect();
            let mut nodes = self.nodes_mut();
            if nodes.get(place).is_none() {
                return;
            }
            for (leaf, time) in some.iter().zip(times).filter(|(leaf, _)| leaf.seen != WAITING) {
                let (at, branch) = (nodes.leaf_at(place.number, leaf.part), place.number);
                match (at, time) {
                    (Some(at), Some(time)) if ![WAITING, time].contains(&nodes.at(branch).leaves[at].seen) => {
                        nodes.at_mut(branch).leaves[at].seen = time;
                        nodes.version += 1;
                    }
                    (Some(_), None) => nodes.at_mut(branch).suspect(),
                    _ => {}
                }
            }
        }
    }

    /// When the file of `name` was last changed; nothing when it is not there.
    fn changed(&self, name: &str) -> Option<u32> {
        let name = MetricName::parse(name).ok()?;
        match fs::metadata(self.tree.file_of(&name)) {
            Ok(look) => Some(u32::try_from(look.mtime()).unwrap_or(1).clamp(1, WAITING - 1)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(_) => Some(UNKNOWN),
        }
    }
}

/// The rest after a round that took so long.
fn polite(spent: Duration) -> Duration {
    (spent * LONG_REST).clamp(BETWEEN_ROUNDS, PATIENCE)
}

fn epoch_seconds() -> u32 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{NameTable, SeriesId, StorageRules, Waiting, WhisperTree};

    #[test]
    fn a_tree_that_has_grown_is_not_compared_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let tree = WhisperTree::read_only(folder.path(), StorageRules::default());
        let index = NameIndex::new(tree.clone(), Arc::new(tree), usize::MAX);
        let mut tending = index.tending();
        while !tending.is_complete() {
            tending.step();
        }
        let ended = tending.ended.unwrap();
        assert!(tending.round.begins < ended + 2 * BETWEEN_ROUNDS);
        let most = (PATIENCE.as_nanos() / (A_BRANCH * LONG_REST).as_nanos()) as u32;
        let names: Vec<MetricName> =
            (0..=most).map(|branch| MetricName::parse(&format!("b{branch}.c")).unwrap()).collect();
        index.add(&names[..100]);
        tending.step();
        assert!(tending.round.begins < ended + 2 * BETWEEN_ROUNDS);
        index.add(&names);
        tending.step();
        assert_eq!(tending.round.begins, ended + PATIENCE);
    }

    /// A cache that holds points of one series.
    struct Holds(SeriesId);

    impl Waiting for Holds {
        fn retain_waiting(&self, series: &mut Vec<SeriesId>) {
            series.retain(|id| *id == self.0);
        }
    }

    #[test]
    fn a_file_whose_points_wait_counts_as_changed_now_without_a_look() {
        let folder = tempfile::tempdir().unwrap();
        let tree = WhisperTree::read_only(folder.path(), StorageRules::default());
        let index = NameIndex::new(tree.clone(), Arc::new(tree.clone()), usize::MAX);
        let names = ["a.rests", "a.waits"].map(|name| MetricName::parse(name).unwrap());
        fs::create_dir(folder.path().join("a")).unwrap();
        for name in &names {
            let file = fs::File::create(tree.file_of(name)).unwrap();
            file.set_modified(UNIX_EPOCH + Duration::from_secs(1_000)).unwrap();
        }
        let table = Arc::new(NameTable::new());
        let [_, waits] = names.each_ref().map(|name| table.intern(name));
        index.add(&names);
        index.follow(table, Arc::new(Holds(waits)));
        let place = {
            let nodes = index.shared.nodes();
            nodes.place(nodes.branch_named("a").unwrap())
        };
        let begun = epoch_seconds();
        index.shared.look_at_files(place);
        let seen = || index.shared.nodes().get(place).unwrap().leaves.iter().map(|leaf| leaf.seen).collect::<Vec<_>>();
        assert!(matches!(seen()[..], [1_000, now] if now >= begun), "{:?}", seen());
        // Nor is it missed when it is not there, as the other one is.
        fs::remove_file(tree.file_of(&names[1])).unwrap();
        index.shared.nodes_mut().at_mut(place.number).checked = 1;
        let is_suspect = || index.shared.nodes().get(place).unwrap().checked == 0;
        index.shared.look_at_files(place);
        assert!(!is_suspect());
        fs::remove_file(tree.file_of(&names[0])).unwrap();
        index.shared.look_at_files(place);
        assert!(is_suspect());
    }
}
