use crate::Fail;
use crate::testing::{agrees_with_diamond, collect, collector, fixture, host, like_diamond, raw, try_collect};

#[test]
fn procedures_have_the_names_of_their_positions() {
    let root = fixture("nfs/testdata/linux-6");
    let samples = collect(&mut *collector("nfs", &root, ""), 0);
    assert_eq!(raw(&samples["nfs.rpc.retrans"]), 3.0);
    assert_eq!(raw(&samples["nfs.v3.null"]), 0.0);
    assert_eq!(raw(&samples["nfs.v3.commit"]), 21.0);
    assert_eq!(raw(&samples["nfs.v4.null"]), 100.0);
    assert_eq!(raw(&samples["nfs.v4.exchange_id"]), 138.0);
    assert_eq!(raw(&samples["nfs.v4.read_plus"]), 168.0);
}

#[test]
fn an_old_kernel_gives_what_has_always_stood_at_its_position() {
    let counts = ["7"; 48].join(" ");
    let host = host(&[("proc/net/rpc/nfs", &format!("proc4 48 {counts}\n"))]);
    let samples = collect(&mut *collector("nfs", host.path(), ""), 0);
    assert_eq!(samples.len(), 36);
    assert!(samples.contains_key("nfs.v4.rel_lkowner"));
}

#[test]
fn a_newer_kernel_a_cut_line_and_garbage() {
    let more = host(&[("proc/net/rpc/nfs", "net 1 2 3 4 5 6\nproc5 1 1\nproc3 22 8")]);
    assert_eq!(collect(&mut *collector("nfs", more.path(), ""), 0).len(), 5);
    let garbled = host(&[("proc/net/rpc/nfs", "net 1\nrpc x\n")]);
    let fail = try_collect(&mut *collector("nfs", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 2: expected a count, found `x`"), "{fail}");
    let bare = host(&[]);
    assert!(matches!(try_collect(&mut *collector("nfs", bare.path(), ""), 0), Err(Fail::Absent { .. })));
}

#[test]
fn diamond_reads_the_same_but_for_the_order_of_later_procedures() {
    let differ = [
        "secinfo",
        "fsid_present",
        "exchange_id",
        "create_ses",
        "destroy_",
        "sequence",
        "get_lease_t",
        "reclaim_comp",
        "layout",
        "getdev",
        "ds_",
        "test_stateid",
        "free_stateid",
        "bind_conn",
        "seek",
        "allocate",
        "deallocate",
        "clone",
        "copy",
        "offload_cancel",
        "lookupp",
        "getxattr",
        "setxattr",
        "listxattrs",
        "removexattr",
        "read_plus",
    ];
    let differ = differ.map(|name| format!("nfs.v4.{name}"));
    let mut one = collector("nfs", &fixture("nfs/testdata/linux-6"), "");
    let expected = fixture("nfs/testdata/linux-6/expected.diamond.txt");
    agrees_with_diamond(&mut *one, &expected, &differ.each_ref().map(String::as_str));
}

#[test]
fn following_diamond_nothing_differs() {
    let mut one = like_diamond("nfs", &fixture("nfs/testdata/linux-6"), "");
    agrees_with_diamond(&mut *one, &fixture("nfs/testdata/linux-6/expected.diamond.txt"), &[]);
    let counts: Vec<String> = (0..=46).map(|count| count.to_string()).collect();
    let old = host(&[("proc/net/rpc/nfs", &format!("proc4 47 {}\n", counts.join(" ")))]);
    let samples = collect(&mut *like_diamond("nfs", old.path(), ""), 0);
    assert_eq!(raw(&samples["nfs.v4.getdevinfo"]), 46.0);
    assert_eq!(raw(&samples["nfs.v4.getdevlist"]), 45.0);
}
