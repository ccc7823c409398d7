use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn every_state_is_published_with_its_connections() {
    let root = fixture("netstat/testdata/linux-6");
    let samples = collect(&mut *collector("netstat", &root, ""), 0);
    assert_eq!(samples.len(), 11);
    assert_eq!(raw(&samples["netstat.LISTEN"]), 16.0);
    assert_eq!(samples.values().map(raw).sum::<f64>(), 59.0);
}

#[test]
fn connections_over_ipv6_count_when_asked_for() {
    let table = "head\n 0: 0:1 0:0 0A 0\n 1: 0:1 0:0 0C 0\n";
    let host = host(&[("proc/net/tcp", table), ("proc/net/tcp6", table)]);
    let listening = |options| raw(&collect(&mut *collector("netstat", host.path(), options), 0)["netstat.LISTEN"]);
    assert_eq!((listening(""), listening("ipv6 = true")), (1.0, 2.0));
}

#[test]
fn a_line_without_state_is_named() {
    let cut = host(&[("proc/net/tcp", "head\n 0: 0:1 0:0 0A\n 1: 0:1")]);
    let fail = try_collect(&mut *collector("netstat", cut.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 3: expected a connection with its state"), "{fail}");
}
