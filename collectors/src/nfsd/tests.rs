use crate::testing::{agrees_with_diamond, collect, collector, fixture, host, like_diamond, raw, try_collect};
use crate::{Fail, Value};

#[test]
fn counts_have_the_names_of_their_positions() {
    let root = fixture("nfsd/testdata/linux-6");
    let samples = collect(&mut *collector("nfsd", &root, ""), 0);
    assert_eq!(raw(&samples["nfsd.reply_cache.nocache"]), 930.0);
    assert_eq!(raw(&samples["nfsd.v4.compound"]), 1103.0);
    assert_eq!(raw(&samples["nfsd.v4.ops.op0-unused"]), 200.0);
    assert_eq!(raw(&samples["nfsd.v4.ops.access"]), 203.0);
    assert_eq!(raw(&samples["nfsd.v4.ops.removexattr"]), 275.0);
    assert_eq!(samples["nfsd.threads.threads"].value, Value::Gauge(8.0));
    assert_eq!(samples["nfsd.threads.100-pct"].value, Value::Total(0.0));
}

#[test]
fn a_cut_line_garbage_and_a_host_that_serves_nothing() {
    let cut = host(&[("proc/net/rpc/nfsd", "rc 1 2\nth\nproc4ops")]);
    assert_eq!(collect(&mut *collector("nfsd", cut.path(), ""), 0).len(), 2);
    let garbled = host(&[("proc/net/rpc/nfsd", "io -5 1\n")]);
    let fail = try_collect(&mut *collector("nfsd", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 1: expected a count, found `-5`"), "{fail}");
    let bare = host(&[]);
    assert!(matches!(try_collect(&mut *collector("nfsd", bare.path(), ""), 0), Err(Fail::Absent { .. })));
}

#[test]
fn diamond_reads_the_same_but_for_columns_and_later_operations() {
    let later = [
        "bc_ctl",
        "bind_conn",
        "exchange_id",
        "create_ses",
        "destroy_",
        "free_stateid",
        "getdirdeleg",
        "getdev",
        "layout",
        "secinfononam",
        "sequence",
        "set_ssv",
        "test_stateid",
        "want_deleg",
        "reclaim_comp",
        "allocate",
        "copy",
        "deallocate",
        "ioadvise",
        "offload",
        "readplus",
        "seek",
        "write_same",
        "clone",
        "getxattr",
        "setxattr",
        "listxattrs",
        "removexattr",
        "unknown",
    ];
    let mut differ = later.map(|name| format!("nfsd.v4.ops.{name}")).to_vec();
    differ.extend(["v2", "v3", "v4"].map(|version| format!("nfsd.{version}.unknown")));
    let differ: Vec<&str> = differ.iter().map(String::as_str).collect();
    let mut one = collector("nfsd", &fixture("nfsd/testdata/linux-6"), "");
    agrees_with_diamond(&mut *one, &fixture("nfsd/testdata/linux-6/expected.diamond.txt"), &differ);
}

#[test]
fn following_diamond_nothing_differs() {
    let mut one = like_diamond("nfsd", &fixture("nfsd/testdata/linux-6"), "");
    agrees_with_diamond(&mut *one, &fixture("nfsd/testdata/linux-6/expected.diamond.txt"), &[]);
    let samples = collect(&mut *one, 10);
    assert!(matches!(samples["nfsd.threads.threads"].value, Value::Total(_) | Value::Counter { .. }));
}
