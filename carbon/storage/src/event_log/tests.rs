use super::*;
use crate::TagSet;

fn event(when: i64, what: &str, tags: &str) -> NewEvent {
    NewEvent { when, what: what.to_owned(), tags: tags.to_owned(), data: "a\tb\\n\r\n".to_owned() }
}

fn all() -> EventQuery {
    EventQuery { from: i64::MIN, until: i64::MAX, tags: None, set: TagSet::All }
}

fn tagged(tags: &str, set: TagSet) -> EventQuery {
    EventQuery { tags: Some(tags.split(' ').map(str::to_owned).collect()), set, ..all() }
}

async fn ids(log: &EventLog, query: &EventQuery) -> Vec<u64> {
    log.find(query).await.unwrap().iter().map(|event| event.id).collect()
}

async fn filled(log: &EventLog) {
    for (when, tags) in [(50, "deploy web"), (53, "deploy db"), (50, "maintenance db"), (7, "deploy"), (70, "")] {
        log.add(event(when, "x", tags)).await.unwrap();
    }
}

#[tokio::test]
async fn events_are_chosen_by_time_and_tags() {
    let log = EventLog::in_memory();
    filled(&log).await;
    for (query, expected) in [
        (all(), &[4, 1, 3, 2, 5][..]),
        (EventQuery { from: 50, until: 53, ..all() }, &[1, 3, 2]),
        (tagged("deploy", TagSet::All), &[4, 1, 2]),
        (tagged("deploy db", TagSet::All), &[2]),
        (tagged("deploy nosuch", TagSet::All), &[4, 1, 2]),
        (tagged("nosuch", TagSet::All), &[]),
        (tagged("", TagSet::All), &[]),
        (tagged("web db nosuch", TagSet::Any), &[1, 3, 2]),
        (tagged("deploy nosuch", TagSet::Strictly), &[]),
        (tagged("deploy web", TagSet::Strictly), &[1]),
    ] {
        assert_eq!(ids(&log, &query).await, expected, "{query:?}");
    }
    assert_eq!(log.one(3).await.unwrap().unwrap().told.tags, "maintenance db");
    assert_eq!(log.one(9).await.unwrap(), None);
}

#[tokio::test]
async fn events_survive_a_restart_and_a_line_cut_short() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.log");
    let log = EventLog::open(&path).unwrap();
    filled(&log).await;
    let before = log.find(&all()).await.unwrap();
    drop(log);
    let mut text = fs::read_to_string(&path).unwrap();
    text.push_str("no event\n6\t5\tcut");
    fs::write(&path, text).unwrap();
    let log = EventLog::open(&path).unwrap();
    assert_eq!(log.find(&all()).await.unwrap(), before);
    assert_eq!(log.add(event(99, "later", "")).await.unwrap(), 6);
    drop(log);
    assert_eq!(ids(&EventLog::open(&path).unwrap(), &all()).await, [4, 1, 3, 2, 5, 6]);
}

#[tokio::test]
async fn the_oldest_go_when_there_are_too_many() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.log");
    let log = EventLog::open_with(&path, 2_000).unwrap();
    for n in 1..=100 {
        assert_eq!(log.add(event(n, "x", "t")).await.unwrap(), n as u64);
    }
    let kept = ids(&log, &all()).await;
    assert!(kept.len() > 5 && kept.len() < 20 && kept.last() == Some(&100), "{kept:?}");
    drop(log);
    assert_eq!(ids(&EventLog::open(&path).unwrap(), &all()).await, kept);
    let large = NewEvent { data: "x".repeat(LARGEST_EVENT), ..event(1, "x", "") };
    assert!(EventLog::in_memory().add(large).await.is_err());
}

#[tokio::test]
async fn one_process_writes_and_others_read() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("events.log");
    let (first, second) = (EventLog::open_with(&path, 1_000).unwrap(), EventLog::open_with(&path, 1_000).unwrap());
    for n in 1..=20 {
        first.add(event(n, "x", "")).await.unwrap();
        assert_eq!(second.find(&all()).await.unwrap(), first.find(&all()).await.unwrap());
        assert!(second.add(event(n, "x", "")).await.is_err());
    }
    drop(first);
    assert_eq!(second.add(event(1, "x", "")).await.unwrap(), 21);
}
