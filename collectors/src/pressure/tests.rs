use crate::testing::{collect, collector, fixture, host, raw, try_collect};
use crate::{Bits, Fail, Value};

#[test]
fn microseconds_stalled_become_percent() {
    let root = fixture("pressure/testdata/linux-6");
    let samples = collect(&mut *collector("pressure", &root, ""), 0);
    assert_eq!(samples.len(), 6);
    let some = samples["pressure.io.some.percent"];
    assert_eq!(some.value, Value::Counter { raw: 64_225_492, bits: Bits::B64 });
    assert_eq!(some.scale * 1e6, 100.0, "a whole second stalled in each second");
}

#[test]
fn the_kernels_means_come_when_asked_for() {
    let root = fixture("pressure/testdata/linux-6");
    let samples = collect(&mut *collector("pressure", &root, "means = true"), 0);
    assert_eq!(samples.len(), 24);
    assert_eq!(raw(&samples["pressure.io.some.avg10"]), 19.77);
}

#[test]
fn a_kernel_without_pressure_is_quiet() {
    let bare = host(&[]);
    assert!(matches!(try_collect(&mut *collector("pressure", bare.path(), ""), 0), Err(Fail::Absent { .. })));
}

#[test]
fn a_line_without_total_is_named_and_an_unknown_one_passed_over() {
    let cut = host(&[("proc/pressure/io", "most avg10=1.00\nsome avg10=0.0 avg60=?")]);
    let fail = try_collect(&mut *collector("pressure", cut.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 2: expected `total=` with a number"), "{fail}");
}
