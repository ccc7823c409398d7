use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn six_counters_are_published_unless_others_are_named() {
    let root = fixture("vmstat/testdata/linux-6");
    let samples = collect(&mut *collector("vmstat", &root, ""), 0);
    assert_eq!(samples.len(), 6);
    assert_eq!(raw(&samples["vmstat.pgpgin"]), 6_735_381.0);
    let samples = collect(&mut *collector("vmstat", &root, "names = ['oom_kill']"), 0);
    assert_eq!(samples.into_keys().collect::<Vec<_>>(), ["vmstat.oom_kill"]);
}

#[test]
fn an_empty_or_cut_file_gives_what_it_has() {
    let cut = host(&[("proc/vmstat", "pgpgin 5\npgpgout\npswpin")]);
    assert_eq!(collect(&mut *collector("vmstat", cut.path(), ""), 0).len(), 1);
    let empty = host(&[("proc/vmstat", "")]);
    assert!(collect(&mut *collector("vmstat", empty.path(), ""), 0).is_empty());
}

#[test]
fn a_count_that_is_none_is_named() {
    let garbled = host(&[("proc/vmstat", "nr_free 1\npgpgin many\n")]);
    let fail = try_collect(&mut *collector("vmstat", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 2: expected a count, found `many`"), "{fail}");
}

#[test]
fn names_are_found_again_that_have_moved_back() {
    let names = ["pgpgin", "pgpgout", "pswpin", "pswpout", "pgfault", "pgmajfault"];
    let lines = |count| names.map(|name| format!("{name} {count}\n")).concat();
    let root = host(&[("proc/vmstat", &lines(1))]);
    let mut vmstat = collector("vmstat", root.path(), "");
    for (before, count) in [(0, 2), (27, 3), (0, 4), (400, 5)] {
        let text = "nr_more 1\n".repeat(before) + &lines(count) + &"nr_other 2\n".repeat(900);
        std::fs::write(root.path().join("proc/vmstat"), text).unwrap();
        // With 27 lines before them some are where all were before.
        let samples = collect(&mut *vmstat, count);
        assert_eq!(samples.len(), 6);
        assert!(samples.values().all(|sample| raw(sample) == f64::from(count)));
    }
}
