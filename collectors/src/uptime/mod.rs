//! How long the host is up, as `/proc/uptime` says. The name is that of Diamond's UptimeCollector.

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, text};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// `[collectors.uptime]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// What is counted, which is the name as well. Default minutes.
    unit: Unit,
}

#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Unit {
    Seconds,
    #[default]
    Minutes,
    Hours,
    Days,
}

struct Uptime {
    options: Options,
    uptime: ProcFile,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    Ok(Box::new(Uptime { options: options.try_into()?, uptime: ProcFile::made_at_once(site.path("proc/uptime")) }))
}

impl Collector for Uptime {
    fn spec(&self) -> Spec {
        Spec { name: "uptime", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, uptime) = self.uptime.read()?;
        let seconds = fields(uptime).next().unwrap_or_default();
        let seconds: f64 = text(seconds)
            .and_then(|seconds| seconds.parse().ok())
            .ok_or_else(|| Fail::parse(path, 1, "a number of seconds", seconds))?;
        let (name, length) = match self.options.unit {
            Unit::Seconds => ("seconds", 1.0),
            Unit::Minutes => ("minutes", 60.0),
            Unit::Hours => ("hours", 3600.0),
            Unit::Days => ("days", 86_400.0),
        };
        out.gauge(&["uptime", name], seconds / length);
        Ok(())
    }
}

#[cfg(test)]
mod tests;
