//! How many bits of entropy the kernel has gathered. The name is that of Diamond's EntropyStatCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, number};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// `[collectors.entropy]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Entropy {
    available: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    Ok(Box::new(Entropy { available: ProcFile::made_at_once(site.path("proc/sys/kernel/random/entropy_avail")) }))
}

impl Collector for Entropy {
    fn spec(&self) -> Spec {
        Spec { name: "entropy", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, available) = self.available.read()?;
        let bits = number(available.trim_ascii()).ok_or_else(|| Fail::parse(path, 1, "a number of bits", available))?;
        out.gauge(&["entropy", "available"], bits as f64);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
