//! Paging and swapping, as `/proc/vmstat` counts them. Names and units are those of Diamond's VMStatCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number};
use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// `[collectors.vmstat]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Counters of the file that are published.
    names: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        let names = ["pgfault", "pgmajfault", "pgpgin", "pgpgout", "pswpin", "pswpout"];
        Options { names: names.map(str::to_owned).to_vec() }
    }
}

struct Vmstat {
    options: Options,
    vmstat: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Vmstat {
        options: options.try_into()?,
        vmstat: ProcFile::of_lines_below(128, site.path("proc/vmstat")),
    }))
}

impl Collector for Vmstat {
    fn spec(&self) -> Spec {
        Spec { name: "vmstat", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, vmstat) = self.vmstat.read()?;
        let mut missing = self.options.names.len();
        for (at, line) in lines(vmstat) {
            if missing == 0 {
                break;
            }
            let mut columns = fields(line);
            let (Some(name), Some(count)) = (columns.next(), columns.next()) else { continue };
            if let Some(name) = self.options.names.iter().find(|wanted| wanted.as_bytes() == name) {
                let count = number(count).ok_or_else(|| Fail::parse(path, at, "a count", count))?;
                out.counter(&["vmstat", name], count, Bits::B64).decimals(2);
                missing -= 1;
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
