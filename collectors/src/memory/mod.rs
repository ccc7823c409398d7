//! Memory use as `/proc/meminfo` reports it, in bytes. Names are those of Diamond's MemoryCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number, text};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec, Unit};

/// What is published without `detailed`.
const FIELDS: [&str; 16] = [
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "Active",
    "Dirty",
    "Inactive",
    "Shmem",
    "SwapTotal",
    "SwapFree",
    "SwapCached",
    "VmallocTotal",
    "VmallocUsed",
    "VmallocChunk",
    "Committed_AS",
];

/// `[collectors.memory]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Every line that has a unit. Default false.
    detailed: bool,
}

struct Memory {
    options: Options,
    meminfo: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Memory { options: options.try_into()?, meminfo: ProcFile::made_at_once(site.path("proc/meminfo")) }))
}

impl Collector for Memory {
    fn spec(&self) -> Spec {
        Spec { name: "memory", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, meminfo) = self.meminfo.read()?;
        let (mut total, mut available) = (None, None);
        for (at, line) in lines(meminfo) {
            // A line without unit counts pages or objects, not memory.
            let mut columns = fields(line);
            let (Some(name), Some(size), Some(b"kB")) = (columns.next(), columns.next(), columns.next()) else {
                continue;
            };
            let Some(name) = text(name).map(|name| name.trim_end_matches(':')) else { continue };
            if !self.options.detailed && !FIELDS.contains(&name) {
                continue;
            }
            let size = number(size).ok_or_else(|| Fail::parse(path, at, "a number of kB", size))?;
            let bytes = size as f64 * 1024.0;
            match name {
                "MemTotal" => total = Some(bytes),
                "MemAvailable" => available = Some(bytes),
                _ => {}
            }
            out.gauge(&["memory", name], bytes).unit(Unit::Bytes);
        }
        let Some(total) = total.filter(|total| *total > 0.0) else {
            return Err(Fail::parse(path, 1, "a line `MemTotal: NUMBER kB` somewhere", meminfo));
        };
        if let Some(available) = available {
            out.gauge(&["memory", "MemUsedPercentage"], 100.0 * (total - available) / total).unit(Unit::Percent);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
