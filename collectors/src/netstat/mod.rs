//! How many TCP connections are in each state, from `/proc/net/tcp`. Names are those of Diamond's NetstatCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// The states as the kernel numbers them, from 1.
const STATES: [(&[u8], &str); 11] = [
    (b"01", "ESTABLISHED"),
    (b"02", "SYN_SENT"),
    (b"03", "SYN_RECV"),
    (b"04", "FIN_WAIT1"),
    (b"05", "FIN_WAIT2"),
    (b"06", "TIME_WAIT"),
    (b"07", "CLOSE"),
    (b"08", "CLOSE_WAIT"),
    (b"09", "LAST_ACK"),
    (b"0A", "LISTEN"),
    (b"0B", "CLOSING"),
];

/// `[collectors.netstat]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Counts connections over IPv6, too. Default false, as Diamond.
    ipv6: bool,
}

struct Netstat {
    options: Options,
    tcp: ProcFile,
    tcp6: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let tcp = ProcFile::new(site.path("proc/net/tcp"));
    let tcp6 = ProcFile::new(site.path("proc/net/tcp6"));
    Ok(Box::new(Netstat { options: options.try_into()?, tcp, tcp6 }))
}

impl Collector for Netstat {
    fn spec(&self) -> Spec {
        // The kernel makes a line for every connection: a tenth of a second for a hundred thousand.
        Spec { name: "netstat", class: Class::Slow, default_interval: None, deadline: Duration::from_secs(5) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let mut counts = [0_u64; STATES.len()];
        count(&mut self.tcp, &mut counts)?;
        if self.options.ipv6 {
            match count(&mut self.tcp6, &mut counts) {
                // A kernel without IPv6.
                Ok(()) | Err(Fail::Absent { .. }) => {}
                Err(fail) => return Err(fail),
            }
        }
        for ((_, name), count) in STATES.iter().zip(counts) {
            out.gauge(&["netstat", name], count as f64);
        }
        Ok(())
    }
}

/// Adds the connections of one table to `counts`.
fn count(table: &mut ProcFile, counts: &mut [u64; STATES.len()]) -> Result<(), Fail> {
    table.each_line(|path, at, line| {
        // The first line names the columns.
        if at == 1 {
            return Ok(());
        }
        let state = fields(line).nth(3).ok_or_else(|| Fail::parse(path, at, "a connection with its state", line))?;
        if let Some(which) = STATES.iter().position(|(number, _)| *number == state) {
            counts[which] += 1;
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests;
