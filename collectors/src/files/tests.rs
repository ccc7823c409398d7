use std::fs;
use std::os::unix::fs::symlink;
use std::time::{Duration, UNIX_EPOCH};

use proptest::prelude::*;

use super::read_line;
use crate::testing::{collect, collector, fixture, host, raw, slot, try_collect};
use crate::{Fail, Out, Style};

const PLACE: &str = "var/lib/plumbago/files";

fn file(name: &str) -> String {
    format!("{PLACE}/{name}")
}

#[test]
fn lines_of_all_files_are_published_with_their_decimals() {
    let host =
        host(&[(&file("a"), "backup.seconds 812\nratio=-0.250 of all\n# nothing\nx\n"), (&file("b"), "b.c: 7ms")]);
    let samples = collect(&mut *collector("files", host.path(), ""), 0);
    assert_eq!(samples.len(), 3);
    assert_eq!(raw(&samples["backup.seconds"]), 812.0);
    assert_eq!((raw(&samples["ratio"]), samples["ratio"].style), (-0.25, Style::Decimals(3)));
    assert_eq!(raw(&samples["b.c"]), 7.0);
}

#[test]
fn what_programs_print_is_published() {
    let samples = collect(&mut *collector("files", &fixture("files/testdata/debian-12"), ""), 0);
    let value = |name: &str| raw(&samples[name]);
    assert_eq!(
        (value("vm.swappiness"), value("vm.page-cluster"), value("vm.lowmem_reserve_ratio")),
        (60.0, 3.0, 256.0)
    );
    assert!(!samples.contains_key("vm.numa_zonelist_order"), "`Node` is no number");
    assert_eq!((value("used_memory"), value("mem_fragmentation_ratio")), (941_704.0, 13.5));
    assert_eq!(value("nr_free_pages"), 775_007.0);
}

#[test]
fn a_file_that_was_read_is_removed_when_asked_for() {
    let host = host(&[(&file("a"), "x 1\n"), (&file("b"), "nothing\n")]);
    collect(&mut *collector("files", host.path(), "delete = true"), 0);
    assert!(!host.path().join(file("a")).exists());
    assert!(host.path().join(file("b")).exists());
}

#[test]
fn an_old_file_is_left_out() {
    let host = host(&[(&file("a"), "x 1\n")]);
    let written = UNIX_EPOCH + Duration::from_secs(slot(0).time.secs().into());
    fs::File::options().write(true).open(host.path().join(file("a"))).unwrap().set_modified(written).unwrap();
    let mut one = collector("files", host.path(), "max-age = '1m'");
    assert_eq!(collect(&mut *one, 60).len(), 1);
    assert!(collect(&mut *one, 61).is_empty());
}

#[test]
fn what_is_no_regular_file_is_not_read() {
    let host = host(&[(&file("folder/a"), "x 1\n"), ("secret", "pin 1234\n")]);
    let folder = host.path().join(PLACE);
    symlink(host.path().join("secret"), folder.join("link")).unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(folder.join("socket")).unwrap();
    assert!(collect(&mut *collector("files", host.path(), ""), 0).is_empty());
}

#[test]
fn a_file_without_end_does_not_silence_the_others() {
    let host = host(&[(&file("a"), &"x".repeat(2 << 20)), (&file("b"), "b 1\n")]);
    let mut out = Out::default();
    out.begin(slot(0));
    let fail = collector("files", host.path(), "").run(slot(0), &mut out).unwrap_err();
    assert!(matches!(fail, Fail::TooLong { .. }), "{fail}");
    assert_eq!(out.len(), 1);
}

#[test]
fn a_directory_that_is_not_there_is_quiet() {
    let bare = host(&[]);
    assert!(matches!(try_collect(&mut *collector("files", bare.path(), ""), 0), Err(Fail::Absent { .. })));
}

proptest! {
    #[test]
    fn no_line_is_too_strange(line in "\\PC{0,40}") {
        if let Some((name, value)) = read_line(&line) {
            prop_assert!(!name.is_empty());
            prop_assert!(value.parse::<f64>().is_ok());
        }
    }
}
