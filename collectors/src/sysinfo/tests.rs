use std::path::Path;

use crate::Unit;
use crate::testing::{collect, collector, raw};

#[test]
fn this_host_has_processors_memory_and_a_load() {
    let mut sysinfo = collector("sysinfo", Path::new("/"), "");
    let first = collect(&mut *sysinfo, 0);
    assert!(raw(&first["cpu.cpu_count"]) >= 1.0);
    assert!(raw(&first["memory.MemTotal"]) >= raw(&first["memory.MemFree"]));
    assert_eq!(first["memory.MemTotal"].unit, Unit::Bytes);
    assert!(raw(&first["loadavg.01"]) >= 0.0);
    assert!(!first.contains_key("cpu.percent"), "a share of time needs two looks");
    let second = collect(&mut *sysinfo, 10);
    assert!((0.0..=100.0).contains(&raw(&second["cpu.percent"])));
}
