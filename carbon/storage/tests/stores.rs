//! What every store must do, asked of the Whisper tree and of the store in memory alike.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use carbon_line::{MetricName, Pattern};
use carbon_storage::{
    Fetch, FetchQuery, Find, FindQuery, Memory, Node, NodeKind, Pending, StorageRules, Store, WhisperTree, Window,
};
use whisper::{Allocation, Interval, Point, Timestamp};

const NOW: u32 = 1_700_000_000;

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
    let batch = [Pending { name: MetricName::parse(name).unwrap(), points }];
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
    assert_eq!(find(store, "nothing.*").await, []);
    let got = values(store, "a.b.c").await.unwrap();
    assert_eq!(got.iter().filter(|value| !value.is_nan()).copied().collect::<Vec<_>>(), [1.0, 2.0]);
    assert!(values(store, "a.nothing").await.is_none());
}
