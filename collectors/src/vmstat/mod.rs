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
    /// Bytes of the file within which all names were found the last time, and some more.
    enough: usize,
}

/// How much longer the lines may have become since: counters get a digit now and then.
const GROWTH: usize = 256;

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Vmstat {
        options: options.try_into()?,
        vmstat: ProcFile::of_lines_below(128, site.path("proc/vmstat")),
        enough: usize::MAX,
    }))
}

impl Collector for Vmstat {
    fn spec(&self) -> Spec {
        Spec { name: "vmstat", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (mark, most) = (out.mark(), self.enough);
        if !self.publish(most, out)? && most < usize::MAX {
            out.rewind(mark);
            self.publish(usize::MAX, out)?;
        }
        Ok(())
    }
}

impl Vmstat {
    /// Publishes what lies within the first `most` bytes, and gives whether that is all.
    fn publish(&mut self, most: usize, out: &mut Out) -> Result<bool, Fail> {
        let (path, vmstat) = self.vmstat.read_first(most)?;
        let (mut missing, mut passed) = (self.options.names.len(), 0);
        for (at, line) in lines(vmstat) {
            if missing == 0 {
                break;
            }
            passed += line.len() + 1;
            let mut columns = fields(line);
            let (Some(name), Some(count)) = (columns.next(), columns.next()) else { continue };
            if let Some(name) = self.options.names.iter().find(|wanted| wanted.as_bytes() == name) {
                let count = number(count).ok_or_else(|| Fail::parse(path, at, "a count", count))?;
                out.counter(&["vmstat", name], count, Bits::B64).decimals(2);
                missing -= 1;
            }
        }
        self.enough = if missing == 0 { passed + GROWTH } else { usize::MAX };
        Ok(missing == 0)
    }
}

#[cfg(test)]
mod tests;
