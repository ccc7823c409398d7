//! The host basics where there is no `/proc`: what the `sysinfo` crate can tell, under the names that the Linux
//! collectors use for the same thing.
//!
//! Off on Linux, where the collectors of those names tell more and cost a tenth.

use std::time::Duration;

use serde::Deserialize;
use sysinfo::{Disks, Networks, System};

use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec, Unit};

/// `[collectors.sysinfo]` has no options of its own.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

/// What the system at hand does not support is `None`.
struct SysInfo {
    system: Option<System>,
    disks: Option<Disks>,
    networks: Option<Networks>,
    /// A share of processor time needs an earlier look.
    looked_before: bool,
}

pub(crate) fn build(_: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    let (system, disks, networks) = (System::new().ok(), Disks::new().ok(), Networks::new().ok());
    Ok(Box::new(SysInfo { system, disks, networks, looked_before: false }))
}

impl Collector for SysInfo {
    fn spec(&self) -> Spec {
        Spec { name: "sysinfo", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        if let Some(system) = &mut self.system {
            processors(system, self.looked_before, out);
            memory(system, out);
            self.looked_before = true;
        }
        if let Some(disks) = &mut self.disks {
            space(disks, out);
        }
        if let Some(networks) = &mut self.networks {
            traffic(networks, out);
        }
        if out.is_empty() { Err(Fail::Absent { what: "anything that sysinfo supports".to_owned() }) } else { Ok(()) }
    }
}

fn processors(system: &mut System, looked_before: bool, out: &mut Out) {
    system.refresh_cpu_usage();
    out.gauge(&["cpu", "cpu_count"], system.cpus().len() as f64).decimals(2);
    if looked_before {
        out.gauge(&["cpu", "percent"], system.global_cpu_usage().into()).decimals(4).unit(Unit::Percent);
    }
    let Ok(load) = System::load_average() else { return };
    for (name, load) in [("01", load.one), ("05", load.five), ("15", load.fifteen)] {
        out.gauge(&["loadavg", name], load).decimals(2);
    }
}

fn memory(system: &mut System, out: &mut Out) {
    system.refresh_memory();
    let sizes = [
        ("MemTotal", system.total_memory()),
        ("MemFree", system.free_memory()),
        ("MemAvailable", system.available_memory()),
        ("SwapTotal", system.total_swap()),
        ("SwapFree", system.free_swap()),
    ];
    for (name, bytes) in sizes {
        out.gauge(&["memory", name], bytes as f64).unit(Unit::Bytes);
    }
    if system.total_memory() > 0 {
        let used = 1.0 - system.available_memory() as f64 / system.total_memory() as f64;
        out.gauge(&["memory", "MemUsedPercentage"], 100.0 * used).unit(Unit::Percent);
    }
}

fn space(disks: &mut Disks, out: &mut Out) {
    disks.refresh(true);
    let mut seen = Vec::new();
    for disk in disks.iter() {
        // Several file systems can be mounted over one point; only the last is to be seen, but all answer alike.
        if seen.contains(&disk.mount_point()) {
            continue;
        }
        seen.push(disk.mount_point());
        let point = disk.mount_point().to_string_lossy();
        let name = if point == "/" { "root".to_owned() } else { point.replace(['/', '.'], "_") };
        let avail = disk.available_space() as f64;
        let used = (disk.total_space() as f64 - avail).max(0.0);
        out.gauge(&["diskspace", &name, "byte_avail"], avail).decimals(2).unit(Unit::Bytes);
        out.gauge(&["diskspace", &name, "byte_used"], used).decimals(2).unit(Unit::Bytes);
    }
}

fn traffic(networks: &mut Networks, out: &mut Out) {
    networks.refresh(true);
    for (interface, data) in networks.iter() {
        let interface = interface.to_string_lossy();
        let mut counter = |name: &str, count: u64, unit: Unit| {
            out.counter(&["network", &interface, name], count, Bits::B64).unit(unit);
        };
        counter("rx_byte", data.total_received(), Unit::Bytes);
        counter("tx_byte", data.total_transmitted(), Unit::Bytes);
        counter("rx_packets", data.total_packets_received(), Unit::None);
        counter("tx_packets", data.total_packets_transmitted(), Unit::None);
        counter("rx_errors", data.total_errors_on_received(), Unit::None);
        counter("tx_errors", data.total_errors_on_transmitted(), Unit::None);
    }
}

#[cfg(test)]
mod tests;
