//! How long the host was stalled for want of processor, disk or memory, from `/proc/pressure`. Diamond has no such
//! collector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::ProcFile;
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec, stall};

/// What may be short; `irq` only on kernels that account for it.
const RESOURCES: [&str; 4] = ["cpu", "io", "memory", "irq"];

/// `[collectors.pressure]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// The kernel's means over 10, 60 and 300 seconds, too. Default false.
    means: bool,
}

struct Pressure {
    options: Options,
    files: [(&'static str, ProcFile); RESOURCES.len()],
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let folder = site.path("proc/pressure");
    let files = RESOURCES.map(|resource| (resource, ProcFile::made_at_once(folder.join(resource))));
    Ok(Box::new(Pressure { options: options.try_into()?, files }))
}

impl Collector for Pressure {
    fn spec(&self) -> Spec {
        Spec { name: "pressure", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let mut absent = None;
        for (resource, file) in &mut self.files {
            match file.read() {
                Ok((path, pressure)) => {
                    stall::publish(path, pressure, &["pressure", resource], self.options.means, out)?
                }
                Err(fail @ Fail::Absent { .. }) => absent = Some(fail),
                Err(fail) => return Err(fail),
            }
        }
        absent.filter(|_| out.is_empty()).map_or(Ok(()), Err)
    }
}

#[cfg(test)]
mod tests;
