use std::fs;
use std::path::Path;

use carbon_line::Pattern;
use proptest::prelude::*;
use tempfile::TempDir;

use std::time::{Duration, SystemTime};

use super::*;
use crate::{NodeKind, SeriesId, StorageRules};

struct Fixture {
    folder: TempDir,
    tree: WhisperTree,
    index: NameIndex,
}

impl Fixture {
    fn new() -> Fixture {
        let folder = tempfile::tempdir().unwrap();
        let tree = WhisperTree::read_only(folder.path(), StorageRules::default());
        let index = NameIndex::new(tree.clone(), Arc::new(tree.clone()), usize::MAX);
        Fixture { folder, tree, index }
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join(name.replace('.', "/") + ".wsp")
    }

    fn create(&self, name: &str) {
        let file = self.file(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, "").unwrap();
    }

    /// As if a second, or a restart, had passed.
    fn grow_old(&self) {
        let mut nodes = self.index.shared.nodes_mut();
        for number in 0..nodes.numbers() {
            nodes.at_mut(number).checked = 0;
        }
    }

    fn found(&self, pattern: &str) -> Vec<String> {
        let query = ListQuery { leaves_only: true, ..ListQuery::all(Pattern::parse(pattern).unwrap()) };
        let found = search::search(&self.index.shared, &query, &AtomicBool::new(false)).unwrap();
        assert!(found.failures.is_empty());
        found.value.iter().map(|(path, _)| path.to_owned()).collect()
    }
}

fn sorted(nodes: impl Into<Vec<Node>>) -> Vec<Node> {
    let mut nodes = nodes.into();
    nodes.sort();
    nodes
}

/// The index against a walk.
async fn check(fixture: &Fixture, pattern: &str) {
    let query = FindQuery { pattern: Pattern::parse(pattern).unwrap(), window: None };
    let (walked, found) = (fixture.tree.find(&query).await.unwrap(), fixture.index.find(&query).await.unwrap());
    assert_eq!(
        found.value.len(),
        fixture.index.list(&ListQuery::all(query.pattern.clone())).await.unwrap().value.len()
    );
    let all = ListQuery::all(query.pattern);
    let ends = fixture.index.ends(&all).await.unwrap().value;
    let stop = AtomicBool::new(false);
    // Nothing where the index cannot answer.
    let long_way = search::search_ends(&fixture.index.shared, &all, &stop).map(|found| found.value);
    let expected = NodeEnds::of(&NodeList::of(walked.value.iter().cloned()));
    for ends in std::iter::once(ends).chain(long_way) {
        assert_eq!((ends.ends, ends.count), (expected.ends.clone(), expected.count), "{pattern}");
    }
    assert_eq!(sorted(found.value), sorted(walked.value), "{pattern}");
}

#[derive(Clone, Debug)]
enum Step {
    Create(String),
    Remove(String),
    RemoveFolder(String),
    Move(String, String),
    Tend,
}

fn step() -> impl Strategy<Value = Step> {
    let name = || "[ab](\\.[ab-]{1,2}){0,3}";
    prop_oneof![
        4 => name().prop_map(Step::Create),
        1 => name().prop_map(Step::Remove),
        1 => name().prop_map(Step::RemoveFolder),
        1 => (name(), name()).prop_map(|(from, to)| Step::Move(from, to)),
        1 => Just(Step::Tend),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]
    #[test]
    fn a_search_finds_what_a_walk_finds(steps in prop::collection::vec(step(), 1..24)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (fixture, mut tending) = (Fixture::new(), None);
        for step in steps {
            let folder = |name: &str| fixture.folder.path().join(name.replace('.', "/"));
            match &step {
                Step::Create(name) => fixture.create(name),
                Step::Remove(name) => _ = fs::remove_file(fixture.file(name)),
                Step::RemoveFolder(name) => _ = fs::remove_dir_all(folder(name)),
                Step::Move(from, to) => _ = fs::rename(folder(from), folder(to)),
                Step::Tend => _ = tending.get_or_insert_with(|| fixture.index.tending()).step(),
            }
            fixture.grow_old();
            let patterns = ["*", "a.*", "**", "*.a*", "a.{a,b}.*", "**.a", "**.**.b", "a.**.b.*", "[!a].?", "*.*.*", "b.a"];
            for pattern in patterns {
                runtime.block_on(check(&fixture, pattern));
            }
        }
        assert_eq!(fixture.index.len(), fixture.tree.walk().count());
    }
}

#[tokio::test]
async fn names_come_in_the_order_of_their_paths() {
    let fixture = Fixture::new();
    for name in ["web.x", "web-1.x", "web1.x", "web.a.x", "web"] {
        fixture.create(name);
    }
    assert_eq!(fixture.found("*.*"), ["web-1.x", "web.x", "web1.x"]);
    assert_eq!(fixture.found("**"), ["web", "web-1.x", "web.a.x", "web.x", "web1.x"]);
}

#[tokio::test]
async fn links_that_lead_in_circles_are_walked() {
    let fixture = Fixture::new();
    fixture.create("a.b.c");
    let link = |to: &Path, name: &str| std::os::unix::fs::symlink(to, fixture.folder.path().join(name)).unwrap();
    link(&fixture.folder.path().join("a"), "alias");
    link(fixture.folder.path(), "a/b/up");
    for pattern in ["**.c", "alias.*.c", "a.b.up.a.b.c", "a.b.*", "a.b.up.*", "*.*.*.*"] {
        check(&fixture, pattern).await;
    }
}

/// A cache that holds points of the series it is told of.
#[derive(Default)]
struct Holds(Mutex<Vec<SeriesId>>);

impl Waiting for Holds {
    fn retain_waiting(&self, series: &mut Vec<SeriesId>) {
        let holds = self.0.lock().unwrap();
        series.retain(|id| holds.contains(id));
    }
}

#[test]
fn a_name_is_shown_while_it_has_points_or_a_file() {
    let (fixture, names, cache) = (Fixture::new(), Arc::new(NameTable::new()), Arc::new(Holds::default()));
    let id = |name: &str| names.intern(&MetricName::parse(name).unwrap());
    fixture.create("a.stored");
    let ids = ["a.stored", "a.b.waits", "a.of-old"].map(id);
    fixture.index.follow(Arc::clone(&names), cache.clone());
    assert_eq!(fixture.found("**"), ["a.stored"]);
    cache.0.lock().unwrap().push(ids[1]);
    assert_eq!(fixture.found("**"), ["a.b.waits", "a.stored"]);
    fixture.create("a.b.waits");
    cache.0.lock().unwrap().clear();
    fixture.grow_old();
    assert_eq!(fixture.found("**"), ["a.b.waits", "a.stored"], "it is written");
    fs::remove_dir_all(fixture.folder.path().join("a")).unwrap();
    cache.0.lock().unwrap().push(ids[0]);
    fixture.grow_old();
    assert_eq!(fixture.found("**"), ["a.stored"], "it has no file, and points");
    cache.0.lock().unwrap().clear();
    fixture.grow_old();
    assert_eq!(fixture.found("**"), [""; 0]);
    assert_eq!(super::nodes::Place::ROOT, fixture.index.shared.nodes().place(0));
    cache.0.lock().unwrap().extend(ids);
    assert_eq!(fixture.found("a.**"), ["a.b.waits", "a.of-old", "a.stored"], "points came again");
}

#[test]
fn what_is_removed_is_gone_at_once_and_what_is_added_there() {
    let fixture = Fixture::new();
    ["a.b", "a.c", "d"].into_iter().for_each(|name| fixture.create(name));
    assert_eq!(fixture.found("**"), ["a.b", "a.c", "d"]);
    let name = |text: &str| MetricName::parse(text).unwrap();
    fs::rename(fixture.file("a.b"), fixture.file("e")).unwrap();
    fixture.index.remove(&[name("a.b")]);
    fixture.index.add(&[name("e")]);
    assert_eq!(fixture.found("**"), ["a.c", "d", "e"]);
    fixture.grow_old();
    assert_eq!(fixture.found("**"), ["a.c", "d", "e"]);
}

#[test]
fn names_that_are_entered_together_are_those_that_are_entered_one_by_one() {
    let mut names: Vec<String> = ["a.b.c", "d", "a.b.e", "a.x", "a.b", "f", "a.b.c"].map(str::to_owned).into();
    names.extend((0..3 * arrivals::AT_ONCE).map(|number| format!("host{}.metric{}", number / 7, number % 7)));
    let names: Vec<MetricName> = names.iter().map(|name| MetricName::parse(name).unwrap()).collect();
    let (together, single) = (Fixture::new(), Fixture::new());
    together.index.add(&names);
    names.iter().for_each(|name| single.index.add(std::slice::from_ref(name)));
    let counts = |fixture: &Fixture| {
        let nodes = fixture.index.shared.nodes();
        (nodes.leaves(), nodes.numbers(), nodes.version)
    };
    assert_eq!(counts(&together), counts(&single));
    let mut wanted: Vec<String> = names.iter().map(|name| name.to_string()).collect();
    wanted.sort_unstable();
    wanted.dedup();
    assert_eq!((entered(&together), entered(&single)), (wanted.clone(), wanted));
}

/// All names in the index, whatever the tree holds.
fn entered(fixture: &Fixture) -> Vec<String> {
    let nodes = fixture.index.shared.nodes();
    let mut all = Vec::new();
    for number in 0..nodes.numbers() {
        let mut prefix = String::new();
        nodes.path_to(number, '.', &mut prefix);
        all.extend(nodes.at(number).leaves.iter().map(|leaf| format!("{prefix}{}", nodes.parts.text(leaf.part))));
    }
    all.sort_unstable();
    all
}

#[test]
fn a_search_ends_at_its_bound() {
    let fixture = Fixture::new();
    (0..50).for_each(|n| fixture.create(&format!("a.n{n:02}")));
    let query = |most| ListQuery { most, ..ListQuery::all(Pattern::parse("a.*").unwrap()) };
    let search = |most| search::search(&fixture.index.shared, &query(most), &AtomicBool::new(false)).unwrap().value;
    assert_eq!((search(50).len(), search(50).is_cut()), (50, false));
    assert_eq!((search(49).len(), search(49).is_cut()), (49, true));
}

#[test]
fn names_without_points_in_the_time_asked_for_are_left_out() {
    let fixture = Fixture::new();
    ["live.a", "mixed.a", "mixed.b", "dead.a"].into_iter().for_each(|name| fixture.create(name));
    let old = SystemTime::now() - Duration::from_secs(10 * 86_400);
    for name in ["mixed.b", "dead.a"] {
        fs::File::options().write(true).open(fixture.file(name)).unwrap().set_modified(old).unwrap();
    }
    let now = SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs() as u32;
    let found = |pattern: &str, age: u32| {
        let time = whisper::Timestamp::from_secs;
        let window = crate::Window { from: time(now - age), until: time(now), now: time(now) };
        let query =
            ListQuery { window: Some(window), alive_only: true, ..ListQuery::all(Pattern::parse(pattern).unwrap()) };
        let found = search::search(&fixture.index.shared, &query, &AtomicBool::new(false)).unwrap().value;
        found.iter().map(|(path, _)| path.to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(found("*", 86_400), ["dead", "live", "mixed"], "nothing is known of their files");
    let mut tending = fixture.index.tending();
    while fixture.index.shared.looked.load(Relaxed) == 0 {
        tending.step();
    }
    assert_eq!(found("*", 86_400), ["live", "mixed"]);
    assert_eq!(found("*.*", 86_400), ["live.a", "mixed.a"]);
    assert_eq!(found("*.*", 20 * 86_400).len(), 4);
}

#[test]
fn a_folder_that_cannot_be_read_is_told_each_time() {
    let fixture = Fixture::new();
    fixture.create("a.b");
    // A name longer than the system takes is an error that even root gets.
    let long = "x".repeat(300);
    let query = ListQuery::all(Pattern::parse("*.*").unwrap());
    let search = || search::search(&fixture.index.shared, &query, &AtomicBool::new(false)).unwrap();
    assert!(search().failures.is_empty());
    let mut nodes = fixture.index.shared.nodes_mut();
    nodes.enter([format!("{long}.c").as_str()], nodes::UNKNOWN, 0);
    drop(nodes);
    fixture.grow_old();
    for _ in 0..2 {
        assert_eq!(search().failures.len(), 1);
    }
}

#[test]
fn a_full_index_lets_others_answer() {
    let folder = tempfile::tempdir().unwrap();
    let tree = WhisperTree::read_only(folder.path(), StorageRules::default());
    let index = NameIndex::new(tree.clone(), Arc::new(tree), 1);
    fs::write(folder.path().join("a.wsp"), "").unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let query = FindQuery { pattern: Pattern::parse("*").unwrap(), window: None };
    for _ in 0..2 {
        let found = runtime.block_on(index.find(&query)).unwrap().value;
        assert_eq!(found, [Node { path: "a".into(), kind: NodeKind::Leaf }]);
    }
}

#[test]
fn a_snapshot_brings_everything_back() {
    let (mut fixture, file) = (Fixture::new(), tempfile::NamedTempFile::new().unwrap());
    let names: Vec<String> =
        (0..300).map(|n| format!("a.h-{}.x{n}", n % 7)).chain(["b".into(), "a.é".into()]).collect();
    names.iter().for_each(|name| fixture.create(name));
    let all = fixture.found("**");
    fixture.index.save(file.path()).unwrap();
    let index = NameIndex::new(fixture.tree.clone(), Arc::new(fixture.tree.clone()), usize::MAX);
    assert!(index.load(file.path()).unwrap());
    assert_eq!((index.len(), all.len()), (names.len(), names.len()));
    fixture.index = index;
    assert_eq!(fixture.found("**"), all);
    // What happened since is seen.
    fs::remove_file(fixture.file("b")).unwrap();
    fixture.create("a.h-3.new");
    fixture.index.load(file.path()).unwrap();
    assert_eq!(fixture.found("b"), [""; 0]);
    assert_eq!(fixture.found("a.*.new"), ["a.h-3.new"]);
    assert_eq!(fixture.found("**").len(), names.len());
    assert!(!fixture.index.load(Path::new("/nowhere/at/all")).unwrap());
}

#[test]
fn a_damaged_snapshot_changes_nothing() {
    let (fixture, file) = (Fixture::new(), tempfile::NamedTempFile::new().unwrap());
    ["a.b.c", "a.d", "e"].into_iter().for_each(|name| fixture.create(name));
    assert_eq!(fixture.found("**").len(), 3);
    fixture.index.save(file.path()).unwrap();
    let whole = fs::read(file.path()).unwrap();
    for place in 0..whole.len() {
        let mut bytes = whole.clone();
        bytes[place] ^= 0x41;
        fs::write(file.path(), &bytes).unwrap();
        assert!(fixture.index.load(file.path()).is_err(), "byte {place}");
        fs::write(file.path(), &whole[..place]).unwrap();
        assert!(fixture.index.load(file.path()).is_err(), "cut at {place}");
    }
    assert_eq!(fixture.index.len(), 3);
    fs::write(file.path(), &whole).unwrap();
    assert!(fixture.index.load(file.path()).unwrap());
}

#[tokio::test]
async fn what_is_known_and_little_is_found_without_another_thread() {
    let fixture = Fixture::new();
    fixture.create("a.b.c");
    let query = |pattern: &str| ListQuery::all(Pattern::parse(pattern).unwrap());
    let little = |pattern: &str| search::search_little(&fixture.index.shared, &query(pattern)).map(|found| found.len());
    assert_eq!(little("a.*.c"), None, "nothing was compared yet");
    assert_eq!(fixture.found("a.*.c"), ["a.b.c"]);
    assert_eq!((little("a.*.c"), little("a.b.x")), (Some(1), Some(0)));
    (0..1_000).for_each(|n| fixture.create(&format!("a.d{n}.c")));
    fixture.grow_old();
    assert_eq!(fixture.found("a.*.c").len(), 1_001);
    assert_eq!((little("a.*.c"), little("a.d17*.c")), (None, Some(11)));
    assert_eq!(little("x;y=z"), None, "asks for a file");
}
