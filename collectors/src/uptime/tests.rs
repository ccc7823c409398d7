use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn seconds_become_minutes_or_what_is_asked_for() {
    let root = fixture("uptime/testdata/linux-6");
    let samples = collect(&mut *collector("uptime", &root, ""), 0);
    assert_eq!(raw(&samples["uptime.minutes"]), 2646.73 / 60.0);
    let samples = collect(&mut *collector("uptime", &root, "unit = 'seconds'"), 0);
    assert_eq!(raw(&samples["uptime.seconds"]), 2646.73);
}

#[test]
fn what_is_no_time_is_named() {
    for text in ["", "soon\n"] {
        let host = host(&[("proc/uptime", text)]);
        let fail = try_collect(&mut *collector("uptime", host.path(), ""), 0).unwrap_err();
        assert!(fail.to_string().contains("expected a number of seconds"), "{fail}");
    }
}
