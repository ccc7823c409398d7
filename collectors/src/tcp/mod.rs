//! What TCP went through, from `/proc/net/netstat` and `/proc/net/snmp`. Names are those of Diamond's TCPCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::ProcFile;
use crate::snmp::{group, publish_count};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// What does not count events but says how things stand.
const GAUGES: [&str; 5] = ["CurrEstab", "MaxConn", "RtoAlgorithm", "RtoMin", "RtoMax"];

/// `[collectors.tcp]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Names that are published; all when empty.
    names: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        let names = [
            "ListenOverflows",
            "ListenDrops",
            "TCPLoss",
            "TCPTimeouts",
            "TCPFastRetrans",
            "TCPLostRetransmit",
            "TCPForwardRetrans",
            "TCPSlowStartRetrans",
            "CurrEstab",
            "TCPAbortOnMemory",
            "TCPBacklogDrop",
            "AttemptFails",
            "EstabResets",
            "InErrs",
            "ActiveOpens",
            "PassiveOpens",
        ];
        Options { names: names.map(str::to_owned).to_vec() }
    }
}

struct Tcp {
    options: Options,
    netstat: ProcFile,
    snmp: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let netstat = ProcFile::made_at_once(site.path("proc/net/netstat"));
    let snmp = ProcFile::made_at_once(site.path("proc/net/snmp"));
    Ok(Box::new(Tcp { options: options.try_into()?, netstat, snmp }))
}

impl Collector for Tcp {
    fn spec(&self) -> Spec {
        Spec { name: "tcp", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        for (file, rows) in [(&mut self.netstat, b"TcpExt:".as_slice()), (&mut self.snmp, b"Tcp:")] {
            let (path, table) = file.read()?;
            group(path, table, rows, &self.options.names, |name, value| {
                if GAUGES.contains(&name) {
                    out.gauge(&["tcp", name], value as f64);
                } else {
                    publish_count(&["tcp", name], value, out);
                }
            })?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
