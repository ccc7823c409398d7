use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::*;

use super::follow::Log;
use crate::testing::{collect, collector, fixture, raw, try_collect};
use crate::{Collector, Fail, Kept};

const NGINX: &str = r#"
[log.web]
path = "/access.log"
pattern = '" (?<status>\d{3}) (?<bytes>\d+) .* (?<seconds>[0-9.]+)$'
count = { errors = { status = "^5" }, all = {} }
by = ["status"]
measure = ["seconds"]
quantiles = [50, 99.9]
"#;

fn line(status: u32, seconds: f64) -> String {
    format!("10.0.0.1 - - [21/Nov/2026:10:00:00 +0000] \"GET / HTTP/1.1\" {status} 512 \"-\" \"curl\" {seconds}\n")
}

fn append(path: &Path, text: &str) {
    OpenOptions::new().create(true).append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

/// A folder with an empty log, and a collector that has seen it.
fn watching(options: &str) -> (tempfile::TempDir, PathBuf, Box<dyn Collector>) {
    let host = tempfile::tempdir().unwrap();
    let log = host.path().join("access.log");
    append(&log, "a line of before\n");
    let mut collector = collector("logtail", host.path(), options);
    assert_eq!(raw(&collect(&mut *collector, 0)["logtail.web.lines"]), 0.0);
    (host, log, collector)
}

#[track_caller]
fn lines(collector: &mut dyn Collector, expected: f64) {
    assert_eq!(raw(&collect(collector, 0)["logtail.web.lines"]), expected);
}

#[test]
fn lines_are_counted_by_field_and_measured() {
    let (_host, log, mut collector) = watching(NGINX);
    append(&log, &[line(200, 0.1), line(200, 0.2), line(503, 2.5), "garbage\n".to_owned()].concat());
    let samples = collect(&mut *collector, 10);
    let value = |name: &str| raw(&samples[&format!("logtail.web.{name}")]);
    assert_eq!((value("lines"), value("unmatched")), (4.0, 1.0));
    assert_eq!((value("count.errors"), value("count.all")), (1.0, 3.0));
    assert_eq!((value("by.status.200"), value("by.status.503")), (2.0, 1.0));
    assert_eq!((value("seconds.count"), value("seconds.max"), value("seconds.min")), (3.0, 2.5, 0.1));
    assert!((value("seconds.p50") - 0.2).abs() < 0.002 && (value("seconds.p99_9") - 2.5).abs() < 0.025);
    let samples = collect(&mut *collector, 20);
    assert!(!samples.contains_key("logtail.web.seconds.mean"), "nothing was written");
    assert_eq!(raw(&samples["logtail.web.lines"]), 4.0);
}

#[test]
fn what_nginx_writes_is_counted() {
    let (_host, log, mut collector) = watching(NGINX);
    let written = fs::read_to_string(fixture("logtail/testdata/nginx-1.22/access.log")).unwrap();
    append(&log, &written);
    let samples = collect(&mut *collector, 10);
    let value = |name: &str| raw(&samples[&format!("logtail.web.{name}")]);
    assert_eq!((value("lines"), value("unmatched")), (18.0, 0.0), "quotes and bytes of a client are escaped");
    assert_eq!((value("count.all"), value("count.errors")), (18.0, 1.0));
    let by = ["200", "301", "400", "404", "502"].map(|status| value(&format!("by.status.{status}")));
    assert_eq!(by, [12.0, 1.0, 2.0, 2.0, 1.0]);
    assert_eq!((value("seconds.max"), value("seconds.min")), (2.012, 0.0));
}

#[test]
fn json_lines_have_fields_by_key() {
    let (_host, log, mut collector) = watching(
        "[log.web]\npath = '/access.log'\ncount = { slow = { 'http.status' = '^2', level = 'warn' } }\nmeasure = ['ms']\n",
    );
    append(
        &log,
        "{\"level\":\"warn\",\"ms\":12,\"http\":{\"status\":204}}\n{\"level\":\"info\",\"ms\":\"8\"}\n[1]\n{\n",
    );
    let samples = collect(&mut *collector, 10);
    assert_eq!(raw(&samples["logtail.web.count.slow"]), 1.0);
    assert_eq!(raw(&samples["logtail.web.unmatched"]), 2.0);
    assert_eq!(raw(&samples["logtail.web.ms.mean"]), 10.0);
}

#[test]
fn a_line_counts_once_it_is_whole() {
    let (_host, log, mut collector) = watching(NGINX);
    append(&log, "half");
    lines(&mut *collector, 0.0);
    append(&log, " a line\n");
    lines(&mut *collector, 1.0);
}

#[test]
fn no_line_is_lost_or_doubled_by_a_rotation() {
    let (host, log, mut collector) = watching(NGINX);
    append(&log, "1\n");
    lines(&mut *collector, 1.0);
    // Written after the last run, before and after the move.
    append(&log, "2\n");
    let old = host.path().join("access.log.1");
    fs::rename(&log, &old).unwrap();
    append(&old, "3\n");
    append(&log, "4\n5\n");
    lines(&mut *collector, 5.0);
    // copytruncate, grown beyond the old end before anybody looked.
    fs::copy(&log, host.path().join("access.log.copy")).unwrap();
    fs::write(&log, "6\n7\n8\n9\n").unwrap();
    lines(&mut *collector, 9.0);
    fs::write(&log, "").unwrap();
    lines(&mut *collector, 9.0);
    // Away for a moment.
    fs::remove_file(&log).unwrap();
    assert!(matches!(try_collect(&mut *collector, 0), Err(Fail::Absent { .. })));
    append(&log, "10\n");
    lines(&mut *collector, 10.0);
}

#[test]
fn a_restart_goes_on_where_it_stopped_also_in_a_file_that_was_moved() {
    let (host, log, mut first) = watching(NGINX);
    append(&log, "1\n");
    lines(&mut *first, 1.0);
    let mut kept = Kept::default();
    first.keep(&mut kept);
    append(&log, "2\n");
    fs::rename(&log, host.path().join("access.log.1")).unwrap();
    append(&log, "3\n");
    let mut second = collector("logtail", host.path(), NGINX);
    second.recall(&kept);
    lines(&mut *second, 3.0);
}

#[test]
fn an_endless_line_and_too_many_values_stay_in_bounds() {
    let (_host, log, mut collector) = watching(NGINX);
    append(&log, &"x".repeat(200_000));
    append(&log, "\n");
    let text: String = (100..400).map(|status| line(status, 0.1)).collect();
    append(&log, &text);
    let samples = collect(&mut *collector, 10);
    assert_eq!(raw(&samples["logtail.web.unmatched"]), 4.0, "pieces of 64 kB");
    let values = samples.keys().filter(|name| name.starts_with("logtail.web.by.status.")).count();
    assert_eq!(values, 101);
    assert_eq!(raw(&samples["logtail.web.by.status.other"]), 200.0);
}

#[test]
fn what_is_no_file_is_not_read() {
    let host = tempfile::tempdir().unwrap();
    fs::create_dir(host.path().join("access.log")).unwrap();
    let fail = try_collect(&mut *collector("logtail", host.path(), NGINX), 0).unwrap_err();
    assert!(matches!(fail, Fail::Read { .. }), "{fail}");
}

proptest! {
    #[test]
    fn whole_lines_come_once_however_they_are_written(pieces in prop::collection::vec("[a\n]{0,9}", 1..20)) {
        let host = tempfile::tempdir().unwrap();
        let path = host.path().join("log");
        append(&path, "");
        let (mut log, mut found) = (Log::new(path.clone()), 0);
        log.each_line(|_| found += 1).unwrap();
        for piece in &pieces {
            append(&path, piece);
            log.each_line(|_| found += 1).unwrap();
        }
        prop_assert_eq!(found, pieces.concat().matches('\n').count());
    }
}
