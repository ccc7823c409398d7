use crate::Value;
use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn both_files_give_what_the_kernel_has_of_the_names() {
    let root = fixture("tcp/testdata/linux-6");
    let samples = collect(&mut *collector("tcp", &root, ""), 0);
    assert_eq!(samples.len(), 14, "without TCPLoss and TCPForwardRetrans, which kernels no longer count");
    assert_eq!(raw(&samples["tcp.TCPTimeouts"]), 85.0);
    assert_eq!(samples["tcp.CurrEstab"].value, Value::Gauge(18.0));
}

#[test]
fn an_empty_list_of_names_takes_all() {
    let root = fixture("tcp/testdata/linux-6");
    let samples = collect(&mut *collector("tcp", &root, "names = []"), 0);
    assert_eq!(samples["tcp.MaxConn"].value, Value::Gauge(-1.0));
    assert_eq!(raw(&samples["tcp.TCPOrigDataSent"]), 1_531_581.0);
    assert!(!samples.contains_key("tcp.InOctets"), "IpExt is not of TCP");
}

#[test]
fn a_damaged_table_is_named_and_a_missing_one_is_quiet() {
    let garbled = host(&[("proc/net/netstat", ""), ("proc/net/snmp", "Tcp: InErrs\nTcp: x\n")]);
    let fail = try_collect(&mut *collector("tcp", garbled.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 2: expected a count, found `x`"), "{fail}");
    let bare = host(&[("proc/net/netstat", "")]);
    assert!(matches!(try_collect(&mut *collector("tcp", bare.path(), ""), 0), Err(crate::Fail::Absent { .. })));
}
