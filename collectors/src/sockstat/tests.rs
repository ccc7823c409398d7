use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn both_versions_of_ip_are_added() {
    let root = fixture("sockstat/testdata/linux-6");
    let samples = collect(&mut *collector("sockstat", &root, ""), 0);
    assert_eq!(samples.len(), 8);
    assert_eq!(raw(&samples["sockets.tcp_inuse"]), 36.0);
    assert_eq!(raw(&samples["sockets.used"]), 241.0);
}

#[test]
fn a_kernel_without_ipv6_gives_the_rest() {
    let host = host(&[("proc/net/sockstat", "sockets: used 3\nTCP: inuse 2 orphan\nVSOCK: inuse 9\n")]);
    let samples = collect(&mut *collector("sockstat", host.path(), ""), 0);
    assert_eq!(samples.into_keys().collect::<Vec<_>>(), ["sockets.tcp_inuse", "sockets.used"]);
}

#[test]
fn a_count_that_is_none_is_named() {
    let garbled = host(&[("proc/net/sockstat", "TCP: inuse ?\n")]);
    let fail = try_collect(&mut *collector("sockstat", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 1: expected a count of sockets or pages, found `?`"), "{fail}");
}
