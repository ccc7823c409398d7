use crate::Fail;
use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn count_and_limit_are_published_under_their_old_names() {
    let root = fixture("conntrack/testdata/linux-6");
    let samples = collect(&mut *collector("conntrack", &root, ""), 0);
    assert_eq!(samples.len(), 2);
    assert_eq!(raw(&samples["conntrack.ip_conntrack_max"]), 262_144.0);
}

#[test]
fn an_old_kernel_has_the_files_elsewhere() {
    let place = "proc/sys/net/ipv4/netfilter/ip_conntrack_";
    let host = host(&[(&format!("{place}count"), "7\n"), (&format!("{place}max"), "9\n")]);
    assert_eq!(raw(&collect(&mut *collector("conntrack", host.path(), ""), 0)["conntrack.ip_conntrack_count"]), 7.0);
}

#[test]
fn a_host_without_a_packet_filter_is_quiet_and_garbage_is_named() {
    let bare = host(&[]);
    assert!(matches!(try_collect(&mut *collector("conntrack", bare.path(), ""), 0), Err(Fail::Absent { .. })));
    let garbled = host(&[("proc/sys/net/netfilter/nf_conntrack_count", "")]);
    let fail = try_collect(&mut *collector("conntrack", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("expected a number of connections"), "{fail}");
}
