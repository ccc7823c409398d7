//! How many processes begin, run and wait, from `/proc/stat`. Names are those of Diamond's ProcessStatCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, number};
use crate::{Bits, Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// Counters of the file.
const COUNTERS: [&str; 2] = ["ctxt", "processes"];
/// What says how things stand.
const GAUGES: [&str; 3] = ["btime", "procs_running", "procs_blocked"];

/// `[collectors.procstat]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Procstat {
    stat: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    Ok(Box::new(Procstat { stat: ProcFile::made_at_once(site.path("proc/stat")) }))
}

impl Collector for Procstat {
    fn spec(&self) -> Spec {
        Spec { name: "procstat", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, stat) = self.stat.read()?;
        for (at, line) in lines(stat) {
            let mut columns = fields(line);
            let (Some(name), Some(value)) = (columns.next(), columns.next()) else { continue };
            let known = |names: &[&'static str]| names.iter().find(|known| known.as_bytes() == name).copied();
            let (counter, gauge) = (known(&COUNTERS), known(&GAUGES));
            if counter.or(gauge).is_none() {
                continue;
            }
            let value = number(value).ok_or_else(|| Fail::parse(path, at, "a count", value))?;
            if let Some(name) = counter {
                out.counter(&["proc", name], value, Bits::B64).whole();
            } else if let Some(name) = gauge {
                out.gauge(&["proc", name], value as f64);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
