//! What the IP layers went through, from `/proc/net/snmp` and `/proc/net/snmp6`. Names are those of Diamond's
//! IPCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number, text};
use crate::snmp::{group, publish_count, wanted};
use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// What does not count packets but says how things are set.
const GAUGES: [&str; 2] = ["Forwarding", "DefaultTTL"];

/// `[collectors.ip]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Names that are published, of both versions; all when empty.
    names: Vec<String>,
}

impl Default for Options {
    fn default() -> Options {
        let names = [
            "InAddrErrors",
            "InDelivers",
            "InDiscards",
            "InHdrErrors",
            "InReceives",
            "InUnknownProtos",
            "OutDiscards",
            "OutNoRoutes",
            "OutRequests",
        ];
        Options { names: names.map(str::to_owned).to_vec() }
    }
}

struct Ip {
    options: Options,
    snmp: ProcFile,
    snmp6: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let snmp = ProcFile::made_at_once(site.path("proc/net/snmp"));
    let snmp6 = ProcFile::made_at_once(site.path("proc/net/snmp6"));
    Ok(Box::new(Ip { options: options.try_into()?, snmp, snmp6 }))
}

impl Collector for Ip {
    fn spec(&self) -> Spec {
        Spec { name: "ip", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, snmp) = self.snmp.read()?;
        group(path, snmp, b"Ip:", &self.options.names, |name, value| {
            if GAUGES.contains(&name) {
                out.gauge(&["ip", name], value as f64);
            } else {
                publish_count(&["ip", name], value, out);
            }
        })?;
        match self.snmp6.read() {
            Ok((path, snmp6)) => {
                for (at, line) in lines(snmp6) {
                    let mut columns = fields(line);
                    let (Some(name), Some(count)) = (columns.next().and_then(text), columns.next()) else { continue };
                    // Icmp6 and Udp6 follow in the same file.
                    if name.strip_prefix("Ip6").is_some_and(|bare| wanted(&self.options.names, bare)) {
                        let count = number(count).ok_or_else(|| Fail::parse(path, at, "a count", count))?;
                        out.counter(&["ip", name], count, Bits::B64);
                    }
                }
                Ok(())
            }
            // A kernel without IPv6.
            Err(Fail::Absent { .. }) => Ok(()),
            Err(fail) => Err(fail),
        }
    }
}

#[cfg(test)]
mod tests;
