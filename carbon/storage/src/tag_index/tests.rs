use regex::Regex;

use super::*;
use crate::ValueTest;

const SERIES: [&str; 4] =
    ["disk;dc=a;server=w1", "disk;dc=b;server=w2", "cpu;dc=a;rack=1;server=w1", "cpu;dc=b;server=w3"];

fn name(text: &str) -> MetricName {
    MetricName::parse(text).unwrap()
}

async fn index() -> TagIndex {
    let index = TagIndex::new(None, usize::MAX);
    index.add(&SERIES.map(name)).await.unwrap();
    index
}

fn expression(text: &str) -> TagExpression {
    let at = text.find(['=', '!']).unwrap();
    let (tag, rest) = text.split_at(at);
    let (negated, rest) = (rest.starts_with('!'), rest.trim_start_matches(['!', '=']));
    let test = match rest.strip_prefix('~') {
        Some(regex) => ValueTest::Matches(Regex::new(&format!("^({regex})")).unwrap()),
        None => ValueTest::Equals(rest.to_owned()),
    };
    TagExpression { tag: tag.to_owned(), negated, test }
}

fn expressions(texts: &[&str]) -> Vec<TagExpression> {
    texts.iter().map(|text| expression(text)).collect()
}

#[tokio::test]
async fn series_are_found_by_all_kinds_of_expressions() {
    let index = index().await;
    for (wanted, expected) in [
        (&["name=disk"][..], &[0, 1][..]),
        (&["dc=a"], &[2, 0]),
        (&["dc=a", "name!=cpu"], &[0]),
        (&["server=~w[12]"], &[2, 0, 1]),
        (&["server=~w", "server!=~.*[13]$"], &[1]),
        (&["rack!="], &[2]),
        (&["dc=a", "rack="], &[0]),
        (&["dc=~a|b", "rack=~(1|)$"], &[2, 3, 0, 1]),
        (&["dc=c"], &[]),
        (&["nosuch=x"], &[]),
        (&["name=cpu", "nosuch!=x"], &[2, 3]),
        (&["name=cpu", "nosuch!=~x"], &[2, 3]),
    ] {
        let found = index.series(&expressions(wanted), 10).await.unwrap().unwrap();
        let expected: Vec<MetricName> = expected.iter().map(|at: &usize| name(SERIES[*at])).collect();
        assert_eq!(found, expected, "{wanted:?}");
    }
    assert_eq!(index.series(&expressions(&["dc=a"]), 1).await.unwrap(), None);
}

#[tokio::test]
async fn tags_and_values_are_listed_with_counts() {
    let index = index().await;
    let tags = async |query: TagQuery| -> Vec<String> {
        index.tags(&query).await.unwrap().into_iter().map(|entry| entry.tag).collect()
    };
    assert_eq!(tags(TagQuery::default()).await, ["dc", "name", "rack", "server"]);
    let wanted = expressions(&["name=disk"]);
    let query = TagQuery { wanted, without: vec!["name".to_owned()], ..TagQuery::default() };
    assert_eq!(tags(query.clone()).await, ["dc", "server"]);
    assert_eq!(tags(TagQuery { prefix: "s".to_owned(), ..query.clone() }).await, ["server"]);
    assert_eq!(tags(TagQuery { limit: Some(1), ..query.clone() }).await, ["dc"]);
    let values: Vec<(String, usize)> = index
        .values("server", &TagQuery::default())
        .await
        .unwrap()
        .into_iter()
        .map(|entry| (entry.value, entry.count))
        .collect();
    assert_eq!(values, [("w1".to_owned(), 2), ("w2".to_owned(), 1), ("w3".to_owned(), 1)]);
    assert_eq!(index.values("rack", &query).await.unwrap(), []);
}

#[tokio::test]
async fn what_is_taken_out_is_gone_and_its_place_is_used_again() {
    let index = index().await;
    let before = index.bytes();
    for _ in 0..10 {
        index.remove(&[name(SERIES[2]), name("nosuch;a=b")]).await.unwrap();
        assert_eq!(index.series(&expressions(&["rack!="]), 10).await.unwrap().unwrap(), []);
        let tags = index.tags(&TagQuery::default()).await.unwrap();
        assert!(tags.iter().all(|entry| entry.tag != "rack"));
        index.add(&[name(SERIES[2])]).await.unwrap();
        assert_eq!(index.series(&expressions(&["dc=a"]), 10).await.unwrap().unwrap().len(), 2);
    }
    assert_eq!((index.len(), index.bytes()), (4, before));
}

#[tokio::test]
async fn names_that_carbon_meets_are_found_at_once() {
    let table = Arc::new(NameTable::new());
    let index = TagIndex::new(Some(Arc::clone(&table)), 0);
    for n in 0..AT_ONCE + 10 {
        table.intern(&name(&format!("a;n={n}")));
        table.intern(&name(&format!("a.b{n}")));
    }
    table.intern(&name("a;b"));
    assert_eq!(index.series(&expressions(&["name=a"]), usize::MAX).await.unwrap().unwrap().len(), AT_ONCE + 10);
    table.intern(&name("late;n=1"));
    assert_eq!(index.series(&expressions(&["name=late"]), 1).await.unwrap().unwrap().len(), 1);
    assert!(index.add(&[name("b;c=d")]).await.is_err(), "clients add no more than fits");
    assert!(index.add(&[name("late;n=1")]).await.is_ok(), "what is there is there");
}

#[tokio::test]
async fn the_list_survives_restarts_and_a_line_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tags.index");
    let open = || TagIndex::open(&path, None, usize::MAX).unwrap();
    let text = || std::fs::read_to_string(&path).unwrap();
    let follower = TagIndex::follow(&path);
    assert_eq!(follower.tags(&TagQuery::default()).await.unwrap(), []);
    let index = open();
    index.add(&SERIES.map(name)).await.unwrap();
    index.save().unwrap();
    index.save().unwrap();
    assert_eq!(text(), SERIES.join("\n") + "\n");
    assert_eq!(follower.series(&expressions(&["dc=a"]), 9).await.unwrap().unwrap().len(), 2);

    std::fs::write(&path, text() + "cut;sh").unwrap();
    let index = open();
    assert_eq!(index.len(), SERIES.len());
    index.add(&[name("new;dc=a")]).await.unwrap();
    index.save().unwrap();
    assert_eq!(text(), SERIES.join("\n") + "\nnew;dc=a\n");
    assert_eq!(follower.series(&expressions(&["dc=a"]), 9).await.unwrap().unwrap().len(), 3);

    index.remove(&[name(SERIES[0])]).await.unwrap();
    index.save().unwrap();
    assert_eq!(text(), format!("{}\nnew;dc=a\n\t{}\n", SERIES.join("\n"), SERIES[0]));
    assert_eq!(follower.series(&expressions(&["dc=a"]), 9).await.unwrap().unwrap().len(), 2);
    assert!(follower.add(&[name("x;y=z")]).await.is_err());
    assert!(follower.remove(&[name("x;y=z")]).await.is_err());
    index.add(&[name("newer;dc=a")]).await.unwrap();
    index.save().unwrap();
    assert_eq!(open().len(), 5);

    let successor = open();
    index.add(&[name("last;dc=a")]).await.unwrap();
    index.save().unwrap();
    successor.add(&[name("next;dc=a")]).await.unwrap();
    successor.save().unwrap();
    assert_eq!(open().len(), 7, "what a predecessor writes late stays");
    std::fs::remove_file(&path).unwrap();
    successor.save().unwrap();
    assert_eq!(open().len(), 7, "a list that was removed is written again");
}

#[test]
fn nobody_waits_until_all_of_a_flood_is_entered() {
    let table = Arc::new(NameTable::new());
    let index = TagIndex::new(Some(table.clone()), usize::MAX);
    assert!(!index.is_behind());
    (0..2 * AT_ONCE).for_each(|n| _ = table.intern(&name(&format!("a;n={n}"))));
    index.catch_up_by(1);
    assert_eq!((index.len(), index.is_behind()), (AT_ONCE, true));
    index.catch_up();
    assert_eq!((index.len(), index.is_behind()), (2 * AT_ONCE, false));
}

/// Tells of one series, for ever.
struct Holds(SeriesId, std::sync::atomic::AtomicBool);

impl Waiting for Holds {
    fn retain_waiting(&self, series: &mut Vec<SeriesId>) {
        series.retain(|id| *id == self.0 && self.1.load(std::sync::atomic::Ordering::Relaxed));
    }
}

#[tokio::test]
async fn what_was_taken_out_stays_out_until_it_has_new_points() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tags.index");
    let open = || {
        let table = Arc::new(NameTable::new());
        let id = table.intern(&name("a;b=c"));
        (TagIndex::open(&path, Some(table), usize::MAX).unwrap(), Arc::new(Holds(id, true.into())))
    };
    let (index, _) = open();
    index.save().unwrap();
    assert_eq!(index.len(), 1);
    index.remove(&[name("a;b=c")]).await.unwrap();
    index.save().unwrap();
    // Carbon's table remembers the name over restarts.
    let (index, cache) = open();
    index.watch(cache.clone());
    index.save().unwrap();
    assert_eq!(index.len(), 0, "these points may be older than the order to take it out");
    for waits in [false, true] {
        cache.1.store(waits, std::sync::atomic::Ordering::Relaxed);
        index.save().unwrap();
        assert_eq!(index.len(), usize::from(waits));
    }
    assert_eq!(open().0.len(), 1);
}

#[tokio::test]
async fn what_was_forgotten_with_its_points_comes_back_with_whatever_waits() {
    let table = Arc::new(NameTable::new());
    let id = table.intern(&name("a;b=c"));
    let index = TagIndex::new(Some(table), usize::MAX);
    let cache = Arc::new(Holds(id, false.into()));
    index.watch(cache.clone());
    index.forget(&[name("a;b=c")]).await.unwrap();
    index.save().unwrap();
    assert_eq!(index.len(), 0);
    // Here nobody has looked in between.
    index.add(&[name("a;b=c")]).await.unwrap();
    index.forget(&[name("a;b=c")]).await.unwrap();
    cache.1.store(true, std::sync::atomic::Ordering::Relaxed);
    index.save().unwrap();
    assert_eq!(index.len(), 1);
}

#[test]
fn a_list_of_lines_without_meaning_is_written_anew() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("tags.index");
    let text: String = (0..2_000).map(|n| if n % 2 == 0 { "a;b=c\n" } else { "\ta;b=c\n" }).collect();
    std::fs::write(&path, text + "a;b=c\nd;e=f\n\td;e=f\n").unwrap();
    let index = TagIndex::open(&path, None, usize::MAX).unwrap();
    index.save().unwrap();
    assert_eq!(std::fs::read_to_string(&path).unwrap(), "a;b=c\n\td;e=f\n");
}

/// Says of these that they hold points.
struct Holding(Mutex<Vec<SeriesId>>);

impl Waiting for Holding {
    fn retain_waiting(&self, series: &mut Vec<SeriesId>) {
        let held = self.0.lock().unwrap();
        series.retain(|id| held.contains(id));
    }
}

#[tokio::test]
async fn series_go_when_their_archives_have_long_been_gone() {
    use std::time::{Duration, Instant};

    let names = Arc::new(NameTable::new());
    let ids: Vec<SeriesId> = SERIES.iter().map(|series| names.intern(&name(series))).collect();
    let index = TagIndex::new(Some(names), usize::MAX);
    let (mut expiry, begun) = (Expiry::new(Duration::from_secs(60)), Instant::now());
    let at = |secs| begun + Duration::from_secs(secs);
    index.catch_up();
    let holding = Arc::new(Holding(Mutex::new(vec![ids[1]])));
    let mut round = |index: &TagIndex, stored: &[&str], secs| loop {
        let is_stored = |name: &MetricName| stored.contains(&name.as_str());
        if let Some(forgotten) = index.expire(&mut expiry, &is_stored, at(secs)) {
            return forgotten;
        }
    };
    assert!(round(&index, &SERIES[..1], 0).is_empty() && round(&index, &SERIES[..1], 99).is_empty(), "who knows");
    index.watch(Arc::clone(&holding) as Arc<dyn Waiting>);
    assert!(round(&index, &SERIES[..1], 100).is_empty() && round(&index, &SERIES[..1], 159).is_empty());
    assert!(round(&index, &[], 160).is_empty(), "the disk is away");
    assert!(round(&index, &SERIES[..3], 161) == [name(SERIES[3])], "one waits, and one is back");
    assert_eq!(index.len(), 3);
    assert!(round(&index, &SERIES[..1], 162).is_empty());
    holding.0.lock().unwrap().clear();
    assert!(round(&index, &SERIES[..1], 200).is_empty());
    assert_eq!(round(&index, &SERIES[..1], 260), [name(SERIES[1]), name(SERIES[2])]);
    assert_eq!(index.len(), 1);
}
