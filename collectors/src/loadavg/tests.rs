use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn three_averages_are_given_per_host_and_per_processor() {
    let host = host(&[("proc/loadavg", "1.50 0.80 0.30 3/412 9912\n"), ("sys/devices/system/cpu/online", "0-2,4\n")]);
    let samples = collect(&mut *collector("loadavg", host.path(), ""), 0);
    assert_eq!(raw(&samples["loadavg.01"]), 1.5);
    assert_eq!(raw(&samples["loadavg.01_normalized"]), 0.375);
    assert_eq!(raw(&samples["loadavg.15"]), 0.3);
    assert_eq!(raw(&samples["loadavg.processes_running"]), 3.0);
    assert_eq!(raw(&samples["loadavg.processes_total"]), 412.0);
    assert_eq!(samples.len(), 8);
}

#[test]
fn a_recorded_host_gives_eight_values() {
    assert_eq!(collect(&mut *collector("loadavg", &fixture("loadavg/testdata/linux-6"), ""), 0).len(), 8);
}

#[test]
fn without_a_list_of_processors_nothing_is_normalized() {
    for online in ["", "3-1\n", "0-18446744073709551615\n"] {
        let host = host(&[("proc/loadavg", "1.50 0.80 0.30 3/412 9912\n"), ("sys/devices/system/cpu/online", online)]);
        assert_eq!(collect(&mut *collector("loadavg", host.path(), ""), 0).len(), 5, "{online}");
    }
}

#[test]
fn simple_gives_the_load_of_one_minute() {
    let samples = collect(&mut *collector("loadavg", &fixture("loadavg/testdata/linux-6"), "simple = true"), 0);
    let names: Vec<&str> = samples.keys().map(String::as_str).collect();
    assert_eq!(names, ["loadavg.load", "loadavg.load_normalized"]);
}

#[test]
fn a_changed_format_is_an_error() {
    for contents in ["", "1.5 0.8", "nan nan nan 1/2 3", "1.5 0.8 0.3 12 9"] {
        let host = host(&[("proc/loadavg", contents)]);
        assert!(try_collect(&mut *collector("loadavg", host.path(), ""), 0).is_err(), "{contents:?}");
    }
}
