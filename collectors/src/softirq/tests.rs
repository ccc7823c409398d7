use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn the_sum_and_ten_kinds_are_counted() {
    let root = fixture("softirq/testdata/linux-6");
    let samples = collect(&mut *collector("softirq", &root, ""), 0);
    assert_eq!(samples.len(), 11);
    let sum: f64 = (0..10).map(|kind| raw(&samples[&format!("softirq.{kind}")])).sum();
    assert_eq!(raw(&samples["softirq.total"]), sum);
}

#[test]
fn a_line_that_is_cut_absent_or_damaged() {
    let cut = host(&[("proc/stat", "cpu 1\nsoftirq 5 2")]);
    assert_eq!(collect(&mut *collector("softirq", cut.path(), ""), 0).len(), 2);
    for (stat, expected) in [("", "begins with `softirq`"), ("softirq 5 ?\n", "line 1: expected a count, found `?`")] {
        let host = host(&[("proc/stat", stat)]);
        let fail = try_collect(&mut *collector("softirq", host.path(), ""), 0).unwrap_err();
        assert!(fail.to_string().contains(expected), "{fail}");
    }
}
