use crate::Unit;
use crate::testing::{collect, collector, fixture, host, raw, try_collect};

#[test]
fn kilobytes_become_bytes() {
    let samples = collect(&mut *collector("memory", &fixture("memory/testdata/linux-6"), ""), 0);
    assert_eq!(raw(&samples["memory.MemTotal"]), 24684096.0 * 1024.0);
    assert_eq!(samples["memory.MemTotal"].unit, Unit::Bytes);
    assert_eq!(samples.len(), 17);
}

#[test]
fn detailed_adds_every_line_with_a_unit() {
    let samples = collect(&mut *collector("memory", &fixture("memory/testdata/linux-6"), "detailed = true"), 0);
    assert!(samples.contains_key("memory.KernelStack"));
    assert!(samples.contains_key("memory.Active(anon)"));
    assert!(!samples.contains_key("memory.HugePages_Total"), "a number of pages is not a size");
}

#[test]
fn the_used_share_is_what_is_not_available() {
    let host = host(&[("proc/meminfo", "MemTotal: 200 kB\nMemFree: 10 kB\nMemAvailable: 50 kB\n")]);
    let samples = collect(&mut *collector("memory", host.path(), ""), 0);
    assert_eq!(raw(&samples["memory.MemUsedPercentage"]), 75.0);
}

#[test]
fn a_kernel_without_memavailable_has_no_used_share() {
    let host = host(&[("proc/meminfo", "MemTotal: 200 kB\nMemFree: 10 kB\n")]);
    assert_eq!(collect(&mut *collector("memory", host.path(), ""), 0).len(), 2);
}

#[test]
fn a_file_that_is_no_meminfo_is_an_error() {
    for contents in ["", "garbage\0\n", "MemTotal: many kB\n", "MemTotal: 0 kB\n"] {
        let host = host(&[("proc/meminfo", contents)]);
        assert!(try_collect(&mut *collector("memory", host.path(), ""), 0).is_err(), "{contents:?}");
    }
}
