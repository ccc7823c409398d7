//! Reading a dashboard from bytes that anybody may have sent, and writing it for people and git.

use serde_json::Value;

use super::model::{Dashboard, Panel};

/// Bytes of a dashboard.
pub const LONGEST: usize = 1 << 20;

/// How deep its JSON may be nested.
const DEEPEST: usize = 32;
const ROWS: usize = 100;
const PANELS: usize = 200;
const TARGETS: usize = 100;
const COLUMNS: usize = 50;
const VARIABLES: usize = 50;
const VALUES: usize = 1_000;
const OPTIONS: usize = 200;

/// Why bytes are no dashboard.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DashboardFault {
    /// It is not JSON, or a field has another type than it should have.
    #[error("{0}")]
    Json(serde_json::Error),
    /// More of something than a dashboard may have.
    #[error("{what}: {found}, and {most} is the limit")]
    TooMuch {
        /// Of what, and where.
        what: String,
        /// As found; as far as it was counted.
        found: usize,
        /// As allowed.
        most: usize,
    },
}

impl Dashboard {
    /// Reads and checks a dashboard.
    ///
    /// # Errors
    /// It is no JSON object of this form, or beyond a limit.
    pub fn parse(bytes: &[u8]) -> Result<Dashboard, DashboardFault> {
        within("bytes", bytes.len(), LONGEST)?;
        let depth = depth(bytes);
        within("levels of nesting", depth, DEEPEST)?;
        let dashboard: Dashboard = serde_json::from_slice(bytes).map_err(DashboardFault::Json)?;
        dashboard.within_limits()?;
        Ok(dashboard)
    }

    /// As it stands in a file: indented, each time the same bytes for the same dashboard.
    pub fn text(&self) -> String {
        // Keys are texts and numbers are finite, so nothing here can fail.
        let mut text = serde_json::to_string_pretty(self).unwrap_or_default();
        text.push('\n');
        text
    }

    pub(super) fn within_limits(&self) -> Result<(), DashboardFault> {
        within("rows", self.rows.len(), ROWS)?;
        within("panels", self.panels().count(), PANELS)?;
        within("variables", self.variables.len(), VARIABLES)?;
        for variable in &self.variables {
            within(&format!("values of the variable `{}`", short(&variable.name)), variable.values.len(), VALUES)?;
        }
        self.panels().try_for_each(Panel::within_limits)
    }
}

impl Panel {
    fn within_limits(&self) -> Result<(), DashboardFault> {
        let of = |what: &str| format!("{what} of the panel `{}`", short(&self.title));
        within(&of("targets"), self.targets.len(), TARGETS)?;
        within(&of("columns"), self.columns.len(), COLUMNS)?;
        within(&of("options"), self.options.values().map(width).sum(), OPTIONS)
    }
}

/// How many parameters a value of `options` makes.
fn width(value: &Value) -> usize {
    value.as_array().map_or(1, Vec::len)
}

fn within(what: &str, found: usize, most: usize) -> Result<(), DashboardFault> {
    if found <= most { Ok(()) } else { Err(DashboardFault::TooMuch { what: what.to_owned(), found, most }) }
}

/// The deepest nesting of brackets outside texts; of what is no JSON, some number.
pub(super) fn depth(bytes: &[u8]) -> usize {
    let (mut depth, mut deepest, mut in_text, mut escaped) = (0_usize, 0, false, false);
    for byte in bytes {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if in_text => escaped = true,
            b'"' => in_text = !in_text,
            _ if in_text => {}
            b'{' | b'[' => {
                depth += 1;
                deepest = deepest.max(depth);
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            _ => {}
        }
    }
    deepest
}

fn short(text: &str) -> &str {
    text.char_indices().nth(60).map_or(text, |(end, _)| &text[..end])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_unknown_survives() {
        let text = r#"{"title":"T","later":{"a":[1,2.50]},"rows":[{"panels":[{"kind":"map","zoom":3,"warn":4}]}]}"#;
        let read = Dashboard::parse(text.as_bytes()).unwrap();
        assert_eq!(read.other["later"]["a"][0], 1);
        let again = Dashboard::parse(read.text().as_bytes()).unwrap();
        assert_eq!(again, read);
        assert!(read.text().contains("\"warn\": 4\n") || read.text().contains("\"warn\": 4,"), "{}", read.text());
    }

    #[test]
    fn too_much_is_refused_with_its_place() {
        let panels = vec![r#"{"kind":"text"}"#; 201].join(",");
        let told = |text: &str| Dashboard::parse(text.as_bytes()).unwrap_err().to_string();
        assert!(told(&format!(r#"{{"rows":[{{"panels":[{panels}]}}]}}"#)).contains("panels: 201"));
        let targets = vec![r#""a""#; 101].join(",");
        let text = format!(r#"{{"rows":[{{"panels":[{{"kind":"chart","title":"P","targets":[{targets}]}}]}}]}}"#);
        assert!(told(&text).contains("targets of the panel `P`: 101"));
        let nested = format!("{{\"x\":{}{}}}", "[".repeat(100_000), "]".repeat(100_000));
        assert!(told(&nested).contains("nesting"));
        assert!(told(&format!("{{\"x\":\"{}\"}}", "y".repeat(LONGEST))).contains("bytes"));
        assert!(told("{\"title\": 3}").contains("line 1"));
        assert!(told("[]").contains("invalid"), "{}", told("[]"));
    }

    #[test]
    fn brackets_in_texts_are_no_nesting() {
        assert_eq!(depth(br#"{"a":"[[[\"[[","b":[1]}"#), 2);
    }
}
