use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn three_counts_are_published() {
    let root = fixture("filestat/testdata/linux-6");
    let samples = collect(&mut *collector("filestat", &root, ""), 0);
    assert_eq!(samples.len(), 3);
    assert_eq!(raw(&samples["files.max"]), 2_466_177.0);
}

#[test]
fn an_empty_cut_or_garbled_file_is_named() {
    for text in ["", "1254\t0", "a b c\n"] {
        let host = host(&[("proc/sys/fs/file-nr", text)]);
        let fail = try_collect(&mut *collector("filestat", host.path(), ""), 0).unwrap_err();
        assert!(fail.to_string().contains("expected three counts of files"), "{fail}");
    }
}
