use crate::Fail;
use crate::testing::{collect, collector, host, raw, try_collect};

#[test]
fn zones_are_counted_within_their_type() {
    let zone = |number: u32, kind: &str, temp: &str| {
        let folder = format!("sys/class/thermal/thermal_zone{number}");
        [(format!("{folder}/type"), kind.to_owned()), (format!("{folder}/temp"), temp.to_owned())]
    };
    let files = [zone(10, "acpitz\n", "-5000\n"), zone(2, "acpitz\n", "27800\n"), zone(3, "x86 pkg.temp\n", "51000\n")]
        .concat();
    let files: Vec<_> = files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    let host = host(&files);
    let samples = collect(&mut *collector("thermal", host.path(), ""), 0);
    assert_eq!(raw(&samples["thermal.zone.acpitz.0"]), 27.8);
    assert_eq!(raw(&samples["thermal.zone.acpitz.1"]), -5.0);
    assert_eq!(raw(&samples["thermal.zone.x86_pkg_temp.0"]), 51.0);
}

#[test]
fn throttling_is_counted_for_each_processor() {
    let path = "sys/devices/system/cpu/cpu1/thermal_throttle/core_throttle_count";
    let host = host(&[(path, "12\n"), ("sys/devices/system/cpu/cpufreq/x", "")]);
    let samples = collect(&mut *collector("thermal", host.path(), ""), 0);
    assert_eq!(raw(&samples["thermal.throttle.cpu1.core"]), 12.0);
    assert_eq!(samples.len(), 1);
}

#[test]
fn a_host_without_zones_is_quiet_and_one_bad_zone_does_not_silence_the_others() {
    let bare = host(&[]);
    assert!(matches!(try_collect(&mut *collector("thermal", bare.path(), ""), 0), Err(Fail::Absent { .. })));
    let mut one = collector("thermal", bare.path(), "");
    let zone = bare.path().join("sys/class/thermal/thermal_zone0");
    std::fs::create_dir_all(&zone).unwrap();
    std::fs::write(zone.join("type"), "soc").unwrap();
    std::fs::write(zone.join("temp"), "").unwrap();
    let fail = try_collect(&mut *one, 0).unwrap_err();
    assert!(fail.to_string().contains("expected thousandths of a degree"), "{fail}");
}
