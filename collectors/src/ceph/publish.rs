//! One counter of a dump as samples, in each of the namings.

use super::names::Naming;
use super::reading::Reading;
use super::schema::{Counter, Kind};
use crate::{Bits, Out, Style, Value};

/// Significant digits of a rate or an average.
const DIGITS: Style = Style::Significant(6);

/// Sizes in bytes would lose too much with as few digits as a rate deserves.
const GAUGE_DIGITS: Style = Style::Significant(10);

/// Adds one counter under `path`; a number that does not fit its kind is left out.
pub(super) fn publish(naming: Naming, path: [&str; 3], counter: &Counter, reading: Reading, out: &mut Out) {
    match naming {
        Naming::Native => native(path, counter, reading, out),
        Naming::Diamond => diamond(path, counter, reading, out),
        Naming::Calamari => calamari(path, counter, reading, out),
    }
}

fn native([prefix, section, labels]: [&str; 3], counter: &Counter, reading: Reading, out: &mut Out) {
    let (value, suffix, style) = match (counter.kind, reading) {
        (Kind::Gauge, Reading::Whole(whole)) => (Value::Gauge(whole as f64), "", GAUGE_DIGITS),
        (Kind::Gauge, Reading::Real(real)) => (Value::Gauge(real), "", GAUGE_DIGITS),
        (Kind::Counter, Reading::Whole(raw)) => (Value::Counter { raw, bits: Bits::B64 }, "rate", DIGITS),
        (Kind::Counter | Kind::Seconds, Reading::Real(sum)) => (Value::Total(sum), "rate", DIGITS),
        (Kind::Seconds, Reading::Whole(sum)) => (Value::Total(sum as f64), "rate", DIGITS),
        (Kind::Average, Reading::Pair { sum, count, .. }) => (Value::Avg { sum, count }, "", DIGITS),
        _ => return,
    };
    out.value(&[prefix, section, labels, &counter.name, suffix], value).style(style).unit(counter.unit);
}

/// Diamond cuts all decimals, so that a latency below half a second is 0, and leaves counters as they stand.
fn diamond([prefix, section, labels]: [&str; 3], counter: &Counter, reading: Reading, out: &mut Out) {
    let mut gauge = |suffix, value| {
        let path = [prefix, section, labels, &counter.name, suffix];
        out.value(&path, Value::Gauge(value)).decimals(0).unit(counter.unit);
    };
    match reading {
        Reading::Whole(whole) => gauge("", whole as f64),
        Reading::Real(real) => gauge("", real),
        Reading::Pair { sum, count, lifetime } => {
            gauge("avgcount", count as f64);
            gauge("sum", sum);
            if let Some(lifetime) = lifetime {
                gauge("avgtime", lifetime);
            }
        }
        Reading::Other => {}
    }
}

fn calamari([prefix, section, labels]: [&str; 3], counter: &Counter, reading: Reading, out: &mut Out) {
    let (value, suffix, decimals) = match (counter.kind, reading) {
        (Kind::Gauge, Reading::Whole(whole)) => (Value::Gauge(whole as f64), "", 2),
        (Kind::Gauge, Reading::Real(real)) => (Value::Gauge(real), "", 2),
        (Kind::Counter, Reading::Whole(sum)) => (Value::Growth(sum as f64), "", 2),
        (Kind::Counter, Reading::Real(sum)) => (Value::Growth(sum), "", 2),
        (Kind::Seconds, Reading::Real(sum)) => (Value::Gauge(sum), "", 6),
        (Kind::Seconds, Reading::Whole(sum)) => (Value::Gauge(sum as f64), "", 6),
        (Kind::Average, Reading::Pair { sum, count, .. }) => (Value::Mean { sum, count }, "last_interval_avg", 6),
        _ => return,
    };
    out.value(&[prefix, section, labels, &counter.name, suffix], value).decimals(decimals).unit(counter.unit);
}
