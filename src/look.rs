//! `plumbago agent once` and `agent explain`: what this host's metrics are, without sending any.

use std::time::Duration;

use agent::{Explained, Reading};
use anyhow::bail;
use collectors::{Style, Unit, Value};

use crate::agent_cli::{ExplainArgs, OnceArgs};
use crate::config::Config;
use crate::out;

/// Prints what would be sent now.
///
/// # Errors
/// A configuration that cannot be used, a collector that there is not, or that failed.
pub(crate) fn once(arguments: &OnceArgs) -> anyhow::Result<()> {
    let mut config = Config::load_sound(arguments.config.as_deref())?;
    let only: Vec<&str> = arguments.collector.iter().map(String::as_str).collect();
    // A plugin that is to be looked at has a table of its own.
    let built_in = only.iter().filter(|name| !name.starts_with("plugin."));
    built_in.for_each(|name| config.collectors.enable(name));
    let looked = agent::once(&config.setup(), &only, arguments.gap)?;
    for seen in looked.seen.iter().filter(|seen| seen.value.is_some()) {
        match unit(seen.unit) {
            unit if arguments.plain || unit.is_empty() => out::line(format_args!("{seen}")),
            unit => out::line(format_args!("{seen}   {unit}")),
        }
    }
    for (collector, fault) in &looked.faults {
        eprintln!("plumbago: {collector}: {fault}");
    }
    if !looked.faults.is_empty() {
        bail!("{} of {} collectors failed", looked.faults.len(), looked.collectors.len() + looked.faults.len());
    }
    Ok(())
}

/// Prints where a metric comes from.
///
/// # Errors
/// A configuration that cannot be used, or a name that no collector of it has.
pub(crate) fn explain(arguments: &ExplainArgs) -> anyhow::Result<()> {
    let config = Config::load_sound(arguments.config.as_deref())?;
    let explained = agent::explain(&config.setup(), &arguments.metric, arguments.gap)?;
    let Some(explained) = explained else {
        bail!(
            "no collector that is enabled has the name {}; `plumbago agent once` prints those that there are",
            arguments.metric
        );
    };
    tell(&explained);
    Ok(())
}

fn tell(explained: &Explained) {
    let Explained { name, collector, interval, origin, reading } = explained;
    let row = |key: &str, text: &str| out::line(format_args!("{key:10} {text}"));
    row("metric", name);
    row("collector", &format!("{collector}, each {} s", interval.secs()));
    if let Some(origin) = origin {
        row("source", &origin.source);
        row("field", &origin.field);
    }
    let Some(reading) = reading else {
        row("value", "none: this host does not give it now");
        return;
    };
    if !unit(reading.unit).is_empty() {
        row("unit", unit(reading.unit));
    }
    row("formula", &formula(name, reading));
    if let Some((value, at)) = reading.before.filter(|_| !matches!(reading.now.0, Value::Gauge(_))) {
        row("before", &raw(value, at));
    }
    row("now", &raw(reading.now.0, reading.now.1));
    row("value", reading.value.as_deref().unwrap_or("none now"));
    row("printed", &printed(reading.style));
}

/// What is made of the readings, in their own numbers.
fn formula(name: &str, reading: &Reading) -> String {
    let scale = if reading.scale == 1.0 { String::new() } else { format!(" x {}", reading.scale) };
    let (now, at) = reading.now;
    let Some((before, then)) = reading.before else {
        return match now {
            Value::Gauge(_) => format!("as it is{scale}"),
            Value::SumOf(count) => format!("the sum of the {count} before it"),
            _ => format!("(new - old){scale} / seconds, once there is an old reading"),
        };
    };
    let seconds = at.saturating_sub(then).as_secs_f64();
    match (before, now) {
        (_, Value::Gauge(_)) => format!("as it is{scale}"),
        (_, Value::SumOf(count)) => format!("the sum of the {count} before it, each cut to a whole number"),
        (Value::Counter { raw: old, .. }, Value::Counter { raw: new, .. }) => {
            format!("(new - old){scale} / seconds = ({new} - {old}){scale} / {seconds:.6}")
        }
        (Value::Total(old), Value::Total(new)) | (Value::Growth(old), Value::Growth(new)) => {
            format!("(new - old){scale} / seconds = ({new} - {old}){scale} / {seconds:.6}")
        }
        (Value::Avg { count: old, .. }, Value::Avg { count: new, .. }) if name.ends_with(".rate") => {
            format!("events / seconds = ({new} - {old}) / {seconds:.6}")
        }
        (Value::Avg { sum: old, count: before }, Value::Avg { sum: new, count })
        | (Value::Mean { sum: old, count: before }, Value::Mean { sum: new, count }) => {
            format!("sum{scale} / events = ({new} - {old}){scale} / ({count} - {before})")
        }
        _ => "none: its kind has changed".to_owned(),
    }
}

fn raw(value: Value, at: Duration) -> String {
    let at = at.as_secs_f64();
    match value {
        Value::Gauge(value) => format!("{value}, {at:.3} s after boot"),
        Value::SumOf(_) => "not read, but made of others".to_owned(),
        Value::Counter { raw, bits } => format!("{raw} ({bits:?} counter), {at:.3} s after boot"),
        Value::Total(sum) | Value::Growth(sum) => format!("{sum}, {at:.3} s after boot"),
        Value::Avg { sum, count } | Value::Mean { sum, count } => {
            format!("{sum} over {count} events, {at:.3} s after boot")
        }
    }
}

fn printed(style: Style) -> String {
    match style {
        Style::Decimals(digits) => format!("with {digits} decimals"),
        Style::Whole => "cut to a whole number".to_owned(),
        Style::Significant(digits) => format!("with up to {digits} significant digits"),
    }
}

/// The unit as people write it; nothing for a plain number.
pub(crate) fn unit(unit: Unit) -> &'static str {
    match unit {
        Unit::Bits => "bits",
        Unit::Bytes => "bytes",
        Unit::Percent => "percent",
        Unit::Seconds => "seconds",
        Unit::Milliseconds => "milliseconds",
        _ => "",
    }
}
