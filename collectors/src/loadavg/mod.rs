//! How many tasks run or wait to run, as `/proc/loadavg` says. Names are those of Diamond's LoadAverageCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, number, text};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// `[collectors.loadavg]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Only `loadavg.load` and `loadavg.load_normalized`, both of one minute. Default false.
    simple: bool,
}

struct LoadAverage {
    options: Options,
    loadavg: ProcFile,
    online: ProcFile,
    /// How many processors there are, and when that was asked.
    cpus: (Option<u64>, Option<Duration>),
}

/// Processors come and go rarely: how often they are counted.
const COUNTED_EVERY: Duration = Duration::from_secs(60);

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let loadavg = ProcFile::made_at_once(site.path("proc/loadavg"));
    let online = ProcFile::made_at_once(site.path("sys/devices/system/cpu/online"));
    Ok(Box::new(LoadAverage { options: options.try_into()?, loadavg, online, cpus: (None, None) }))
}

impl Collector for LoadAverage {
    fn spec(&self) -> Spec {
        Spec { name: "loadavg", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        let (_, asked) = self.cpus;
        if asked.is_none_or(|asked| slot.monotonic.saturating_sub(asked) >= COUNTED_EVERY) {
            let cpus = self.online.read().ok().and_then(|(_, online)| count(online));
            self.cpus = (cpus, Some(slot.monotonic));
        }
        // Without the list of processors there is a load, but none per processor.
        let (cpus, _) = self.cpus;
        let (path, loadavg) = self.loadavg.read()?;
        let mut columns = fields(loadavg);
        let names: &[[&str; 2]] = match self.options.simple {
            true => &[["load", "load_normalized"]],
            false => &[["01", "01_normalized"], ["05", "05_normalized"], ["15", "15_normalized"]],
        };
        for [name, normalized] in names {
            let column = columns.next().unwrap_or_default();
            let load = text(column).and_then(|load| load.parse().ok()).filter(|load: &f64| load.is_finite());
            let load = load.ok_or_else(|| Fail::parse(path, 1, "a load average", column))?;
            out.gauge(&["loadavg", name], load).decimals(2);
            if let Some(cpus) = cpus {
                out.gauge(&["loadavg", normalized], load / cpus as f64).decimals(2);
            }
        }
        if self.options.simple {
            return Ok(());
        }
        let column = columns.next().unwrap_or_default();
        let mut tasks = column.split(|byte| *byte == b'/').map(number);
        let (Some(Some(running)), Some(Some(total))) = (tasks.next(), tasks.next()) else {
            return Err(Fail::parse(path, 1, "RUNNING/TOTAL tasks", column));
        };
        out.gauge(&["loadavg", "processes_running"], running as f64);
        out.gauge(&["loadavg", "processes_total"], total as f64);
        Ok(())
    }
}

/// How many processors a list such as `0-3,6` holds; `None` when it is none or empty.
fn count(online: &[u8]) -> Option<u64> {
    let mut count = 0_u64;
    for range in online.trim_ascii().split(|byte| *byte == b',') {
        let mut ends = range.split(|byte| *byte == b'-');
        let first = number(ends.next()?)?;
        let last = ends.next().map_or(Some(first), number)?;
        count = count.checked_add(last.checked_sub(first)?.checked_add(1)?)?;
    }
    Some(count)
}

#[cfg(test)]
mod tests;
