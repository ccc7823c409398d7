//! How the values look as Prometheus' text: `plumbago_cpu_total_user{name="servers.web01.cpu.total.user"} 1.5`. A dot and an
//! underline are the same there, so the label keeps apart what the name cannot. Counters are rates already: all are gauges.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::time::Instant;

use collectors::{COLLECTORS, Unit};

use super::Exposed;

/// A value with what is told about it.
struct Line<'a> {
    collector: &'static str,
    name: &'a str,
    value: &'a str,
    unit: Unit,
}

impl Exposed {
    /// The page of all values that are fresh at `now`.
    pub(super) fn page(&self, now: Instant) -> String {
        let shelves = self.shelves();
        let fresh = shelves.iter().filter(|(_, shelf)| shelf.until > now);
        let (mut families, mut page) = (BTreeMap::<String, Vec<Line<'_>>>::new(), String::new());
        for (collector, shelf) in fresh {
            if shelf.values.left_out > 0 {
                // Writing to a String cannot fail, here and below.
                let _ = writeln!(page, "# {} values of {collector} are left out", shelf.values.left_out);
            }
            for (name, value, unit) in shelf.values.iter() {
                let family = family(self.naming.below(name));
                families.entry(family).or_default().push(Line { collector, name, value, unit });
            }
        }
        for (family, lines) in &families {
            if let Some(first) = lines.first() {
                self.head(family, first, &mut page);
            }
            for line in lines {
                let _ = writeln!(page, "{family}{{name=\"{}\"}} {}", escaped(line.name, true), line.value);
            }
        }
        page
    }

    fn head(&self, family: &str, line: &Line<'_>, page: &mut String) {
        let entry = COLLECTORS.iter().find(|entry| entry.name == line.collector);
        let origin = entry.and_then(|entry| entry.origin(self.naming.below(line.name)));
        let mut help = format!("Of {}", line.collector);
        if let Some(unit) = word(line.unit) {
            let _ = write!(help, ", in {unit}");
        }
        if let Some(origin) = origin {
            let _ = write!(help, "; {}: {}", origin.source, origin.field);
        }
        let _ = writeln!(page, "# HELP {family} {}\n# TYPE {family} gauge", escaped(&help, false));
    }
}

/// `name` as Prometheus has names.
fn family(name: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    "plumbago_".chars().chain(name.chars().map(plain)).collect()
}

fn word(unit: Unit) -> Option<&'static str> {
    match unit {
        Unit::Bits => Some("bits"),
        Unit::Bytes => Some("bytes"),
        Unit::Percent => Some("percent"),
        Unit::Seconds => Some("seconds"),
        Unit::Milliseconds => Some("milliseconds"),
        _ => None,
    }
}

/// `text` as a label's value, or as help, in which a quote is nothing special.
fn escaped(text: &str, quotes: bool) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => escaped.push_str("\\\\"),
            '\n' => escaped.push_str("\\n"),
            '"' if quotes => escaped.push_str("\\\""),
            c => escaped.push(c),
        }
    }
    escaped
}
