use std::fs;
use std::os::unix::fs::symlink;

use super::*;

fn store() -> (tempfile::TempDir, Store) {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::at(Some(folder.path().join("dashboards")));
    (folder, store)
}

fn named(text: &str) -> DashboardName {
    DashboardName::parse(text).unwrap()
}

fn titled(title: &str) -> Dashboard {
    Dashboard { title: title.to_owned(), ..Dashboard::default() }
}

fn listed(store: &Store, name: &str) -> Option<Listed> {
    store.list().unwrap().into_iter().find(|listed| listed.name.as_str() == name)
}

#[test]
fn what_is_put_is_listed_given_and_deleted() {
    let (_folder, store) = store();
    let tag = store.put(&named("a"), &titled("A"), &Expected::Anything).unwrap();
    assert_eq!(listed(&store, "a").unwrap().summary.unwrap().title, "A");
    let kept = store.get(&named("a")).unwrap();
    assert_eq!((kept.tag, kept.text), (tag, titled("A").text().into_bytes()));
    store.delete(&named("a"), &Expected::Anything).unwrap();
    assert!(matches!(store.get(&named("a")), Err(StoreFault::Absent)));
    assert!(matches!(store.delete(&named("a"), &Expected::Anything), Err(StoreFault::Absent)));
    assert!(listed(&store, "a").is_none());
}

#[test]
fn a_file_takes_the_place_of_a_ready_one_until_it_is_deleted() {
    let (_folder, store) = store();
    assert!(matches!(store.delete(&named("host"), &Expected::Anything), Err(StoreFault::BuiltIn)));
    store.put(&named("host"), &titled("Mine"), &Expected::Anything).unwrap();
    let entry = listed(&store, "host").unwrap();
    assert_eq!((entry.ready, entry.summary.unwrap().title.as_str()), (false, "Mine"));
    store.delete(&named("host"), &Expected::Anything).unwrap();
    assert!(listed(&store, "host").unwrap().ready);
}

#[test]
fn two_who_change_the_same_do_not_lose_a_change() {
    let (_folder, store) = store();
    let name = named("a");
    let first = store.put(&name, &titled("1"), &Expected::Nothing).unwrap();
    assert!(matches!(store.put(&name, &titled("2"), &Expected::Nothing), Err(StoreFault::Changed)));
    let second = store.put(&name, &titled("2"), &Expected::OneOf(vec![first.clone()])).unwrap();
    assert_ne!(first, second);
    let stale = Expected::OneOf(vec![first]);
    assert!(matches!(store.put(&name, &titled("3"), &stale), Err(StoreFault::Changed)));
    assert!(matches!(store.delete(&name, &stale), Err(StoreFault::Changed)));
    assert!(store.put(&name, &titled("3"), &Expected::OneOf(vec!["*".to_owned()])).is_ok());
}

#[test]
fn changes_by_hand_are_seen_and_a_broken_file_is_named() {
    let (folder, store) = store();
    store.put(&named("a"), &titled("A"), &Expected::Anything).unwrap();
    listed(&store, "a").unwrap();
    let file = folder.path().join("dashboards/a.json");
    fs::write(&file, r#"{"title":"B"}"#).unwrap();
    assert_eq!(listed(&store, "a").unwrap().summary.unwrap().title, "B");
    fs::write(&file, "{\"title\":").unwrap();
    let fault = listed(&store, "a").unwrap().summary.unwrap_err();
    assert!(fault.contains("line 1"), "{fault}");
    assert!(matches!(store.get(&named("a")), Err(StoreFault::Broken(_))));
    // A broken file can be replaced.
    store.put(&named("a"), &titled("C"), &Expected::Anything).unwrap();
    assert_eq!(listed(&store, "a").unwrap().summary.unwrap().title, "C");
}

#[test]
fn links_lead_nowhere_outside_and_odd_files_are_passed_over() {
    let (folder, store) = store();
    let inside = folder.path().join("dashboards");
    fs::create_dir_all(inside.join("..data")).unwrap();
    fs::write(folder.path().join("secret.json"), r#"{"title":"secret"}"#).unwrap();
    fs::write(inside.join("..data/b.json"), r#"{"title":"linked"}"#).unwrap();
    symlink("../secret.json", inside.join("a.json")).unwrap();
    symlink("..data/b.json", inside.join("b.json")).unwrap();
    symlink("loop.json", inside.join("loop.json")).unwrap();
    fs::create_dir(inside.join("folder.json")).unwrap();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        inside.join("fifo.json"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from(0o600),
        0,
    )
    .unwrap();
    for odd in ["UPPER.json", ".hidden.json", "x.txt"] {
        fs::write(inside.join(odd), "{}").unwrap();
    }
    fs::write(inside.join("long.json"), vec![b' '; 3 << 20]).unwrap();

    assert_eq!(store.get(&named("b")).unwrap().text, br#"{"title":"linked"}"#);
    assert!(store.get(&named("a")).is_err());
    let files: Vec<_> = store.list().unwrap().into_iter().filter(|listed| !listed.ready).collect();
    let names: Vec<_> = files.iter().map(|listed| listed.name.as_str()).collect();
    assert_eq!(names, ["a", "b", "fifo", "folder", "long", "loop"]);
    assert!(files.iter().all(|listed| listed.summary.is_ok() == (listed.name.as_str() == "b")));
    // Nothing is written through a link.
    store.put(&named("a"), &titled("mine"), &Expected::Anything).unwrap_err();
    assert!(fs::read_to_string(folder.path().join("secret.json")).unwrap().contains("secret"));
}

#[test]
fn a_crash_in_the_middle_of_a_change_leaves_the_old_one() {
    let (folder, store) = store();
    store.put(&named("a"), &titled("A"), &Expected::Anything).unwrap();
    fs::write(folder.path().join("dashboards/.a.json.new"), "{\"ti").unwrap();
    assert_eq!(listed(&store, "a").unwrap().summary.unwrap().title, "A");
    store.put(&named("a"), &titled("B"), &Expected::Anything).unwrap();
    assert!(!folder.path().join("dashboards/.a.json.new").exists());
}

#[test]
fn without_a_folder_there_are_the_ready_ones() {
    let store = Store::at(None);
    assert!(store.list().unwrap().iter().all(|listed| listed.ready));
    assert!(matches!(store.put(&named("a"), &titled("A"), &Expected::Anything), Err(StoreFault::NoFolder)));
}
