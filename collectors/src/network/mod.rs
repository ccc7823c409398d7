//! What goes through the network interfaces, from `/proc/net/dev`. Names and units are those of Diamond's
//! NetworkCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number, text};
use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec, Unit};

/// The columns of a line, in Diamond's words; the two of bytes go out in each unit asked for.
const COLUMNS: [&str; 16] = [
    "rx_bytes",
    "rx_packets",
    "rx_errors",
    "rx_drop",
    "rx_fifo",
    "rx_frame",
    "rx_compressed",
    "rx_multicast",
    "tx_bytes",
    "tx_packets",
    "tx_errors",
    "tx_drop",
    "tx_fifo",
    "tx_colls",
    "tx_carrier",
    "tx_compressed",
];

/// `[collectors.network]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// What the names of the interfaces begin with. Default: wired ones.
    interfaces: Vec<String>,
    /// Anything may follow. Default true.
    greedy: bool,
    /// Units of the bytes counted. Default bit and byte.
    byte_unit: Vec<ByteUnit>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
#[serde(rename_all = "lowercase")]
enum ByteUnit {
    Bit,
    Byte,
}

impl Default for Options {
    fn default() -> Options {
        let interfaces = ["eth", "bond", "em", "p1p", "eno", "enp", "ens", "enx"].map(str::to_owned).to_vec();
        Options { interfaces, greedy: true, byte_unit: vec![ByteUnit::Bit, ByteUnit::Byte] }
    }
}

struct Network {
    options: Options,
    dev: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Network {
        options: options.try_into()?,
        dev: ProcFile::of_lines_below(512, site.path("proc/net/dev")),
    }))
}

impl Collector for Network {
    fn spec(&self) -> Spec {
        Spec { name: "network", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, dev) = self.dev.read()?;
        for (at, line) in lines(dev) {
            // An alias such as `eth0:1` has a colon of its own; the last one ends the name. Older kernels put the
            // first count right behind it.
            let Some(colon) = line.iter().rposition(|byte| *byte == b':') else { continue };
            let Some(name) = text(line[..colon].trim_ascii()).filter(|name| self.options.wants(name)) else { continue };
            for (column, count) in COLUMNS.iter().zip(fields(&line[colon + 1..])) {
                let count = number(count).ok_or_else(|| Fail::parse(path, at, "a count", count))?;
                self.options.publish(name, column, count, out);
            }
        }
        Ok(())
    }
}

impl Options {
    fn wants(&self, name: &str) -> bool {
        self.interfaces.iter().any(|begin| if self.greedy { name.starts_with(begin) } else { name == begin })
    }

    fn publish(&self, interface: &str, column: &str, count: u64, out: &mut Out) {
        let direction = match column {
            "rx_bytes" => "rx",
            "tx_bytes" => "tx",
            _ => {
                out.counter(&["network", interface, column], count, Bits::B64);
                return;
            }
        };
        for unit in &self.byte_unit {
            let (name, factor, unit) = match (direction, unit) {
                ("rx", ByteUnit::Bit) => ("rx_bit", 8.0, Unit::Bits),
                ("rx", ByteUnit::Byte) => ("rx_byte", 1.0, Unit::Bytes),
                (_, ByteUnit::Bit) => ("tx_bit", 8.0, Unit::Bits),
                (_, ByteUnit::Byte) => ("tx_byte", 1.0, Unit::Bytes),
            };
            out.counter(&["network", interface, name], count, Bits::B64).scale(factor).unit(unit);
        }
    }
}

#[cfg(test)]
mod tests;
