//! Where the processors spend their time, as `/proc/stat` counts it. Names and units are those of Diamond's
//! CPUCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number, text};
use crate::{Bits, Class, Collector, Fail, Kept, Made, Out, Site, Slot, Spec, Unit, moved};

/// Columns of a `cpu` line; older kernels end earlier.
const STATES: [&str; 10] =
    ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal", "guest", "guest_nice"];

/// `[collectors.cpu]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Each processor beside the total. Default true.
    percore: bool,
    /// Divides the total by the number of processors. Default false.
    normalize: bool,
    /// Only `cpu.percent`, the share of time not idle. Default false.
    simple: bool,
}

impl Default for Options {
    fn default() -> Options {
        Options { percore: true, normalize: false, simple: false }
    }
}

struct Cpu {
    options: Options,
    stat: ProcFile,
    /// Ticks of the last run: all, and idle ones. Only `simple` needs them.
    last: Option<(u64, u64)>,
    /// When that was.
    seen: Duration,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let stat = ProcFile::made_at_once(site.path("proc/stat"));
    Ok(Box::new(Cpu { options: options.try_into()?, stat, last: None, seen: Duration::ZERO }))
}

impl Collector for Cpu {
    fn spec(&self) -> Spec {
        Spec { name: "cpu", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, stat) = self.stat.read()?;
        // The kernel puts the cpu lines first, and the total first of them.
        let cpus = || lines(stat).take_while(|(_, line)| line.starts_with(b"cpu"));
        let Some((_, total)) = cpus().next() else {
            return Err(Fail::parse(path, 1, "a line that begins with `cpu`", stat));
        };
        if self.options.simple {
            self.last = publish_percent(total, self.last, out);
            self.seen = slot.monotonic;
            return Ok(());
        }
        let count = cpus().count() - 1;
        out.gauge(&["cpu", "cpu_count"], count as f64).decimals(2);
        let share = if self.options.normalize { 1.0 / count.max(1) as f64 } else { 1.0 };
        let wanted = if self.options.percore { count + 1 } else { 1 };
        for (at, line) in cpus().take(wanted) {
            let mut columns = fields(line);
            let name = match columns.next() {
                Some(b"cpu") => "total",
                name => name.and_then(text).unwrap_or("cpu"),
            };
            for (state, column) in STATES.iter().zip(columns) {
                let ticks = number(column).ok_or_else(|| Fail::parse(path, at, "a count of ticks", column))?;
                let scale = if name == "total" { share } else { 1.0 };
                out.counter(&["cpu", name, state], ticks, Bits::B64).scale(scale).decimals(2).unit(Unit::Percent);
            }
        }
        Ok(())
    }

    fn keep(&self, kept: &mut Kept) {
        if let Some((all, idle)) = self.last {
            kept.add("total", Some(self.seen), vec![all, idle]);
        }
    }

    fn recall(&mut self, kept: &Kept) {
        if let Some([all, idle]) = kept.rows().first().map(|row| row.numbers.as_slice()) {
            self.last = Some((*all, *idle));
        }
    }
}

/// Publishes `cpu.percent` when there is a `last` to compare with; gives the ticks of now.
fn publish_percent(total: &[u8], last: Option<(u64, u64)>, out: &mut Out) -> Option<(u64, u64)> {
    let mut states = fields(total).skip(1).map_while(number);
    let [user, nice, system, idle] = [states.next()?, states.next()?, states.next()?, states.next()?];
    let all = user.wrapping_add(nice).wrapping_add(system).wrapping_add(idle);
    let since = last
        .and_then(|(before, idle_before)| Some((moved(before, all, Bits::B64)?, moved(idle_before, idle, Bits::B64)?)));
    if let Some((all, idle)) = since.filter(|(all, _)| *all > 0) {
        out.gauge(&["cpu", "percent"], 100.0 - 100.0 * idle as f64 / all as f64).decimals(4).unit(Unit::Percent);
    }
    Some((all, idle))
}

#[cfg(test)]
mod tests;
