//! How warm the zones of this host are, and how often its processors were slowed down for it. Diamond has no such
//! collector.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, number, text};
use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// No host has as many zones or processors.
const MOST: usize = 4096;
/// Runs after which zones and processors are looked for again.
const FRESH: u32 = 60;

/// `[collectors.thermal]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Thermal {
    zones: PathBuf,
    cpus: PathBuf,
    found: Vec<Reading>,
    runs: u32,
}

/// A file with one number, and what it is called.
struct Reading {
    parts: [String; 3],
    counts: bool,
    file: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    let (zones, cpus) = (site.path("sys/class/thermal"), site.path("sys/devices/system/cpu"));
    Ok(Box::new(Thermal { zones, cpus, found: Vec::new(), runs: 0 }))
}

impl Collector for Thermal {
    fn spec(&self) -> Spec {
        // A zone may ask its firmware.
        Spec { name: "thermal", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        if self.runs.is_multiple_of(FRESH) {
            self.found = find_zones(&self.zones);
            self.found.extend(find_throttles(&self.cpus));
        }
        self.runs = self.runs.wrapping_add(1);
        if self.found.is_empty() {
            return Err(Fail::Absent { what: self.zones.display().to_string() });
        }
        let mut result = Ok(());
        for reading in &mut self.found {
            match reading.publish(out) {
                // A zone that is off gives no data and no other trouble.
                Ok(()) | Err(Fail::Absent { .. }) => {}
                Err(Fail::Read { source, .. }) if source.raw_os_error().is_some() => {}
                Err(fail) => result = Err(fail),
            }
        }
        result
    }
}

impl Reading {
    fn publish(&mut self, out: &mut Out) -> Result<(), Fail> {
        let (path, value) = self.file.read()?;
        let value = value.trim_ascii();
        let parts = self.parts.each_ref().map(String::as_str);
        if self.counts {
            let count = number(value).ok_or_else(|| Fail::parse(path, 1, "a count", value))?;
            out.counter(&["thermal", parts[0], parts[1], parts[2]], count, Bits::B64).decimals(3);
        } else {
            let millidegrees: Option<i64> = text(value).and_then(|value| value.parse().ok());
            let millidegrees = millidegrees.ok_or_else(|| Fail::parse(path, 1, "thousandths of a degree", value))?;
            out.gauge(&["thermal", parts[0], parts[1], parts[2]], millidegrees as f64 / 1000.0).decimals(1);
        }
        Ok(())
    }
}

/// `zone.TYPE.N` for the Nth zone of its type, in the order of the kernel's numbers.
fn find_zones(folder: &Path) -> Vec<Reading> {
    let mut counted = BTreeMap::<String, usize>::new();
    numbered(folder, "thermal_zone")
        .into_values()
        .filter_map(|zone| {
            let mut file = ProcFile::new(zone.join("type"));
            let kind = file.read().ok().and_then(|(_, kind)| text(kind.trim_ascii()).map(str::to_owned))?;
            let nth = counted.entry(kind.clone()).or_default();
            let parts = ["zone".to_owned(), kind, nth.to_string()];
            *nth += 1;
            Some(Reading { parts, counts: false, file: ProcFile::new(zone.join("temp")) })
        })
        .collect()
}

/// `throttle.cpuN.{core,package}`.
fn find_throttles(folder: &Path) -> Vec<Reading> {
    let cpus = numbered(folder, "cpu").into_iter().flat_map(|(number, cpu)| {
        ["core", "package"].map(|kind| {
            let path = cpu.join("thermal_throttle").join(format!("{kind}_throttle_count"));
            (path, ["throttle".to_owned(), format!("cpu{number}"), kind.to_owned()])
        })
    });
    cpus.filter(|(path, _)| path.is_file())
        .map(|(path, parts)| Reading { parts, counts: true, file: ProcFile::new(path) })
        .collect()
}

/// The entries of `folder` that are called `begin` and a number, by that number.
fn numbered(folder: &Path, begin: &str) -> BTreeMap<u64, PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return BTreeMap::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let name = entry.file_name();
            Some((number(name.to_str()?.strip_prefix(begin)?.as_bytes())?, entry.path()))
        })
        .take(MOST)
        .collect()
}

#[cfg(test)]
mod tests;
