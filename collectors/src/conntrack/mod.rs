//! How many connections the packet filter follows. Names are those of Diamond's ConnTrackCollector, which says `ip_` for
//! the files of old kernels and of new ones.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, number};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// Where a kernel may have the files; the first that is there counts.
const PLACES: [&str; 3] = [
    "proc/sys/net/netfilter/nf_conntrack_",
    "proc/sys/net/ipv4/netfilter/nf_conntrack_",
    "proc/sys/net/ipv4/netfilter/ip_conntrack_",
];

/// `[collectors.conntrack]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Conntrack {
    places: [[ProcFile; 2]; PLACES.len()],
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    let places =
        PLACES.map(|place| ["count", "max"].map(|kind| ProcFile::made_at_once(site.path(&format!("{place}{kind}")))));
    Ok(Box::new(Conntrack { places }))
}

impl Collector for Conntrack {
    fn spec(&self) -> Spec {
        Spec { name: "conntrack", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let mut result = Ok(());
        for place in &mut self.places {
            result = publish(place, out);
            if !matches!(result, Err(Fail::Absent { .. })) {
                break;
            }
        }
        result
    }
}

fn publish([count, max]: &mut [ProcFile; 2], out: &mut Out) -> Result<(), Fail> {
    for (file, name) in [(count, "ip_conntrack_count"), (max, "ip_conntrack_max")] {
        let (path, connections) = file.read()?;
        let connections = number(connections.trim_ascii())
            .ok_or_else(|| Fail::parse(path, 1, "a number of connections", connections))?;
        out.gauge(&["conntrack", name], connections as f64);
    }
    Ok(())
}

#[cfg(test)]
mod tests;
