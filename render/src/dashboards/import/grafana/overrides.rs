//! What Grafana says of single series: axis, colour, dashes and width become functions inside the target of that name.
//! What is said of others, by patterns, or beside these, is left out.

use serde_json::Value;

use crate::dashboards::import::notes::Notes;
use crate::target::Target;

/// Colours that both know by name.
const NAMED: [&str; 6] = ["red", "green", "blue", "yellow", "orange", "purple"];

/// What is said of one series.
struct Override<'a> {
    name: &'a str,
    /// Function and further arguments of each that is to go around it.
    marks: Vec<(&'static str, String)>,
    /// Whether there is more that has no counterpart.
    more: bool,
}

/// The targets of a panel, marked; what could not be is noted. Of what is no `chart` nothing can be.
pub(super) fn applied(
    panel: &Value,
    mut targets: Vec<String>,
    is_chart: bool,
    whose: &str,
    notes: &mut Notes,
) -> Vec<String> {
    for over in classic(panel).chain(by_field(panel)) {
        let mut is_done = false;
        for target in targets.iter_mut().filter(|_| is_chart && !over.marks.is_empty()) {
            if let Some(marked) = marked(target, &over) {
                (*target, is_done) = (marked, true);
            }
        }
        let more = if is_done { "what else is said" } else { "what is said" };
        if over.more || !is_done {
            notes.left_out(whose, &format!("{more} of the series `{}`", over.name));
        }
    }
    targets
}

/// `seriesOverrides` of graphs.
fn classic(panel: &Value) -> impl Iterator<Item = Override<'_>> {
    panel["seriesOverrides"].as_array().into_iter().flatten().map(|over| {
        let mut found = Override { name: over["alias"].as_str().unwrap_or("?"), marks: Vec::new(), more: false };
        for (key, value) in over.as_object().into_iter().flatten() {
            match key.as_str() {
                "alias" | "$$hashKey" => {}
                "yaxis" if value == 2 => found.marks.push(("secondYAxis", String::new())),
                "yaxis" if value == 1 => {}
                "dashes" if value == true => found.marks.push(("dashed", String::new())),
                "color" => found.take("color", color(value)),
                "linewidth" => found.take("lineWidth", value.as_u64().map(|width| width.min(20).to_string())),
                _ => found.more = true,
            }
        }
        found
    })
}

/// `fieldConfig.overrides` of newer panels.
fn by_field(panel: &Value) -> impl Iterator<Item = Override<'_>> {
    panel["fieldConfig"]["overrides"].as_array().into_iter().flatten().map(|over| {
        let matcher = &over["matcher"];
        let name = matcher["options"].as_str().unwrap_or("?");
        let mut found = Override { name, marks: Vec::new(), more: false };
        if matcher["id"] != "byName" {
            return found;
        }
        for property in over["properties"].as_array().into_iter().flatten() {
            let value = &property["value"];
            match property["id"].as_str().unwrap_or_default() {
                "custom.axisPlacement" if value == "right" => found.marks.push(("secondYAxis", String::new())),
                "custom.lineStyle" if value["fill"] == "dash" => found.marks.push(("dashed", String::new())),
                "color" => found.take("color", color(&value["fixedColor"])),
                "custom.lineWidth" => found.take("lineWidth", value.as_u64().map(|width| width.min(20).to_string())),
                _ => found.more = true,
            }
        }
        found
    })
}

impl Override<'_> {
    fn take(&mut self, function: &'static str, argument: Option<String>) {
        match argument {
            Some(argument) => self.marks.push((function, format!(",{argument}"))),
            None => self.more = true,
        }
    }
}

/// As a literal: a shared name, or `#rrggbb`.
fn color(value: &Value) -> Option<String> {
    let text = value.as_str()?;
    let is_hex = text.len() == 7 && text.starts_with('#') && text[1..].bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_hex || NAMED.contains(&text)).then(|| format!("'{text}'"))
}

/// The target with the marks, if it gives the series of that name. They go below its `alias`, since some rename.
fn marked(target: &str, over: &Override<'_>) -> Option<String> {
    let (inner, literal) = alias(target).unwrap_or((target, ""));
    let name = literal.trim_matches(['\'', '"']);
    let is_path = literal.is_empty() && !target.contains(['(', '*', '?', '{', '[', '$', '\'', '"']);
    if name != over.name && !(is_path && target.trim() == over.name) {
        return None;
    }
    let mut text = inner.trim().to_owned();
    for (function, arguments) in &over.marks {
        text = format!("{function}({text}{arguments})");
    }
    let literal = if is_path { format!("'{}'", over.name) } else { literal.to_owned() };
    let text = format!("alias({text},{literal})");
    // It holds `$variables`, whose places any word may take.
    let plain = crate::dashboards::variables::substitute(&text, |_| Some("x".to_owned()));
    Target::parse(&plain).ok().map(|_| text)
}

/// What `alias` names, and its literal with the quotes.
fn alias(target: &str) -> Option<(&str, &str)> {
    let body = target.trim().strip_prefix("alias(")?.trim_end().strip_suffix(')')?.trim_end();
    let quote = body.chars().next_back().filter(|c| matches!(c, '\'' | '"'))?;
    let begin = body[..body.len() - 1].rfind(quote)?;
    let inner = body[..begin].trim_end().strip_suffix(',')?;
    Some((inner, &body[begin..]))
}
