//! What every store must do, asked of the Whisper tree and of the store in memory alike.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::sync::LazyLock;

use carbon_line::{MetricName, Pattern};
use carbon_storage::{
    Fetch, FetchQuery, Find, FindQuery, Memory, NameTable, Node, NodeKind, Pending, Schemas, SeriesId, StorageError,
    StorageRules, Store, TreeOptions, WhisperTree, Window,
};
use whisper::{Allocation, CreateOptions, Interval, Point, Timestamp, Whisper};

const NOW: u32 = 1_700_000_000;

/// A store may keep what it knows of a series under its number, so each name has its own.
fn series(name: &MetricName) -> SeriesId {
    static NAMES: LazyLock<NameTable> = LazyLock::new(NameTable::new);
    NAMES.intern(name)
}

trait AnyStore: Store + Find + Fetch {}
impl<T: Store + Find + Fetch> AnyStore for T {}

fn memory() -> (tempfile::TempDir, Box<dyn AnyStore>) {
    (tempfile::tempdir().unwrap(), Box::new(Memory::new(Interval::from_secs(60).unwrap(), 3)))
}

fn tree() -> (tempfile::TempDir, Box<dyn AnyStore>) {
    let folder = tempfile::tempdir().unwrap();
    let tree = WhisperTree::open(&folder.path().join("tree"), StorageRules::default(), Allocation::Sparse).unwrap();
    (folder, Box::new(tree))
}

async fn write(store: &dyn AnyStore, name: &str, points: &[(u32, f64)]) {
    let points =
        points.iter().map(|(time, value)| Point { time: Timestamp::from_secs(*time), value: *value }).collect();
    let name = MetricName::parse(name).unwrap();
    let batch = [Pending { series: series(&name), name, points }];
    let report = store.write(&batch, Timestamp::from_secs(NOW)).await;
    assert!(report.refusals.is_empty(), "{:?}", report.refusals);
}

async fn find(store: &dyn AnyStore, pattern: &str) -> Vec<(String, NodeKind)> {
    let query = FindQuery { pattern: Pattern::parse(pattern).unwrap(), window: None };
    let mut found: Vec<Node> = store.find(&query).await.unwrap().value;
    found.sort();
    found.into_iter().map(|node| (node.path, node.kind)).collect()
}

async fn values(store: &dyn AnyStore, name: &str) -> Option<Vec<f64>> {
    let window = Window {
        from: Timestamp::from_secs(NOW - 240),
        until: Timestamp::from_secs(NOW),
        now: Timestamp::from_secs(NOW),
    };
    let query = FetchQuery { names: vec![MetricName::parse(name).unwrap()], window, max_points: None };
    store.fetch(&query).await.unwrap().value.pop().map(|series| series.values)
}

#[tokio::test]
async fn what_was_written_is_found_and_fetched() {
    for (_folder, store) in [tree(), memory()] {
        check_what_was_written(&*store).await;
    }
}

async fn check_what_was_written(store: &dyn AnyStore) {
    write(store, "a.b.c", &[(NOW - 60, 1.0), (NOW, 2.0)]).await;
    write(store, "a.b", &[(NOW, 3.0)]).await;
    write(store, "x", &[(NOW, 4.0)]).await;
    let leaf = |path: &str| (path.to_owned(), NodeKind::Leaf);
    let branch = |path: &str| (path.to_owned(), NodeKind::Branch);
    assert_eq!(find(store, "*").await, [branch("a"), leaf("x")]);
    assert_eq!(find(store, "a.*").await, [branch("a.b"), leaf("a.b")]);
    assert_eq!(find(store, "a.{b,x}.c").await, [leaf("a.b.c")]);
    assert_eq!(find(store, "**.c").await, [leaf("a.b.c")]);
    assert_eq!(find(store, "a.**").await, [branch("a.b"), leaf("a.b"), leaf("a.b.c")]);
    assert_eq!(find(store, "**.**.c").await, [leaf("a.b.c")]);
    assert_eq!(find(store, "nothing.*").await, []);
    let got = values(store, "a.b.c").await.unwrap();
    assert_eq!(got.iter().filter(|value| !value.is_nan()).copied().collect::<Vec<_>>(), [1.0, 2.0]);
    assert!(values(store, "a.nothing").await.is_none());
}

#[tokio::test]
async fn a_pattern_cannot_leave_the_tree() {
    let (folder, store) = tree();
    std::fs::create_dir(folder.path().join("tree/a")).unwrap();
    std::fs::create_dir_all(folder.path().join("secret/x")).unwrap();
    let secret = format!("{}/secret", folder.path().display());
    for pattern in ["/etc", "/etc.*", "a/.*", &secret, &format!("{secret}.*"), "{,a}.../secret.*", "a\0.*", "{,}.*"] {
        assert_eq!(find(&*store, pattern).await, [], "{pattern:?}");
    }
}

#[tokio::test]
async fn links_are_followed_but_not_in_circles() {
    let (folder, store) = tree();
    let root = folder.path().join("tree");
    write(&*store, "a.b.c", &[(NOW, 1.0)]).await;
    std::os::unix::fs::symlink(root.join("a"), root.join("alias")).unwrap();
    std::os::unix::fs::symlink(&root, root.join("a/b/up")).unwrap();
    let leaf = |path: &str| (path.to_owned(), NodeKind::Leaf);
    assert_eq!(find(&*store, "**.c").await, [leaf("a.b.c"), leaf("alias.b.c")]);
    assert_eq!(find(&*store, "alias.*.c").await, [leaf("alias.b.c")]);
}

#[tokio::test]
async fn a_damaged_file_fails_alone() {
    let (folder, store) = tree();
    write(&*store, "a.good", &[(NOW, 1.0)]).await;
    std::fs::write(folder.path().join("tree/a/bad.wsp"), b"no header").unwrap();
    let names = ["a.bad", "a.good"].map(|name| MetricName::parse(name).unwrap());
    let at = Timestamp::from_secs;
    let window = Window { from: at(NOW - 240), until: at(NOW), now: at(NOW) };
    let query = FetchQuery { names: names.to_vec(), window, max_points: None };
    let answer = store.fetch(&query).await.unwrap();
    assert_eq!(answer.value.iter().map(|series| &series.name).collect::<Vec<_>>(), [&names[1]]);
    assert_eq!(answer.failures.iter().map(|failure| failure.part.as_str()).collect::<Vec<_>>(), ["a.bad"]);

    let point = Point { time: at(NOW), value: 2.0 };
    let batch = names.map(|name| Pending { series: series(&name), name, points: vec![point] });
    let report = store.write(&batch, at(NOW)).await;
    let refused: Vec<_> = report.refusals.iter().map(|refusal| (refusal.index, refusal.retry)).collect();
    assert_eq!(refused, [(0, true)], "it has just changed and may be a copy under way; see tests/tools.rs");
}

#[tokio::test]
async fn a_part_that_is_away_is_told_and_the_rest_answers() {
    let store = Memory::new(Interval::from_secs(60).unwrap(), 3);
    write(&store, "a", &[(NOW, 1.0)]).await;
    write(&store, "bb", &[(NOW, 2.0)]).await;
    store.set_reachable(store.shard_of("a"), false);
    let query = FindQuery { pattern: Pattern::parse("*").unwrap(), window: None };
    let answer = store.find(&query).await.unwrap();
    assert_eq!((answer.value.len(), answer.failures.len()), (1, 1));
    let point = Point { time: Timestamp::from_secs(NOW), value: 3.0 };
    let batch = ["a", "bb"].map(|name| MetricName::parse(name).unwrap()).map(|name| Pending {
        series: series(&name),
        name,
        points: vec![point],
    });
    let report = store.write(&batch, Timestamp::from_secs(NOW)).await;
    assert_eq!(report.refusals.iter().map(|refusal| (refusal.index, refusal.retry)).collect::<Vec<_>>(), [(0, true)]);
}

/// Files opened for each write, and files kept open.
const WAYS: [TreeOptions; 2] = [
    TreeOptions {
        allocation: Allocation::Sparse,
        descriptors: 0,
        tips: 1 << 20,
        pages: 64 << 20,
        quarantine: None,
        tag_hash_filenames: true,
    },
    TreeOptions {
        allocation: Allocation::Sparse,
        descriptors: 64,
        tips: 1 << 20,
        pages: 64 << 20,
        quarantine: None,
        tag_hash_filenames: true,
    },
];

#[test]
fn a_migration_under_load_loses_no_point() {
    WAYS.into_iter().for_each(migrate_under_load);
}

fn migrate_under_load(options: TreeOptions) {
    const POINTS: u32 = 500;
    let folder = tempfile::tempdir().unwrap();
    let schemas = Schemas::parse("[all]\npattern = .*\nretentions = 1s:4000\n").unwrap();
    let rules = StorageRules { schemas, ..StorageRules::default() };
    let tree = WhisperTree::open(folder.path(), rules, options).unwrap();
    let layouts = ["1s:8000", "1s:4000,10s:1000"].map(|list| CreateOptions::new(list.parse().unwrap()));
    let (path, now) = (folder.path().join("a/b.wsp"), Timestamp::from_secs(NOW));
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(write(&tree, "a.b", &[(NOW - POINTS, 0.0)]));
    let writing = std::sync::atomic::AtomicBool::new(true);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut layouts = layouts.iter().cycle();
            while writing.load(std::sync::atomic::Ordering::Relaxed) {
                Whisper::migrate(&path, layouts.next().unwrap(), now).unwrap();
            }
        });
        // A file that is replaced at every look is refused for now, as it may be; the points then wait in the cache.
        let write = |age: u32| {
            let name = MetricName::parse("a.b").unwrap();
            let point = Point { time: Timestamp::from_secs(NOW - age), value: f64::from(age) };
            let batch = [Pending { series: series(&name), name, points: vec![point] }];
            let report = runtime.block_on(tree.write(&batch, now));
            report.refusals.first().map(|refusal| refusal.retry)
        };
        let refused_for_good = (0..POINTS).rev().any(|age| {
            loop {
                match write(age) {
                    Some(true) => {}
                    other => break other.is_some(),
                }
            }
        });
        writing.store(false, std::sync::atomic::Ordering::Relaxed);
        assert!(!refused_for_good);
    });
    let kept = Whisper::open_read_only(&path).unwrap();
    let from = Timestamp::from_secs(NOW - POINTS - 1);
    let known = kept.fetch(from, now, now).unwrap().unwrap().values.iter().flatten().count();
    assert_eq!(known, POINTS as usize + 1);
}

/// Whether a thread of this process waits for a lock that another holds.
fn somebody_waits_for_a_lock() -> bool {
    let locks = std::fs::read_to_string("/proc/locks").unwrap();
    let us = format!(" {} ", std::process::id());
    locks.lines().any(|line| line.contains("-> FLOCK") && line.contains(&us))
}

#[test]
fn a_write_that_waited_for_a_tool_goes_into_the_file_that_the_tool_left() {
    let folder = tempfile::tempdir().unwrap();
    let tree = WhisperTree::open(folder.path(), StorageRules::default(), Allocation::Sparse).unwrap();
    let path = folder.path().join("x.wsp");
    let layout = CreateOptions::new("60s:1d".parse().unwrap());
    Whisper::create(&path, &layout).unwrap();
    let tool = Whisper::open_locked(&path).unwrap();
    std::thread::scope(|scope| {
        let writer = scope.spawn(|| {
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(write(&tree, "x", &[(NOW, 7.0)]));
        });
        let deadline = std::time::Instant::now() + std::time::Duration::from_secs(30);
        while !somebody_waits_for_a_lock() && std::time::Instant::now() < deadline {
            assert!(!writer.is_finished(), "the write did not wait");
            std::thread::yield_now();
        }
        Whisper::create_or_replace(&path, &layout).unwrap();
        drop(tool);
        writer.join().unwrap();
    });
    let now = Timestamp::from_secs(NOW);
    let left = Whisper::open_read_only(&path).unwrap();
    let values = left.fetch(Timestamp::from_secs(NOW - 60), now, now).unwrap().unwrap().values;
    assert_eq!(values.into_iter().flatten().collect::<Vec<_>>(), [7.0]);
}

#[tokio::test]
async fn points_that_no_archive_has_a_slot_for_are_counted_and_harm_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let schemas = Schemas::parse("[all]\npattern = .*\nretentions = 60s:10m,5m:1h\n").unwrap();
    let rules = StorageRules { schemas, ..StorageRules::default() };
    let tree = WhisperTree::open(folder.path(), rules, Allocation::Sparse).unwrap();
    let name = MetricName::parse("a").unwrap();
    let write = async |times: &[i64]| {
        let time = |age: &i64| Timestamp::saturating_from(i64::from(NOW) + age);
        let points = times.iter().map(|age| Point { time: time(age), value: *age as f64 }).collect();
        let batch = [Pending { series: series(&name), name: name.clone(), points }];
        let report = tree.write(&batch, Timestamp::from_secs(NOW)).await;
        assert!(report.refusals.is_empty());
        report.out_of_range
    };
    assert_eq!(write(&[-180, -120, -60, 0]).await, 0);
    assert_eq!(write(&[-7_200, -3_600, 150, 151, 300, 31_536_000]).await, 5, "a quarter of ten minutes lies open");
    let known = values(&tree, "a").await.unwrap();
    assert_eq!(known.into_iter().filter(|value| !value.is_nan()).collect::<Vec<_>>(), [-180.0, -120.0, -60.0, 0.0]);
}

#[tokio::test]
async fn series_beyond_the_limit_are_refused_for_now_and_known_ones_never() {
    let folder = tempfile::tempdir().unwrap();
    let tree = WhisperTree::open(folder.path(), StorageRules::default(), Allocation::Sparse).unwrap();
    let batch: Vec<Pending> = (0..5)
        .map(|number| {
            let name = MetricName::parse(&format!("limited.a{number}")).unwrap();
            let points = vec![Point { time: Timestamp::from_secs(NOW), value: 1.0 }];
            Pending { series: series(&name), name, points }
        })
        .collect();
    let write = async || tree.write(&batch, Timestamp::from_secs(NOW)).await;
    tree.limit_creates(2);
    for created in [2, 0] {
        let report = write().await;
        assert_eq!(report.created, created);
        let refused: Vec<_> = report.refusals.iter().map(|refusal| (refusal.index, refusal.retry)).collect();
        assert_eq!(refused, [(2, true), (3, true), (4, true)]);
        assert!(matches!(report.refusals[0].error, StorageError::CreateLimit { per_minute: 2 }));
    }
    tree.lift_limits();
    assert_eq!(write().await.created, 3);
}

#[tokio::test]
async fn changed_schemas_reach_files_that_are_there_and_nothing_else_changes() {
    let folder = tempfile::tempdir().unwrap();
    let rules = |list: &str| {
        let schemas = Schemas::parse(&format!("[mine]\npattern = ^mine\nretentions = {list}\n")).unwrap();
        StorageRules { schemas, ..StorageRules::default() }
    };
    let tree = WhisperTree::open(folder.path(), rules("60s:1h"), Allocation::Sparse).unwrap();
    for name in ["mine.a", "other.b"] {
        write(&tree, name, &[(NOW - 60, 1.0), (NOW, 2.0)]).await;
    }
    let path = folder.path().join("mine/a.wsp");
    Whisper::open(&path).unwrap().set_aggregation_method(whisper::AggregationMethod::Max).unwrap();
    tree.set_rules(rules("60s:2h,5m:1d"));
    let migrate = |name: &str| tree.migrate(&MetricName::parse(name).unwrap(), Timestamp::from_secs(NOW)).unwrap();
    assert!(migrate("mine.a"));
    assert!(!migrate("mine.a") && !migrate("mine.absent"));
    assert!(!migrate("other.b"), "no section speaks of it");
    write(&tree, "mine.a", &[(NOW - 120, 3.0)]).await;
    let file = Whisper::open_read_only(&path).unwrap();
    assert_eq!(file.header().retentions().unwrap(), "60s:2h,5m:1d".parse().unwrap());
    assert_eq!(file.header().method, whisper::AggregationMethod::Max);
    let known = values(&tree, "mine.a").await.unwrap();
    assert_eq!(known.into_iter().filter(|value| !value.is_nan()).collect::<Vec<_>>(), [3.0, 1.0, 2.0]);
}
