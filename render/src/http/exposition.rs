//! Numbers for monitoring systems, in the Prometheus text format 0.0.4.
//!
//! ```text
//! # HELP plumbago_carbon_refused_total Lines that were refused.
//! # TYPE plumbago_carbon_refused_total counter
//! plumbago_carbon_refused_total{reason="value"} 3
//! ```

use std::fmt::Write as _;

/// The `Content-Type` of the text.
pub(super) const CONTENT_TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

/// One metric with all its values, which differ in their labels.
///
/// ```
/// use render::Family;
/// let family = Family::counter("refused_total", "Lines that were refused.").labelled(&[("reason", "value")], 3.0);
/// assert!(family.text().ends_with("refused_total{reason=\"value\"} 3\n"));
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    name: &'static str,
    help: &'static str,
    kind: Kind,
    values: Vec<Value>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Counter,
    Gauge,
    Summary,
}

#[derive(Clone, Debug, PartialEq)]
struct Value {
    /// What is set behind the name of the family.
    suffix: &'static str,
    labels: Vec<(&'static str, String)>,
    number: f64,
}

impl Family {
    /// Something that only grows while the process runs; by custom its name ends in `_total`.
    pub fn counter(name: &'static str, help: &'static str) -> Family {
        Family { name, help, kind: Kind::Counter, values: Vec::new() }
    }

    /// Something that goes up and down.
    pub fn gauge(name: &'static str, help: &'static str) -> Family {
        Family { name, help, kind: Kind::Gauge, values: Vec::new() }
    }

    /// How often something happened, and how much came of it in all.
    pub fn summary(name: &'static str, help: &'static str) -> Family {
        Family { name, help, kind: Kind::Summary, values: Vec::new() }
    }

    /// Adds the value that has no labels.
    pub fn value(self, number: f64) -> Family {
        self.labelled(&[], number)
    }

    /// Adds a value; label values may hold anything.
    pub fn labelled(mut self, labels: &[(&'static str, &str)], number: f64) -> Family {
        self.push("", labels, number);
        self
    }

    /// Adds the two values of a summary.
    pub fn summed(mut self, labels: &[(&'static str, &str)], sum: f64, count: u64) -> Family {
        self.push("_sum", labels, sum);
        self.push("_count", labels, count as f64);
        self
    }

    fn push(&mut self, suffix: &'static str, labels: &[(&'static str, &str)], number: f64) {
        let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        self.values.push(Value { suffix, labels, number });
    }

    /// The lines of this family; none when it has no values.
    pub fn text(&self) -> String {
        let mut out = String::new();
        self.write(&mut out);
        out
    }

    fn write(&self, out: &mut String) {
        if self.values.is_empty() {
            return;
        }
        let kind = match self.kind {
            Kind::Counter => "counter",
            Kind::Gauge => "gauge",
            Kind::Summary => "summary",
        };
        let help = self.help.replace('\\', "\\\\").replace('\n', "\\n");
        // Writing into a string does not fail.
        let _ = write!(out, "# HELP {0} {help}\n# TYPE {0} {kind}\n", self.name);
        for value in &self.values {
            out.push_str(self.name);
            out.push_str(value.suffix);
            write_labels(&value.labels, out);
            let _ = writeln!(out, " {}", Number(value.number));
        }
    }
}

/// All lines of all families.
pub(super) fn text(families: &[Family]) -> String {
    let mut out = String::new();
    families.iter().for_each(|family| family.write(&mut out));
    out
}

fn write_labels(labels: &[(&'static str, String)], out: &mut String) {
    for (index, (name, value)) in labels.iter().enumerate() {
        out.push(if index == 0 { '{' } else { ',' });
        out.push_str(name);
        out.push_str("=\"");
        for c in value.chars() {
            match c {
                '\\' => out.push_str("\\\\"),
                '"' => out.push_str("\\\""),
                '\n' => out.push_str("\\n"),
                c => out.push(c),
            }
        }
        out.push('"');
    }
    if !labels.is_empty() {
        out.push('}');
    }
}

struct Number(f64);

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            number if number == f64::INFINITY => f.write_str("+Inf"),
            number if number == f64::NEG_INFINITY => f.write_str("-Inf"),
            number => write!(f, "{number}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_label_may_hold_anything() {
        let family = Family::gauge("a", "Says \\ and\nmore.").labelled(&[("x", "q\"b\\s\nn"), ("y", "ü")], 1.5);
        let expected = "# HELP a Says \\\\ and\\nmore.\n# TYPE a gauge\na{x=\"q\\\"b\\\\s\\nn\",y=\"ü\"} 1.5\n";
        assert_eq!(family.text(), expected);
    }

    #[test]
    fn a_summary_has_a_sum_and_a_count() {
        let family = Family::summary("t_seconds", "T.").summed(&[], 0.25, 3);
        assert_eq!(
            family.text(),
            "# HELP t_seconds T.\n# TYPE t_seconds summary\nt_seconds_sum 0.25\nt_seconds_count 3\n"
        );
    }

    #[test]
    fn a_family_without_values_says_nothing_and_odd_numbers_have_names() {
        let families = [Family::gauge("none", ""), Family::gauge("g", "G.").value(f64::INFINITY).value(f64::NAN)];
        assert_eq!(text(&families), "# HELP g G.\n# TYPE g gauge\ng +Inf\ng NaN\n");
    }
}
