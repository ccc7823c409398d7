use crate::Value;
use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn two_counters_and_three_gauges() {
    let root = fixture("procstat/testdata/linux-6");
    let samples = collect(&mut *collector("procstat", &root, ""), 0);
    assert_eq!(samples.len(), 5);
    assert_eq!(samples["proc.btime"].value, Value::Gauge(1_795_224_111.0));
    assert!(raw(&samples["proc.processes"]) > 70_000.0);
}

#[test]
fn an_empty_or_cut_file_gives_what_it_has() {
    let cut = host(&[("proc/stat", "ctxt 5\nprocesses\nprocs_run")]);
    assert_eq!(collect(&mut *collector("procstat", cut.path(), ""), 0).len(), 1);
}

#[test]
fn a_count_that_is_none_is_named() {
    let garbled = host(&[("proc/stat", "cpu 1\nctxt -1\n")]);
    let fail = try_collect(&mut *collector("procstat", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 2: expected a count, found `-1`"), "{fail}");
}
