use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

use crate::Fail;
use crate::testing::{collect, collector, host, raw, try_collect};

/// Adds a chip to the host below `root`: its number, the device it belongs to, the bus of that, and its files.
fn chip(root: &Path, number: u32, device: &str, bus: &str, files: &[(&str, &str)]) {
    let device = root.join("sys/devices").join(device);
    let chip = device.join(format!("hwmon/hwmon{number}"));
    let class = root.join("sys/class/hwmon");
    let subsystem = root.join("sys/bus").join(bus);
    for folder in [&chip, &class, &subsystem] {
        fs::create_dir_all(folder).unwrap();
    }
    for (file, text) in files {
        fs::write(chip.join(file), text).unwrap();
    }
    symlink(&device, chip.join("device")).unwrap();
    symlink(&chip, class.join(format!("hwmon{number}"))).unwrap();
    let _ = symlink(subsystem, device.join("subsystem"));
}

#[test]
fn chips_are_called_as_libsensors_calls_them() {
    let host = host(&[]);
    let temp: &[_] = &[("temp1_input", "42500\n")];
    let named = |name| [&[("name", name)], temp].concat();
    chip(host.path(), 0, "platform/coretemp.0", "platform", &named("coretemp\n"));
    chip(host.path(), 1, "pci0000:00/0000:01:00.0", "pci", &[]);
    chip(host.path(), 2, "pci0000:00/0000:01:00.0/nvme/nvme0", "nvme", &named("nvme\n"));
    chip(host.path(), 3, "pci0000:00/0000:00:18.3", "pci", &named("k10temp\n"));
    chip(host.path(), 4, "i2c-0/0-002d", "i2c", &named("w83795g\n"));
    chip(host.path(), 5, "usb/0003:1B1C:0C10.0005", "hid", &named("corsair\n"));
    chip(host.path(), 6, "ata1/0:0:0:0", "scsi", &named("drivetemp\n"));
    chip(host.path(), 7, "acpi/LNXTHERM:00", "acpi", &named("acpitz\n"));
    let samples = collect(&mut *collector("sensors", host.path(), ""), 0);
    let names: Vec<&str> = samples.keys().map(|name| name.strip_prefix("sensors.").unwrap()).collect();
    assert_eq!(
        names,
        [
            "acpitz-acpi-0.temp1",
            "coretemp-isa-0000.temp1",
            "corsair-hid-3-5.temp1",
            "drivetemp-scsi-0-0.temp1",
            "k10temp-pci-00c3.temp1",
            "nvme-pci-0100.temp1",
            "w83795g-i2c-0-2d.temp1",
        ]
    );
    assert_eq!(raw(&samples["sensors.k10temp-pci-00c3.temp1"]), 42.5);
}

#[test]
fn labels_and_units_are_those_of_the_chip() {
    let host = host(&[
        ("sys/class/hwmon/hwmon0/name", "nct6775\n"),
        ("sys/class/hwmon/hwmon0/in0_input", "1096\n"),
        ("sys/class/hwmon/hwmon0/in0_label", "+12V rail A\n"),
        ("sys/class/hwmon/hwmon0/fan2_input", "1180\n"),
        ("sys/class/hwmon/hwmon0/power1_average", "21500000\n"),
        ("sys/class/hwmon/hwmon0/temp1_max", "90000\n"),
        ("sys/class/hwmon/hwmon0/beep_input", "1\n"),
    ]);
    let samples = collect(&mut *collector("sensors", host.path(), ""), 0);
    assert_eq!(samples.len(), 3);
    assert_eq!(raw(&samples["sensors.nct6775-virtual-0.+12V-rail-A"]), 1.096);
    assert_eq!(raw(&samples["sensors.nct6775-virtual-0.fan2"]), 1180.0);
    assert_eq!(raw(&samples["sensors.nct6775-virtual-0.power1"]), 21.5);
}

#[test]
fn one_bad_sensor_does_not_silence_the_others() {
    let host = host(&[
        ("sys/class/hwmon/hwmon0/name", "it87\n"),
        ("sys/class/hwmon/hwmon0/temp1_input", "warm\n"),
        ("sys/class/hwmon/hwmon0/temp2_input", "30000\n"),
    ]);
    let mut out = crate::Out::default();
    let slot = crate::testing::slot(0);
    out.begin(slot);
    let fail = collector("sensors", host.path(), "").run(slot, &mut out).unwrap_err();
    assert!(fail.to_string().contains("expected a whole number, found `warm`"), "{fail}");
    assert_eq!(out.len(), 1);
}

#[test]
fn a_sensor_without_value_is_left_out_or_zero() {
    let host = host(&[("sys/class/hwmon/hwmon0/name", "it87\n"), ("sys/class/hwmon/hwmon0/fan1_input/x", "")]);
    assert!(collect(&mut *collector("sensors", host.path(), ""), 0).is_empty());
    let samples = collect(&mut *collector("sensors", host.path(), "send-zero = true"), 0);
    assert_eq!(raw(&samples["sensors.it87-virtual-0.fan1"]), 0.0);
}

#[test]
fn a_host_without_chips_is_quiet() {
    let bare = host(&[]);
    assert!(matches!(try_collect(&mut *collector("sensors", bare.path(), ""), 0), Err(Fail::Absent { .. })));
}
