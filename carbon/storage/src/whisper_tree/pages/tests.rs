use std::fs::File;
use std::os::unix::fs::FileExt;
use std::time::{Duration, Instant};

use carbon_line::MetricName;
use futures_util::FutureExt;
use rustix::fs::{Advice, fadvise};
use whisper::{Allocation, Point, Timestamp};

use super::super::ahead::{is_known, pages};
use super::super::known::{Knowledge, Left};
use super::super::look::Look;
use super::super::reach::open;
use super::super::{TreeOptions, WhisperTree, milliseconds};
use super::*;
use crate::{Pending, Schemas, SeriesId, StorageRules, Store};

const NOW: u32 = 1_750_000_020;
const SERIES: usize = 5;
/// Points of an update, a minute each.
const POINTS: u32 = 30;

/// The points of some minutes; in each of them one is missing.
fn batch(minute: u32) -> Vec<Pending> {
    let minutes = (minute..minute + POINTS).filter(|at| *at != minute + 7);
    let time = |minute| Timestamp::from_secs(NOW - 43_200 + minute * 60);
    let points: Vec<Point> = minutes.map(|at| Point { time: time(at), value: f64::from(at) / 7.0 }).collect();
    let pending = |number| Pending {
        series: SeriesId::new(number),
        name: MetricName::parse(&format!("hosts.h{number}.load")).unwrap(),
        points: points.clone(),
    };
    (0..SERIES as u32).map(pending).collect()
}

struct Tree {
    tree: WhisperTree,
    _folder: tempfile::TempDir,
}

impl Tree {
    fn new(descriptors: usize, pages: usize) -> Tree {
        let folder = tempfile::tempdir().unwrap();
        let schemas = Schemas::parse("[all]\npattern = .*\nretentions = 60s:7d,5m:30d\n").unwrap();
        let rules = StorageRules { schemas, ..StorageRules::default() };
        let options = TreeOptions { descriptors, pages, ..TreeOptions::from(Allocation::Reserved) };
        Tree { tree: WhisperTree::open(folder.path(), rules, options).unwrap(), _folder: folder }
    }

    fn write(&self, minute: u32) {
        let (batch, now) = (batch(minute), Timestamp::from_secs(NOW));
        let report = self.tree.write(&batch, now).now_or_never().unwrap();
        assert!(report.refusals.is_empty());
    }

    fn known(&self) -> Vec<Option<Knowledge>> {
        batch(0).iter().map(|pending| self.tree.state.known.take(pending.series)).collect()
    }

    fn files(&self) -> Vec<File> {
        let way = self.tree.state.folder.way(self.tree.root());
        batch(0).iter().map(|pending| open(&way, &self.tree.file_of(&pending.name)).unwrap()).collect()
    }

    fn contents(&self) -> Vec<Vec<u8>> {
        batch(0).iter().map(|pending| std::fs::read(self.tree.file_of(&pending.name)).unwrap()).collect()
    }
}

/// Has the pages of files leave memory, if the file system lets go of them.
fn leave_memory(files: &[File]) {
    for file in files {
        file.sync_all().unwrap();
        fadvise(file, 0, None, Advice::DontNeed).unwrap();
    }
}

/// Whether it does. To look at a page may bring it back.
fn leaves_memory(file: &File) -> bool {
    leave_memory(std::slice::from_ref(file));
    !has(file, 0)
}

/// Of files whose pages have left memory, those of a batch have to be there after it was fetched, at the first look:
/// newer kernels begin to read what is looked at. One that is not in the batch tells whether pages can leave memory
/// here at all.
fn pages_come_back(descriptors: usize) {
    let tree = Tree::new(descriptors, 0);
    tree.write(0);

    let (batch, known, files) = (batch(POINTS), tree.known(), tree.files());
    assert_eq!(known.iter().flatten().filter(|known| known.file.is_some()).count(), SERIES.min(descriptors));
    let (until, mut pause) = (Instant::now() + Duration::from_secs(30), Duration::ZERO);
    loop {
        leave_memory(&files);
        let way = tree.tree.state.folder.way(tree.tree.root());
        tree.tree.fetch_ahead(&way, &batch[1..], &known[1..]);
        std::thread::sleep(pause);
        let mut there = batch.iter().zip(&known).zip(&files).map(|((pending, known), file)| {
            let pages: Vec<u64> = pages(pending, known).collect();
            assert_eq!(pages.len(), 2, "one in each archive");
            pages.into_iter().filter(|position| has(file, *position)).count()
        });
        let other = there.next();
        let all = there.sum::<usize>() == 2 * (SERIES - 1);
        // A page that comes after all, since it was looked at the last time, says nothing.
        if all && (other == Some(0) || !leaves_memory(&files[0])) {
            return;
        }
        assert!(Instant::now() < until, "they never came, or the other did: {all} {other:?}");
        pause += Duration::from_millis(1);
    }
}

#[test]
fn pages_that_have_left_memory_are_there_before_they_are_written_to() {
    pages_come_back(64 * SERIES);
}

#[test]
fn so_are_those_of_files_that_are_not_kept_open() {
    pages_come_back(0);
}

fn tells_changes(tree: &Tree) -> bool {
    let number = Look::of(&tree.files()[0].metadata().unwrap()).device;
    tree.tree.state.devices.find(number).is_some_and(|device| tree.tree.state.devices.tells_changes(device))
}

/// The newest pages of both archives of a file are known, but for files for which a busy machine took too long, or of none
/// where pages never leave memory or changes are not told apart.
#[track_caller]
fn assert_known(tree: &Tree, left: bool) {
    let files = tree.known().into_iter().zip(tree.files());
    let known = files.map(|(known, file)| {
        let changed = Look::of(&file.metadata().unwrap()).changed;
        known.unwrap().pages.map_or(0, |pages| pages.still_of(changed).coded.len())
    });
    let most = known.max();
    assert!(if left && tells_changes(tree) { most >= Some(2) } else { most == Some(0) }, "{most:?}");
}

#[test]
fn files_are_the_same_with_and_without_knowledge_of_their_pages() {
    for descriptors in [0, 64 * SERIES] {
        let (knowing, plain) = (Tree::new(descriptors, 64 << 20), Tree::new(descriptors, 0));
        for round in 0..20 {
            knowing.write(round * POINTS);
            plain.write(round * POINTS);
            // Known from their second write on, without a descriptor from the first that is not in the moment of birth.
            std::thread::sleep(Duration::from_millis(if round == 0 { 120 } else { 0 }));
            leave_memory(&knowing.files());
        }
        let left = leaves_memory(&knowing.files()[0]);
        assert_eq!(plain.tree.pages_bytes(), 0);
        assert!(knowing.contents() == plain.contents());
        let held = knowing.tree.pages_bytes();
        assert_known(&knowing, left);
        assert_eq!(held > 0, left && tells_changes(&knowing));
        assert_eq!(knowing.tree.pages_bytes(), 0, "all were taken out");
    }
}

#[test]
fn what_a_new_file_holds_is_known_for_its_second_write() {
    let tree = Tree::new(64 * SERIES, 64 << 20);
    let mut first = batch(0);
    // Too few for a coarser slot.
    first.iter_mut().for_each(|pending| pending.points.truncate(1));
    tree.tree.write(&first, Timestamp::from_secs(NOW)).now_or_never().unwrap();
    let tells = tells_changes(&tree);
    for (pending, known) in batch(1).iter().zip(tree.known()) {
        let edges: Vec<u64> = pages(pending, &known).collect();
        assert_eq!(edges.len(), 2, "one in each archive");
        assert!(edges.iter().all(|edge| is_known(&known, *edge) == tells));
    }
}

#[test]
fn what_somebody_else_has_written_on_a_known_page_stays() {
    let tree = Tree::new(64 * SERIES, 64 << 20);
    for round in 0..3 {
        tree.write(round * POINTS);
        leave_memory(&tree.files());
    }
    // Into the slot of a minute that is missing, on the page that the next update goes on with.
    let files = tree.files();
    let missing = 2 * POINTS + 7;
    let position = 16 + 2 * 12 + u64::from(missing) * 12;
    for file in &files {
        let mut slot = [0; 12];
        file.read_exact_at(&mut slot, position).unwrap();
        assert_eq!(slot, [0; 12]);
        file.write_all_at(b"not from us.", position).unwrap();
    }
    // Had it happened in the same millisecond as our own write.
    let can_be_known = leaves_memory(&files[0]) && tells_changes(&tree);
    let mut is_any_known = false;
    for (pending, known) in batch(3 * POINTS).iter().zip(tree.known()) {
        // Not those of a file for which a busy machine took too long.
        is_any_known |= pages(pending, &known).all(|edge| is_known(&known, edge));
        let Knowledge { known, file, pages } = known.unwrap();
        let (file, written) = (file.unwrap(), milliseconds() + 60_000);
        drop(tree.tree.state.known.put(pending.series, Left { known, file, locked: true, pages, written, first: 0 }));
    }
    assert_eq!(is_any_known, can_be_known);
    leave_memory(&files);
    tree.write(3 * POINTS);
    for content in tree.contents() {
        assert_eq!(&content[position as usize..][..12], b"not from us.");
    }
}
