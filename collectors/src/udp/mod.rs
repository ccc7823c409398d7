//! What UDP went through, from `/proc/net/snmp`. Names are those of Diamond's UDPCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::ProcFile;
use crate::snmp::{group, publish_count};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// `[collectors.udp]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Names that are published; all when empty.
    names: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        let names = ["InDatagrams", "NoPorts", "InErrors", "OutDatagrams", "RcvbufErrors", "SndbufErrors"];
        Options { names: names.map(str::to_owned).to_vec() }
    }
}

struct Udp {
    options: Options,
    snmp: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Udp { options: options.try_into()?, snmp: ProcFile::made_at_once(site.path("proc/net/snmp")) }))
}

impl Collector for Udp {
    fn spec(&self) -> Spec {
        Spec { name: "udp", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, snmp) = self.snmp.read()?;
        group(path, snmp, b"Udp:", &self.options.names, |name, value| publish_count(&["udp", name], value, out))
    }
}

#[cfg(test)]
mod tests;
