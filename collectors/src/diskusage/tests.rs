use std::fs;

use crate::testing::{collect, collector, fixture, host, raw, try_collect};

fn sda(columns: &str) -> String {
    format!("   7       0 loop0 1 2 3 4 5 6 7 8 9 10 11\n   8       0 sda {columns}\n")
}

#[test]
fn a_recorded_disk_that_rests_is_not_sent_unless_asked_for() {
    let root = fixture("diskusage/testdata/linux-6");
    let mut quiet = collector("diskusage", &root, "");
    collect(&mut *quiet, 0);
    assert!(collect(&mut *quiet, 10).is_empty());
    let mut all = collector("diskusage", &root, "send-zero = true");
    assert!(collect(&mut *all, 0).is_empty(), "nothing is known after the first run");
    let samples = collect(&mut *all, 10);
    assert_eq!(samples.len(), 27);
    assert_eq!(raw(&samples["iostat.vda.await"]), 0.0);
}

#[test]
fn what_a_disk_did_is_told_over_measured_time() {
    let host = host(&[("proc/diskstats", &sda("100 0 1000 500 10 0 80 100 0 1000 2000"))]);
    let mut disks = collector("diskusage", host.path(), "");
    collect(&mut *disks, 0);
    fs::write(host.path().join("proc/diskstats"), sda("120 4 1160 540 20 0 160 200 3 3000 6000 1 2 3 4 5 6")).unwrap();
    let samples = collect(&mut *disks, 8);
    let value = |name: &str| raw(&samples[&format!("iostat.sda.{name}")]);
    assert_eq!(value("reads"), 20.0);
    assert_eq!(value("reads_byte"), 81_920.0);
    assert_eq!(value("read_byte_per_second"), 10_240.0);
    assert_eq!(value("iops"), 3.75);
    assert_eq!(value("read_await"), 2.0);
    assert_eq!(value("write_await"), 10.0);
    assert_eq!(value("util_percentage"), 25.0);
    assert_eq!(value("average_queue_length"), 0.5);
    assert_eq!(value("io_in_progress"), 3.0);
    assert_eq!(samples.len(), 27);
}

#[test]
fn milliseconds_go_round_at_32_bits() {
    let host = host(&[("proc/diskstats", &sda("1 0 0 4294967290 0 0 0 0 0 0 0"))]);
    let mut disks = collector("diskusage", host.path(), "");
    collect(&mut *disks, 0);
    fs::write(host.path().join("proc/diskstats"), sda("2 0 0 4 0 0 0 0 0 0 0")).unwrap();
    assert_eq!(raw(&collect(&mut *disks, 10)["iostat.sda.reads_milliseconds"]), 10.0);
}

#[test]
fn a_disk_that_begins_anew_gives_nothing_once() {
    let host = host(&[("proc/diskstats", &sda("100 0 1000 500 10 0 80 100 0 1000 2000"))]);
    let mut disks = collector("diskusage", host.path(), "");
    collect(&mut *disks, 0);
    for (secs, columns, expected) in [(10, "5 0 0 0 0 0 0 0 0 0 0", 0), (20, "6 0 0 0 0 0 0 0 0 0 0", 27)] {
        fs::write(host.path().join("proc/diskstats"), sda(columns)).unwrap();
        assert_eq!(collect(&mut *disks, secs).len(), expected);
    }
}

#[test]
fn devices_are_chosen_by_pattern() {
    let disk = |name: &str| format!("8 0 {name} 1 0 0 0 0 0 0 0 0 0 0\n");
    let names = ["sda", "sda1", "vdb", "xvda", "md0", "dm-3", "nvme0n1", "nvme0n1p2", "loop0", "ram1", "zram0", "sr0"];
    let host = host(&[("proc/diskstats", &names.map(disk).concat())]);
    let chosen = |options: &str| {
        let mut disks = collector("diskusage", host.path(), &format!("send-zero = true\n{options}"));
        collect(&mut *disks, 0);
        collect(&mut *disks, 10).len() / 27
    };
    assert_eq!(chosen(""), 8);
    assert_eq!(chosen("devices = 'sd'"), 2);
    assert_eq!(chosen("devices = 'a'"), 0, "from the start of the name");
}

#[test]
fn a_wrong_pattern_or_count_is_named() {
    let entry = crate::COLLECTORS.iter().find(|entry| entry.name == "diskusage").unwrap();
    let options = toml::from_str("devices = '(sd'").unwrap();
    let error = (entry.build)(&crate::Site::default(), options).err().unwrap().to_string();
    assert!(error.contains("(sd"), "{error}");
    let host = host(&[("proc/diskstats", &sda("1 2 x 4 5 6 7 8 9 10 11"))]);
    let fail = try_collect(&mut *collector("diskusage", host.path(), ""), 0).unwrap_err();
    assert!(fail.to_string().contains("line 2: expected a count, found `x`"), "{fail}");
}
