//! The text form of Prometheus, line by line. Whatever it is, a line is read in one pass and never panics.
//!
//! ```text
//! # TYPE http_requests_total counter
//! http_requests_total{code="200",path="/a \"b\""} 1027 1395066363000      name, labels, value, time (not used)
//! ```

use std::borrow::Cow;

/// What a `# TYPE` line says of a family.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) enum Kind {
    Counter,
    Histogram,
    Summary,
    /// A gauge, one without type, or one of a type that came later.
    #[default]
    Gauge,
}

/// What a line holds.
#[derive(Debug, PartialEq)]
pub(super) enum Line<'a> {
    /// A family begins.
    Type(&'a str, Kind),
    /// A value.
    Sample(Sample<'a>),
    /// Nothing, or a comment.
    Empty,
}

/// A name with labels, and its value.
#[derive(Debug, PartialEq)]
pub(super) struct Sample<'a> {
    pub(super) name: &'a str,
    pub(super) labels: Vec<(&'a str, Cow<'a, str>)>,
    pub(super) value: f64,
}

/// Reads one line; `None` for one that is not of this form.
pub(super) fn read(line: &str) -> Option<Line<'_>> {
    let line = line.trim();
    if let Some(comment) = line.strip_prefix('#') {
        let mut words = comment.split_whitespace();
        let (Some("TYPE"), Some(name), kind) = (words.next(), words.next(), words.next()) else {
            return Some(Line::Empty);
        };
        let kind = match kind? {
            "counter" => Kind::Counter,
            "histogram" => Kind::Histogram,
            "summary" => Kind::Summary,
            _ => Kind::Gauge,
        };
        return Some(Line::Type(name, kind));
    }
    if line.is_empty() {
        return Some(Line::Empty);
    }
    let (name, mut rest) = line.split_at(line.find(|c: char| !is_name(c)).filter(|end| *end > 0)?);
    let mut labels = Vec::new();
    if let Some(inside) = rest.trim_start().strip_prefix('{') {
        rest = read_labels(inside, &mut labels)?;
    } else if !rest.starts_with(char::is_whitespace) {
        return None;
    }
    let mut words = rest.split_whitespace();
    let value = match words.next()? {
        "+Inf" | "-Inf" | "NaN" => f64::NAN,
        number => number.parse().ok()?,
    };
    Some(Line::Sample(Sample { name, labels, value }))
}

fn is_name(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | ':')
}

/// Reads `a="b",c="d",}`; gives what follows the bracket.
fn read_labels<'a>(mut text: &'a str, labels: &mut Vec<(&'a str, Cow<'a, str>)>) -> Option<&'a str> {
    loop {
        text = text.trim_start();
        if let Some(rest) = text.strip_prefix('}') {
            return Some(rest);
        }
        let (name, rest) = text.split_at(text.find(|c: char| !is_name(c)).filter(|end| *end > 0)?);
        let quoted = rest.trim_start().strip_prefix('=')?.trim_start().strip_prefix('"')?;
        let end = end_of_quote(quoted)?;
        labels.push((name, unescape(&quoted[..end])));
        text = quoted[end + 1..].trim_start();
        if let Some(rest) = text.strip_prefix(',') {
            text = rest;
        } else if !text.starts_with('}') {
            return None;
        }
    }
}

/// Where the quote that ends a label stands.
fn end_of_quote(text: &str) -> Option<usize> {
    let mut escaped = false;
    text.bytes().position(|byte| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    })
}

fn unescape(text: &str) -> Cow<'_, str> {
    if !text.contains('\\') {
        return text.into();
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        plain.push(match c {
            '\\' => match chars.next() {
                Some('n') => '\n',
                Some(other) => other,
                None => '\\',
            },
            c => c,
        });
    }
    plain.into()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[track_caller]
    fn sample(line: &str, name: &str, labels: &[(&str, &str)], value: f64) {
        let labels = labels.iter().map(|(name, value)| (*name, Cow::Borrowed(*value))).collect();
        assert_eq!(read(line), Some(Line::Sample(Sample { name, labels, value })), "{line}");
    }

    #[test]
    fn samples_have_names_labels_and_values() {
        sample("up 1", "up", &[], 1.0);
        sample("  a:b_c{} 1.5e3 1395066363000 ", "a:b_c", &[], 1500.0);
        sample(r#"a{b="c",d="x \"y\" \\ z\n",} -1"#, "a", &[("b", "c"), ("d", "x \"y\" \\ z\n")], -1.0);
        sample(r#"a { b = "c} 5" } 2"#, "a", &[("b", "c} 5")], 2.0);
    }

    #[test]
    fn comments_say_the_type_or_nothing() {
        assert_eq!(read("# TYPE a counter"), Some(Line::Type("a", Kind::Counter)));
        assert_eq!(read("# TYPE a stateset"), Some(Line::Type("a", Kind::Gauge)));
        for line in ["", " ", "#", "# HELP a b", "# EOF", "# TYPE"] {
            assert_eq!(read(line), Some(Line::Empty), "{line}");
        }
    }

    #[test]
    fn what_is_cut_or_of_another_form_is_none() {
        for line in [
            "a",
            "a{",
            "a{b",
            "a{b=",
            "a{b=\"",
            "a{b=\"c\\\"",
            "a{b=\"c\"",
            "a{b=\"c\"}",
            "a{b=\"c\"x=\"d\"} 1",
            "{} 1",
            "a-b 1",
            "a 1x",
            "# TYPE a",
        ] {
            assert_eq!(read(line), None, "{line}");
        }
    }

    proptest! {
        #[test]
        fn no_line_is_too_strange(line in "\\PC{0,60}", cut in "[a#{}=\", \\\\1]{0,40}") {
            let _ = (read(&line), read(&cut));
        }
    }
}
