use crate::testing::{collect, collector, fixture, host, raw, try_collect};
use crate::{Bits, Fail, Value};

#[test]
fn every_state_of_every_processor_is_a_counter() {
    let samples = collect(&mut *collector("cpu", &fixture("cpu/testdata/linux-6"), ""), 0);
    assert_eq!(samples["cpu.total.user"].value, Value::Counter { raw: 124_566, bits: Bits::B64 });
    assert_eq!(raw(&samples["cpu.cpu1.guest_nice"]), 0.0);
    assert_eq!(raw(&samples["cpu.cpu_count"]), 2.0);
    assert_eq!(samples.len(), 31);
}

#[test]
fn without_percore_only_the_total_is_left() {
    let samples = collect(&mut *collector("cpu", &fixture("cpu/testdata/linux-6"), "percore = false"), 0);
    assert_eq!(samples.len(), 11);
}

#[test]
fn normalize_shares_the_total_among_the_processors() {
    let samples = collect(&mut *collector("cpu", &fixture("cpu/testdata/linux-6"), "normalize = true"), 0);
    assert_eq!(samples["cpu.total.idle"].scale, 0.5);
    assert_eq!(samples["cpu.cpu0.idle"].scale, 1.0);
}

#[test]
fn simple_gives_the_share_of_time_not_idle_since_the_last_run() {
    let host = host(&[("proc/stat", "cpu  100 0 100 800 5 0 0 0 0 0\n")]);
    let mut cpu = collector("cpu", host.path(), "simple = true");
    assert!(collect(&mut *cpu, 0).is_empty());
    std::fs::write(host.path().join("proc/stat"), "cpu  110 0 120 870 5 0 0 0 0 0\n").unwrap();
    assert_eq!(raw(&collect(&mut *cpu, 10)["cpu.percent"]), 30.0);
}

#[test]
fn an_older_kernel_has_fewer_states() {
    let host = host(&[("proc/stat", "cpu  1 2 3 4\ncpu0 1 2 3 4\nintr 5\n")]);
    assert_eq!(collect(&mut *collector("cpu", host.path(), ""), 0).len(), 9);
}

#[test]
fn a_line_that_is_no_count_is_named() {
    let host = host(&[("proc/stat", "cpu  1 2 3 4\ncpu0 1 x 3 4\n")]);
    let fail = try_collect(&mut *collector("cpu", host.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().ends_with("proc/stat line 2: expected a count of ticks, found `x`"), "{fail}");
    let empty = crate::testing::host(&[("proc/stat", "")]);
    assert!(matches!(try_collect(&mut *collector("cpu", empty.path(), ""), 0), Err(Fail::Parse { .. })));
}
