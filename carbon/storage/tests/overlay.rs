//! Whatever part of a history waits in the cache, the answer is the one that the files give once all is written.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use carbon_line::MetricName;
use carbon_storage::memory::matching_nodes;
use carbon_storage::{
    AggregationRules, Answer, Fetch, FetchQuery, Find, FindQuery, Node, NodeKind, Overlay, Partial, Pending, Recent,
    Schemas, SeriesId, StorageError, StorageRules, Store, TreeOptions, WhisperTree, Window,
};
use proptest::prelude::*;
use whisper::{Allocation, Point, Timestamp};

const NOW: u32 = 1_700_000_123;
const NAME: &str = "a.b";

/// A cache that holds what it is given; `None` is a cache that does not answer.
struct Waiting(Option<BTreeMap<MetricName, Vec<Point>>>);

impl Waiting {
    fn held(&self) -> Result<&BTreeMap<MetricName, Vec<Point>>, StorageError> {
        self.0.as_ref().ok_or(StorageError::WorkerLost)
    }
}

impl Recent for Waiting {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Vec<Node>, StorageError>> {
        Box::pin(async { Ok(matching_nodes(&query.pattern, self.held()?.keys().map(MetricName::as_str))) })
    }

    fn points<'a>(&'a self, names: &'a [MetricName]) -> Answer<'a, Result<Vec<Vec<Point>>, StorageError>> {
        Box::pin(async {
            let held = self.held()?;
            Ok(names.iter().map(|name| held.get(name).cloned().unwrap_or_default()).collect())
        })
    }
}

const RETENTIONS: &str = "5s:10m,30s:30m,120s:2h";

fn rules(retentions: &str, method: &str) -> StorageRules {
    let schemas = Schemas::parse(&format!("[all]\npattern = .*\nretentions = {retentions}\n")).unwrap();
    let aggregation = format!("[all]\npattern = .*\naggregationMethod = {method}\nxFilesFactor = 0.3\n");
    StorageRules { schemas, aggregation: AggregationRules::parse(&aggregation).unwrap() }
}

fn tree(root: &Path) -> WhisperTree {
    WhisperTree::open(root, rules(RETENTIONS, "average"), Allocation::Sparse).unwrap()
}

fn overlay(tree: &WhisperTree, waiting: Waiting) -> Overlay {
    let (find, fetch, rules) = (Arc::new(tree.clone()), Arc::new(tree.clone()), tree.rules());
    Overlay::new(find, fetch, Arc::new(waiting), Arc::new(move |name| rules.layout(name)))
}

async fn write(tree: &WhisperTree, points: &[Point]) {
    write_as(tree, NAME, points).await;
}

async fn write_as(tree: &WhisperTree, name: &str, points: &[Point]) {
    // A number of its own for each name of the tests below.
    let series = SeriesId::new(name.bytes().map(u32::from).sum());
    let batch = [Pending { series, name: MetricName::parse(name).unwrap(), points: points.to_vec() }];
    assert!(tree.write(&batch, Timestamp::from_secs(NOW)).await.refusals.is_empty());
}

fn window(age: u32) -> Window {
    let at = Timestamp::from_secs;
    Window { from: at(NOW - age), until: at(NOW), now: at(NOW) }
}

async fn fetch(from: &dyn Fetch, age: u32) -> Partial<Vec<(u32, u32, Vec<u64>)>> {
    let query = FetchQuery { names: vec![MetricName::parse(NAME).unwrap()], window: window(age), max_points: None };
    let answer = from.fetch(&query).await.unwrap();
    let bits = |values: Vec<f64>| values.into_iter().map(f64::to_bits).collect();
    let series = answer.value.into_iter().map(|series| (series.start.secs(), series.step.secs(), bits(series.values)));
    Partial { value: series.collect(), failures: answer.failures }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn a_waiting_point_reads_as_if_it_were_written(
        ages in prop::collection::btree_map(0_u32..595, -100_i32..100, 1..120),
        written in 0_usize..120,
        age in 1_u32..7_000,
    ) {
        let points: Vec<Point> = ages.iter().rev().map(|(age, value)| Point {
            time: Timestamp::from_secs(NOW - age),
            value: f64::from(*value),
        }).collect();
        let (stored, waiting) = points.split_at(written.min(points.len()));
        let folder = tempfile::tempdir().unwrap();
        let (half, whole) = (tree(&folder.path().join("half")), tree(&folder.path().join("whole")));
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            if !stored.is_empty() {
                write(&half, stored).await;
                write(&whole, stored).await;
            }
            if !waiting.is_empty() {
                write(&whole, waiting).await;
            }
            let held = BTreeMap::from([(MetricName::parse(NAME).unwrap(), waiting.to_vec())]);
            let (seen, expected) = (fetch(&overlay(&half, Waiting(Some(held))), age).await, fetch(&whole, age).await);
            prop_assert_eq!(seen.value, expected.value);
            Ok(())
        })?;
    }
}

fn points_of(ages: &BTreeMap<u32, i32>) -> Vec<Point> {
    let point = |(age, value): (&u32, &i32)| Point { time: Timestamp::from_secs(NOW - age), value: f64::from(*value) };
    ages.iter().rev().map(point).collect()
}

/// What every slot of an answer holds, by name and time.
async fn slots(from: &dyn Fetch, names: &[MetricName], age: u32) -> BTreeMap<(String, u32), u64> {
    let query = FetchQuery { names: names.to_vec(), window: window(age), max_points: None };
    let answer = from.fetch(&query).await.unwrap().value;
    let slots = answer.iter().flat_map(|series| {
        let times = (0..).map(|index| series.start.secs() + index * series.step.secs());
        times.zip(&series.values).map(|(time, value)| ((series.name.to_string(), time), value.to_bits()))
    });
    slots.collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    /// Points of all ages for files of several layouts, none of which is that of today's rules.
    #[test]
    fn waiting_points_are_aggregated_as_each_file_does_it(
        histories in prop::collection::vec((
            prop::collection::btree_map(0_u32..7_100, -100_i32..100, 1..80),
            prop::collection::btree_map(0_u32..7_100, -100_i32..100, 0..80),
            0_usize..3,
        ), 1..5),
        age in 1_u32..7_000,
    ) {
        let folder = tempfile::tempdir().unwrap();
        let (half, whole) = (folder.path().join("half"), folder.path().join("whole"));
        let layouts = [("5s:10m,60s:2h", "sum"), ("10s:10m,20s:30m,120s:2h", "max"), (RETENTIONS, "last")];
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let (mut names, mut held) = (Vec::new(), BTreeMap::new());
            for (index, (stored, waiting, layout)) in histories.iter().enumerate() {
                let name = format!("a.b{index}");
                let (retentions, method) = layouts[*layout];
                for root in [&half, &whole] {
                    let tree = WhisperTree::open(root, rules(retentions, method), Allocation::Sparse).unwrap();
                    write_as(&tree, &name, &points_of(stored)).await;
                }
                if !waiting.is_empty() {
                    write_as(&tree(&whole), &name, &points_of(waiting)).await;
                }
                names.push(MetricName::parse(&name).unwrap());
                held.insert(MetricName::parse(&name).unwrap(), points_of(waiting));
            }
            let seen = slots(&overlay(&tree(&half), Waiting(Some(held))), &names, age).await;
            let expected = slots(&tree(&whole), &names, age).await;
            // The slot that the reach of the finest archive ends in has values of two archives.
            let edge = |time: &u32| (NOW - 600 - 120..=NOW - 600).contains(time);
            let away = |slots: BTreeMap<(String, u32), u64>| -> Vec<_> {
                slots.into_iter().filter(|((_, time), _)| !edge(time)).collect()
            };
            prop_assert_eq!(away(seen), away(expected));
            Ok(())
        })?;
    }
}

#[tokio::test]
async fn a_name_without_a_file_is_found_while_it_waits() {
    let folder = tempfile::tempdir().unwrap();
    let held = BTreeMap::from([(MetricName::parse("x.y.z").unwrap(), Vec::new())]);
    let overlay = overlay(&tree(folder.path()), Waiting(Some(held)));
    let find = |pattern: &str| FindQuery { pattern: carbon_line::Pattern::parse(pattern).unwrap(), window: None };
    let node = |path: &str, kind| Node { path: path.into(), kind };
    assert_eq!(Find::find(&overlay, &find("x.*")).await.unwrap().value, [node("x.y", NodeKind::Branch)]);
    assert_eq!(Find::find(&overlay, &find("x.*.z")).await.unwrap().value, [node("x.y.z", NodeKind::Leaf)]);
}

#[tokio::test]
async fn a_tagged_series_is_found_by_its_whole_name_in_files_and_in_the_cache() {
    let folder = tempfile::tempdir().unwrap();
    let tree = tree(folder.path());
    write_as(&tree, "x.y;b=/var;a=1", &[Point { time: Timestamp::from_secs(NOW - 60), value: 1.0 }]).await;
    let held = BTreeMap::from([(MetricName::parse("x.z;c=3").unwrap(), Vec::new())]);
    let overlay = overlay(&tree, Waiting(Some(held)));
    let find = async |pattern: &str| {
        let query = FindQuery { pattern: carbon_line::Pattern::parse(pattern).unwrap(), window: None };
        Find::find(&overlay, &query).await.unwrap().value
    };
    let leaf = |path: &str| vec![Node { path: path.into(), kind: NodeKind::Leaf }];
    assert_eq!(find("x.y;b=/var;a=1").await, leaf("x.y;a=1;b=/var"));
    assert_eq!(find("x.z;c=3").await, leaf("x.z;c=3"));
    for pattern in ["x.y;a=1", "x.y;a=1;b=/etc", "*", "x.*", "**"] {
        assert_eq!(find(pattern).await, [], "{pattern}");
    }
}

#[tokio::test]
async fn a_tagged_file_named_in_words_is_read_and_goes_on_under_its_hash() {
    let folder = tempfile::tempdir().unwrap();
    let point = |ago: u32| Point { time: Timestamp::from_secs(NOW - ago), value: f64::from(ago) };
    let name = "x.y;a=1";
    write_as(&tree(folder.path()), name, &[point(60)]).await;
    let file = |path: String| folder.path().join(path + ".wsp");
    let hashed = file(carbon_line::tags::hashed_path(name));
    let readable = file(carbon_line::tags::readable_path(name).unwrap());
    std::fs::rename(&hashed, &readable).unwrap();
    let tree = tree(folder.path());
    let known = async || {
        let window = Window { from: time(300), until: time(0), now: time(0) };
        let query = FetchQuery { names: vec![MetricName::parse(name).unwrap()], window, max_points: None };
        let found = Fetch::fetch(&tree, &query).await.unwrap().value;
        found[0].values.iter().filter(|value| !value.is_nan()).count()
    };
    let query = FindQuery { pattern: carbon_line::Pattern::parse(name).unwrap(), window: None };
    assert_eq!(Find::find(&tree, &query).await.unwrap().value.len(), 1);
    assert_eq!(known().await, 1);
    assert_eq!(tree.tagged_names(), [MetricName::parse(name).unwrap()]);
    write_as(&tree, name, &[point(50)]).await;
    assert!(hashed.exists() && !readable.exists());
    assert_eq!(tree.tagged_names(), []);
    assert_eq!(known().await, 2);
}

#[tokio::test]
async fn a_tagged_file_named_by_its_hash_goes_on_in_words_where_that_is_wished() {
    let folder = tempfile::tempdir().unwrap();
    let name = "x.y;a=1";
    let point = |ago: u32| Point { time: time(ago), value: f64::from(ago) };
    write_as(&tree(folder.path()), name, &[point(60)]).await;
    let options = TreeOptions { tag_hash_filenames: false, ..TreeOptions::from(Allocation::Sparse) };
    let in_words = WhisperTree::open(folder.path(), StorageRules::default(), options).unwrap();
    let find = FindQuery { pattern: carbon_line::Pattern::parse(name).unwrap(), window: None };
    assert_eq!(Find::find(&in_words, &find).await.unwrap().value.len(), 1);
    write_as(&in_words, name, &[point(0)]).await;
    let file = |path: String| folder.path().join(path + ".wsp");
    assert!(!file(carbon_line::tags::hashed_path(name)).exists());
    assert!(file(carbon_line::tags::readable_path(name).unwrap()).exists());
    let window = Window { from: time(300), until: time(0), now: time(0) };
    let query = FetchQuery { names: vec![MetricName::parse(name).unwrap()], window, max_points: None };
    for tree in [in_words, tree(folder.path())] {
        let found = Fetch::fetch(&tree, &query).await.unwrap().value;
        assert_eq!(found[0].values.iter().filter(|value| !value.is_nan()).count(), 2);
        assert_eq!(Find::find(&tree, &find).await.unwrap().value.len(), 1);
    }
}

fn time(ago: u32) -> Timestamp {
    Timestamp::from_secs(NOW - ago)
}

#[tokio::test]
async fn a_cache_that_is_away_is_a_failure_in_part() {
    let folder = tempfile::tempdir().unwrap();
    let tree = tree(folder.path());
    write(&tree, &[Point { time: Timestamp::from_secs(NOW - 60), value: 1.0 }]).await;
    let answer = fetch(&overlay(&tree, Waiting(None)), 300).await;
    assert_eq!((answer.value.len(), answer.failures[0].part.as_str()), (1, "cache"));
}
