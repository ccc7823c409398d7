//! Damaged files are found, saved as far as they can be, and never deleted.

#![allow(clippy::unwrap_used, reason = "a test may stop where its input is not what it must be")]

use std::ffi::OsString;
use std::fs;
use std::path::Path;

use whisper::{CreateOptions, Finding, Point, Timestamp, Whisper, tools};

const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);

fn make(path: &Path) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    let mut file = Whisper::create(path, &CreateOptions::new("10:60,60:60".parse().unwrap())).unwrap();
    let points: Vec<Point> = (0..200).map(|at| point(at * 10, f64::from(at))).collect();
    file.update_many(&points, NOW).unwrap();
}

fn point(age: u32, value: f64) -> Point {
    Point { time: Timestamp::from_secs(NOW.secs() - age), value }
}

fn values(path: &Path, age: u32) -> Vec<Option<f64>> {
    let file = Whisper::open_read_only(path).unwrap();
    file.fetch(Timestamp::from_secs(NOW.secs() - age), NOW, NOW).unwrap().unwrap().values
}

fn fsck(args: &[&str]) -> (u8, String) {
    let args: Vec<OsString> = args.iter().map(OsString::from).collect();
    let (mut out, mut err) = (Vec::new(), Vec::new());
    let code = tools::run("fsck", &args, NOW, &mut out, &mut err);
    assert_eq!(String::from_utf8(err).unwrap(), "");
    (code, String::from_utf8(out).unwrap())
}

#[test]
fn a_sound_tree_is_sound() {
    let dir = tempfile::tempdir().unwrap();
    make(&dir.path().join("a/b.wsp"));
    assert_eq!(fsck(&[dir.path().to_str().unwrap()]), (0, "Checked 1 files: 0 damaged, 0 repaired\n".into()));
}

#[test]
fn repair_saves_the_points_of_a_cut_off_file_and_keeps_the_damaged_one() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    let path = tree.join("a/b.wsp");
    make(&path);
    let whole = values(&path, 600);
    let bytes = fs::read(&path).unwrap();
    let cut = &bytes[..bytes.len() - 200 - 5];
    fs::write(&path, cut).unwrap();
    assert_eq!(fsck(&[tree.to_str().unwrap()]).0, 1, "found, not repaired");
    let (code, out) = fsck(&["--repair", tree.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}");
    assert_eq!(values(&path, 600), whole);
    assert_eq!(Whisper::check(&path, NOW).unwrap(), []);
    assert_eq!(fs::read(dir.path().join("tree.quarantine/a/b.wsp.damaged")).unwrap(), cut);
}

#[test]
fn what_cannot_be_saved_is_set_aside_whole() {
    let dir = tempfile::tempdir().unwrap();
    let tree = dir.path().join("tree");
    fs::create_dir_all(&tree).unwrap();
    fs::write(tree.join("empty.wsp"), b"").unwrap();
    fs::write(tree.join("garbage.wsp"), [0xff; 100]).unwrap();
    fs::write(tree.join(".whisper-1-1.new"), b"half").unwrap();
    fs::create_dir(tree.join("folder.wsp")).unwrap();
    let (code, out) = fsck(&["--repair", tree.to_str().unwrap()]);
    assert_eq!(code, 0, "{out}");
    assert!(out.ends_with("Checked 4 files: 4 damaged, 4 repaired\n"), "{out}");
    assert_eq!(fs::read_dir(&tree).unwrap().count(), 0);
    assert_eq!(fs::read_dir(dir.path().join("tree.quarantine")).unwrap().count(), 4);
    assert_eq!(fs::read(dir.path().join("tree.quarantine/garbage.wsp.damaged")).unwrap(), [0xff; 100]);
}

#[test]
fn impossible_times_are_found_and_only_they_are_dropped() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.wsp");
    make(&path);
    let whole = values(&path, 600);
    let mut bytes = fs::read(&path).unwrap();
    bytes[40 + 12 * 7 + 3] ^= 1; // off the grid
    bytes[40 + 12 * 9] = 0xf0; // far in the future
    fs::write(&path, &bytes).unwrap();
    let findings = Whisper::check(&path, NOW).unwrap();
    assert!(matches!(findings[..], [Finding::Slots { archive: 0, .. }]), "{findings:?}");
    Whisper::salvage(&path, NOW).unwrap().unwrap().put_in_place(&path).unwrap();
    let saved = values(&path, 600);
    let lost = saved.iter().zip(&whole).filter(|(saved, whole)| saved != whole).count();
    assert_eq!((lost, saved.iter().filter(|value| value.is_none()).count()), (2, 2));
}
