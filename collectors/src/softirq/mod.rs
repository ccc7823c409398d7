//! How often each kind of soft interrupt ran, from the `softirq` line of `/proc/stat`. Names are those of Diamond's
//! SoftInterruptCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number};
use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// The columns of the line: the sum, then a kind each. A newer kernel's kinds beyond these are left out.
const KINDS: [&str; 17] =
    ["total", "0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];

/// `[collectors.softirq]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Softirq {
    stat: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    Ok(Box::new(Softirq { stat: ProcFile::made_at_once(site.path("proc/stat")) }))
}

impl Collector for Softirq {
    fn spec(&self) -> Spec {
        Spec { name: "softirq", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, stat) = self.stat.read()?;
        let Some((at, line)) = lines(stat).find(|(_, line)| line.starts_with(b"softirq ")) else {
            return Err(Fail::parse(path, 1, "a line that begins with `softirq` somewhere", stat));
        };
        for (kind, count) in KINDS.iter().zip(fields(line).skip(1)) {
            let count = number(count).ok_or_else(|| Fail::parse(path, at, "a count", count))?;
            out.counter(&["softirq", kind], count, Bits::B64).whole();
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
