//! How often each interrupt was served by each processor, from `/proc/interrupts`. Names are those of Diamond's
//! InterruptCollector, which are made of what stands in the file.

use std::borrow::Cow;
use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number, text};
use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// `[collectors.interrupts]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Each processor beside the total. Default true.
    percpu: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { percpu: true }
    }
}

struct Interrupts {
    options: Options,
    interrupts: ProcFile,
    diamond: bool,
    /// The name of one line; kept for its memory.
    name: String,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let interrupts = ProcFile::new(site.path("proc/interrupts"));
    let (options, diamond) = (options.try_into()?, site.is_diamond());
    Ok(Box::new(Interrupts { options, interrupts, diamond, name: String::new() }))
}

impl Collector for Interrupts {
    fn spec(&self) -> Spec {
        Spec { name: "interrupts", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, interrupts) = self.interrupts.read()?;
        let mut rows = lines(interrupts);
        let (_, head) = rows.next().unwrap_or_default();
        let mut cpus: Vec<Cow<'_, str>> =
            fields(head).filter_map(text).filter(|name| name.starts_with("CPU")).map(Cow::from).collect();
        if self.diamond {
            // By their place, whatever they are called: of four of which one is off, Diamond has 0 to 2.
            cpus = (0..cpus.len()).map(|at| format!("CPU{at}").into()).collect();
        }
        if cpus.is_empty() {
            return Err(Fail::parse(path, 1, "a first line that names CPU0", interrupts));
        }
        for (at, line) in rows {
            let count = |digits| number(digits).ok_or_else(|| Fail::parse(path, at, "a count of interrupts", digits));
            let mut columns = fields(line);
            let Some(label) = columns.next().and_then(text) else { continue };
            let label = label.trim_end_matches(':');
            // ERR and MIS are counted for the whole host.
            if columns.clone().count() == 1 {
                if let Some(digits) = columns.next() {
                    out.counter(&["interrupts", label], count(digits)?, Bits::B32).whole();
                }
                continue;
            }
            self.name.clear();
            write_name(label, cpus.len(), line, &mut self.name);
            let mut parts = vec!["interrupts"];
            parts.extend(self.name.split('.'));
            let (mut total, mut counted) = (0_u64, 0);
            for (cpu, digits) in cpus.iter().zip(columns) {
                let count = count(digits)?;
                total = total.saturating_add(count);
                counted += 1;
                if self.options.percpu {
                    parts.push(cpu);
                    // The kernel counts in 32 bits.
                    out.counter(&parts, count, Bits::B32).whole();
                    parts.pop();
                }
            }
            parts.push("total");
            if self.diamond && self.options.percpu {
                out.sum_of(&parts, counted).whole();
            } else {
                out.counter(&parts, total, Bits::B64).whole();
            }
        }
        Ok(())
    }
}

/// Appends what Diamond calls the interrupt of `line`: `CHIP.DEVICE.LABEL`, the description for labels of three
/// letters, or the label alone where it has one letter more than there are processors, as Diamond's rule is. Spaces
/// become `_`, one for one; dots part the name as they stand.
fn write_name(label: &str, cpus: usize, line: &[u8], name: &mut String) {
    if label.len() == cpus + 1 {
        name.push_str(label);
        return;
    }
    let rest = after_fields(line, cpus + 1);
    let chip = fields(rest).next().unwrap_or_default();
    let device = after_fields(rest, 1);
    let underscored = |bytes: &[u8], name: &mut String| {
        let text = String::from_utf8_lossy(bytes);
        name.extend(text.chars().map(|c| if c.is_whitespace() { '_' } else { c }));
    };
    underscored(chip, name);
    if label.len() == 3 {
        if !device.is_empty() {
            name.push('_');
        }
        underscored(device, name);
        return;
    }
    for part in [device, label.as_bytes()] {
        name.push('.');
        underscored(part, name);
    }
}

/// `line` without its first `count` fields and without blanks at its ends.
fn after_fields(line: &[u8], count: usize) -> &[u8] {
    let mut rest = line.trim_ascii();
    for _ in 0..count {
        let end = rest.iter().position(u8::is_ascii_whitespace).unwrap_or(rest.len());
        rest = rest[end..].trim_ascii_start();
    }
    rest
}

#[cfg(test)]
mod tests;
