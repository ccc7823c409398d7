use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn datagrams_and_errors_are_counted() {
    let root = fixture("udp/testdata/linux-6");
    let samples = collect(&mut *collector("udp", &root, ""), 0);
    assert_eq!(samples.len(), 6);
    assert_eq!(raw(&samples["udp.OutDatagrams"]), 244.0);
    let samples = collect(&mut *collector("udp", &root, "names = []"), 0);
    assert_eq!(samples.len(), 9, "the row of UDP-Lite is another");
}

#[test]
fn a_damaged_row_is_named_and_a_cut_one_gives_what_it_has() {
    let garbled = host(&[("proc/net/snmp", "Udp: NoPorts\nUdp: 1e3\n")]);
    let fail = try_collect(&mut *collector("udp", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("expected a count, found `1e3`"), "{fail}");
    let cut = host(&[("proc/net/snmp", "Udp: InDatagrams NoPorts\nUdp: 7")]);
    assert_eq!(collect(&mut *collector("udp", cut.path(), ""), 0).len(), 1);
}
