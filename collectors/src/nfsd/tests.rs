use crate::testing::{collect, collector, fixture, host, raw, try_collect};
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
