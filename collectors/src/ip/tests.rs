use crate::Value;
use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn both_versions_are_counted() {
    let root = fixture("ip/testdata/linux-6");
    let samples = collect(&mut *collector("ip", &root, ""), 0);
    assert_eq!(samples.len(), 18);
    assert_eq!(raw(&samples["ip.OutRequests"]), 2_467_832.0);
    assert_eq!(raw(&samples["ip.Ip6OutRequests"]), 14.0);
}

#[test]
fn an_empty_list_of_names_takes_all() {
    let root = fixture("ip/testdata/linux-6");
    let samples = collect(&mut *collector("ip", &root, "names = []"), 0);
    assert_eq!(samples["ip.DefaultTTL"].value, Value::Gauge(64.0));
    assert!(samples.contains_key("ip.Ip6InOctets"));
    assert!(!samples.keys().any(|name| name.contains("Icmp")));
}

#[test]
fn a_kernel_without_ipv6_gives_the_rest() {
    let host = host(&[("proc/net/snmp", "Ip: InReceives\nIp: 5\n")]);
    assert_eq!(collect(&mut *collector("ip", host.path(), ""), 0).len(), 1);
}

#[test]
fn a_count_that_is_none_is_named() {
    let garbled = host(&[("proc/net/snmp", ""), ("proc/net/snmp6", "Ip6InReceives \t-5\n")]);
    let fail = try_collect(&mut *collector("ip", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 1: expected a count, found `-5`"), "{fail}");
}
