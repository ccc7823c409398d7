use crate::Value;
use crate::testing::{collect, collector, fixture, host, like_diamond, raw, try_collect};

#[test]
fn an_interrupt_is_called_by_chip_device_and_number() {
    let root = fixture("interrupts/testdata/linux-6");
    let samples = collect(&mut *collector("interrupts", &root, ""), 0);
    assert_eq!(raw(&samples["interrupts.IO-APIC.4-edge______ttyS0.26.CPU1"]), 9.0);
    assert_eq!(raw(&samples["interrupts.PCI-MSIX-0000:00:02.0.1-edge______virtio1-req.0.36.total"]), 384_744.0);
    assert_eq!(raw(&samples["interrupts.LOC.total"]), 1_279_018.0 + 1_309_487.0);
    assert!(samples.contains_key("interrupts.ERR"));
}

#[test]
fn the_total_stands_alone_when_processors_are_not_asked_for() {
    let root = fixture("interrupts/testdata/linux-6");
    let samples = collect(&mut *collector("interrupts", &root, "percpu = false"), 0);
    assert_eq!(samples.len(), 35);
    assert!(!samples.keys().any(|name| name.contains("CPU")));
}

#[test]
fn the_kernels_own_are_called_by_their_description_where_processors_are_not_two() {
    let host = host(&[(
        "proc/interrupts",
        "      CPU0\nLOC:   5   Local timer interrupts\n 9:  1  IO-APIC  9-fasteoi  acpi\n",
    )]);
    let samples = collect(&mut *collector("interrupts", host.path(), ""), 0);
    assert_eq!(raw(&samples["interrupts.Local_timer_interrupts.CPU0"]), 5.0);
    assert_eq!(raw(&samples["interrupts.IO-APIC.9-fasteoi__acpi.9.total"]), 1.0);
}

#[test]
fn lines_that_are_cut_give_what_they_have() {
    let cut = host(&[("proc/interrupts", "  CPU0  CPU3\n 1:\n 22: 1 2\n 7: 4 5 X")]);
    let samples = collect(&mut *collector("interrupts", cut.path(), ""), 0);
    assert_eq!(raw(&samples["interrupts.X._.7.CPU3"]), 5.0);
}

#[test]
fn what_is_no_table_or_no_count_is_named() {
    for (table, expected) in [
        ("", "names CPU0"),
        (" CPU0 CPU1\n 1: 5 six IO-APIC x\n", "line 2: expected a count of interrupts, found `six`"),
    ] {
        let host = host(&[("proc/interrupts", table)]);
        let fail = try_collect(&mut *collector("interrupts", host.path(), ""), 0).unwrap_err();
        assert!(fail.to_string().contains(expected), "{fail}");
    }
}

#[test]
fn following_diamond_processors_are_counted_and_totals_are_made_of_what_is_sent() {
    let host = host(&[("proc/interrupts", "  CPU0  CPU2\n 1: 5 6 IO-APIC x y\n")]);
    let samples = collect(&mut *like_diamond("interrupts", host.path(), ""), 0);
    let names: Vec<&str> = samples.keys().map(|name| name.rsplit('.').next().unwrap()).collect();
    assert_eq!(names, ["CPU0", "CPU1", "total"]);
    assert!(samples.values().any(|sample| sample.value == Value::SumOf(2)));
}
