//! How many sockets there are, as `/proc/net/sockstat` and `sockstat6` count them. Names are those of Diamond's
//! SockstatCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// Row, column and name of what is published; the rows of IPv6 add to those of IPv4.
const COUNTS: [(&[u8], &[u8], &str); 8] = [
    (b"sockets", b"used", "used"),
    (b"TCP", b"inuse", "tcp_inuse"),
    (b"TCP", b"orphan", "tcp_orphan"),
    (b"TCP", b"tw", "tcp_tw"),
    (b"TCP", b"alloc", "tcp_alloc"),
    (b"TCP", b"mem", "tcp_mem"),
    (b"UDP", b"inuse", "udp_inuse"),
    (b"UDP", b"mem", "udp_mem"),
];

/// `[collectors.sockstat]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Sockstat {
    files: [ProcFile; 2],
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    let files = ["proc/net/sockstat", "proc/net/sockstat6"].map(|path| ProcFile::made_at_once(site.path(path)));
    Ok(Box::new(Sockstat { files }))
}

impl Collector for Sockstat {
    fn spec(&self) -> Spec {
        Spec { name: "sockstat", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let mut sums = [None; COUNTS.len()];
        let [v4, v6] = &mut self.files;
        add(v4, &mut sums)?;
        match add(v6, &mut sums) {
            // A kernel without IPv6.
            Ok(()) | Err(Fail::Absent { .. }) => {}
            Err(fail) => return Err(fail),
        }
        for ((_, _, name), sum) in COUNTS.iter().zip(sums) {
            if let Some(sum) = sum {
                out.gauge(&["sockets", name], sum);
            }
        }
        Ok(())
    }
}

/// Adds the counts of one file to `sums`.
fn add(file: &mut ProcFile, sums: &mut [Option<f64>; COUNTS.len()]) -> Result<(), Fail> {
    let (path, sockstat) = file.read()?;
    for (at, line) in lines(sockstat) {
        let mut columns = fields(line);
        let row = columns.next().unwrap_or_default();
        let row = row.strip_suffix(b":").unwrap_or(row);
        let row = row.strip_suffix(b"6").unwrap_or(row);
        while let (Some(column), Some(count)) = (columns.next(), columns.next()) {
            let Some(which) = COUNTS.iter().position(|known| (known.0, known.1) == (row, column)) else { continue };
            let count = number(count).ok_or_else(|| Fail::parse(path, at, "a count of sockets or pages", count))?;
            *sums[which].get_or_insert(0.0) += count as f64;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests;
