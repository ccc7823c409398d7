//! Where one metric comes from: who measures it, which file and field it is read from, what is made of it, and the last
//! two readings.

use std::thread;
use std::time::Duration;

use collectors::{COLLECTORS, Origin, Style, Unit, Value};
use whisper::Interval;

use crate::Setup;
use crate::once::{planned, round};
use crate::runner::Planned;
use crate::running::StartError;

/// All about one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct Explained {
    /// The whole name.
    pub name: String,
    /// Who measures it: `[collectors.NAME]`.
    pub collector: &'static str,
    /// How often.
    pub interval: Interval,
    /// The file, socket or call it is read from, and the field in it; `None` when the collector does not say.
    pub origin: Option<Origin>,
    /// How it was measured just now; `None` when this host does not give it.
    pub reading: Option<Reading>,
}

/// What came of measuring twice.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// What is counted.
    pub unit: Unit,
    /// How it is printed.
    pub style: Style,
    /// What the result is multiplied with.
    pub scale: f64,
    /// The first reading with its moment since boot; `None` when the name was not there yet.
    pub before: Option<(Value, Duration)>,
    /// The second.
    pub now: (Value, Duration),
    /// What would be sent; `None` when nothing would.
    pub value: Option<String>,
}

/// Measures `metric` twice, `gap` apart. `None` when no collector that is enabled has such a name.
///
/// # Errors
/// Faults of the settings.
pub fn explain(setup: &Setup, metric: &str, gap: Duration) -> Result<Option<Explained>, StartError> {
    let mut faults = Vec::new();
    let first = round(planned(setup, &[])?, &mut faults);
    let before = first.iter().find_map(|(planned, _)| reading(planned, metric));
    thread::sleep(gap);
    let second = round(first.into_iter().map(|(planned, _)| planned).collect(), &mut faults);
    setup.agent.plugins.living.end_all();
    for (planned, lines) in &second {
        if let Some((unit, style, scale, now)) = reading(planned, metric) {
            let before = before.map(|(_, _, _, before)| before);
            let value = lines.get(metric).map(|(value, _)| value.clone());
            let reading = Reading { unit, style, scale, before, now, value };
            return Ok(Some(told(planned, metric, Some(reading))));
        }
    }
    Ok(second.iter().find_map(|(planned, _)| {
        let told = told(planned, metric, None);
        // A collector that takes any name proves nothing by it.
        let any = COLLECTORS.iter().any(|entry| entry.name == told.collector && entry.origin("?").is_some());
        (told.origin.is_some() && !any).then_some(told)
    }))
}

fn reading(planned: &Planned, metric: &str) -> Option<(Unit, Style, f64, (Value, Duration))> {
    let named = |name: &str, value: Value| match value {
        Value::Avg { .. } => metric.strip_prefix(name).is_some_and(|rest| matches!(rest, ".rate" | ".avg")),
        _ => name == metric,
    };
    let (_, sample) = planned.job.samples().find(|(name, sample)| named(name, sample.value))?;
    Some((sample.unit, sample.style, sample.scale, (sample.value, sample.at)))
}

fn told(planned: &Planned, metric: &str, reading: Option<Reading>) -> Explained {
    let collector = planned.job.spec().name;
    let entry = COLLECTORS.iter().find(|entry| entry.name == collector);
    let origin = entry.and_then(|entry| entry.origin(planned.job.own_name(metric)));
    Explained { name: metric.to_owned(), collector, interval: planned.interval, origin, reading }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use collectors::Bits;

    use super::*;
    use crate::AgentConfig;

    #[test]
    fn a_counter_is_explained_by_its_file_field_and_readings() {
        let host = tempfile::tempdir().unwrap();
        fs::create_dir(host.path().join("proc")).unwrap();
        fs::write(host.path().join("proc/vmstat"), "pgfault 70\n").unwrap();
        let root = host.path().to_str().unwrap().to_owned();
        let agent = AgentConfig { host: Some("h".to_owned()), root, ..AgentConfig::default() };
        let setup = Setup { agent, ..Setup::default() };
        let explain = |name| explain(&setup, name, Duration::from_millis(2)).unwrap();

        let told = explain("servers.h.vmstat.pgfault").unwrap();
        assert_eq!(told.collector, "vmstat");
        let origin = told.origin.unwrap();
        assert_eq!((origin.source.as_str(), origin.field.as_str()), ("/proc/vmstat", "line `pgfault`"));
        let reading = told.reading.unwrap();
        assert_eq!(reading.now.0, Value::Counter { raw: 70, bits: Bits::B64 });
        assert_eq!(reading.before.unwrap().0, reading.now.0);
        assert_eq!(reading.value.as_deref(), Some("0.00"));

        // A name that this host does not have now.
        let told = explain("servers.h.cpu.total.user").unwrap();
        assert_eq!((told.collector, told.reading), ("cpu", None));
        assert_eq!(explain("servers.h.nothing.of.the.kind"), None);
    }
}
