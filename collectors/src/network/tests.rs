use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn only_wired_interfaces_are_measured_unless_named() {
    let root = fixture("network/testdata/linux-6");
    let samples = collect(&mut *collector("network", &root, ""), 0);
    assert_eq!(samples.len(), 18, "eth0 alone, of lo, ifb0, ifb1 and eth0");
    assert_eq!(raw(&samples["network.eth0.rx_byte"]), 1_004_079_420.0);
    assert_eq!(samples["network.eth0.rx_bit"].scale, 8.0);
    let samples = collect(&mut *collector("network", &root, "interfaces = ['lo', 'ifb']"), 0);
    assert_eq!(samples.len(), 54);
    let samples = collect(&mut *collector("network", &root, "interfaces = ['eth']\ngreedy = false"), 0);
    assert!(samples.is_empty());
}

#[test]
fn bytes_come_in_the_units_asked_for() {
    let root = fixture("network/testdata/linux-6");
    let samples = collect(&mut *collector("network", &root, "byte-unit = ['byte']"), 0);
    assert_eq!(samples.len(), 16);
    assert!(!samples.contains_key("network.eth0.tx_bit"));
}

#[test]
fn counts_may_stand_right_behind_the_name_and_aliases_have_a_colon() {
    let host = host(&[("proc/net/dev", "face |bytes\n eth0:123 4 5\n eth0:1: 7 8\n")]);
    let samples = collect(&mut *collector("network", host.path(), ""), 0);
    assert_eq!(raw(&samples["network.eth0.rx_byte"]), 123.0);
    assert_eq!(raw(&samples["network.eth0:1.rx_packets"]), 8.0);
}

#[test]
fn garbage_is_named_or_passed_over() {
    let garbled = host(&[("proc/net/dev", " eth0: 12 many\n")]);
    let fail = try_collect(&mut *collector("network", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 1: expected a count, found `many`"), "{fail}");
    let strange = host(&[("proc/net/dev", "\u{0}\n:::\n eth\n")]);
    assert!(collect(&mut *collector("network", strange.path(), ""), 0).is_empty());
}
