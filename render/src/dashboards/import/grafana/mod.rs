//! Grafana's dashboards, from the rows of old (before schema 16) to the classic form of today.

mod look;
mod overrides;
mod panel;
mod source;
mod target;
mod variable;

use std::collections::BTreeSet;

use serde_json::Value;

use super::ImportFault;
use super::notes::Notes;
use crate::dashboards::model::{Dashboard, Row};
use source::Sources;

/// Panels that are looked at; limits of a dashboard come after.
const MOST: usize = 2_000;

pub(super) fn dashboard(value: &Value, notes: &mut Notes) -> Result<Dashboard, ImportFault> {
    let sources = Sources::of(value);
    let mut found = Found { sources: &sources, notes, strangers: BTreeSet::new(), rows: Vec::new(), left: MOST };
    match value["panels"].as_array() {
        Some(panels) if !panels.is_empty() => found.grid(panels),
        _ => found.spans(value["rows"].as_array().map(Vec::as_slice).unwrap_or_default()),
    }
    let Found { strangers, mut rows, .. } = found;
    rows.retain(|row| !row.panels.is_empty());
    if rows.iter().all(|row| row.panels.iter().all(|panel| panel.kind == "text")) && !strangers.is_empty() {
        let names: Vec<String> = strangers.into_iter().collect();
        return Err(ImportFault::OtherSource(names.join(", ")));
    }
    let mut dashboard = Dashboard {
        title: value["title"].as_str().unwrap_or("Dashboard").to_owned(),
        description: value["description"].as_str().unwrap_or_default().to_owned(),
        refresh: value["refresh"].as_str().and_then(target::seconds),
        variables: variable::all(&value["templating"]["list"], notes),
        rows,
        ..Dashboard::default()
    };
    dashboard.from = moment(&value["time"]["from"], notes);
    dashboard.until = moment(&value["time"]["to"], notes);
    whole(value, notes);
    Ok(dashboard)
}

/// What belongs to the dashboard as a whole and has no place in ours.
fn whole(value: &Value, notes: &mut Notes) {
    for annotation in value["annotations"]["list"].as_array().into_iter().flatten() {
        if annotation["builtIn"] != 1 {
            let name = annotation["name"].as_str().unwrap_or_default();
            notes.left_out("the dashboard", &format!("annotations `{name}`"));
        }
    }
    if value["links"].as_array().is_some_and(|links| !links.is_empty()) {
        notes.left_out("the dashboard", "links to other dashboards");
    }
}

/// `now-6h` as `/render` reads it; empty for what it does not.
fn moment(value: &Value, notes: &mut Notes) -> String {
    let Some(text) = value.as_str() else { return String::new() };
    let (plain, rounded) = text.split_once('/').map_or((text, false), |(plain, _)| (plain, true));
    if rounded {
        notes.left_out("the time", &format!("the rounding of `{text}`"));
    }
    match plain.strip_prefix("now") {
        Some("") => "now".to_owned(),
        Some(offset) if offset.starts_with(['-', '+']) => target::offset(offset),
        _ => {
            notes.left_out("the time", &format!("`{text}`"));
            String::new()
        }
    }
}

/// What has been read so far.
struct Found<'a> {
    sources: &'a Sources,
    notes: &'a mut Notes,
    /// Kinds of sources that are not Graphite.
    strangers: BTreeSet<String>,
    rows: Vec<Row>,
    left: usize,
}

impl Found<'_> {
    /// Panels on a grid of 24 columns, some of which are headings of rows.
    fn grid(&mut self, panels: &[Value]) {
        let place = |panel: &&Value| {
            let at = |axis: &str| panel["gridPos"][axis].as_i64().unwrap_or(i64::MAX);
            (at("y"), at("x"))
        };
        let mut panels: Vec<&Value> = panels.iter().take(MOST).collect();
        panels.sort_by_key(place);
        self.rows.push(Row::default());
        for panel in panels {
            if panel["type"] == "row" {
                self.heading(panel);
                let inner = panel["panels"].as_array().map(Vec::as_slice).unwrap_or_default();
                inner.iter().for_each(|panel| self.add(panel, None));
            } else {
                self.add(panel, None);
            }
        }
    }

    /// Rows of panels that span twelfths.
    fn spans(&mut self, rows: &[Value]) {
        for row in rows.iter().take(MOST).filter(|row| !row["repeatRowId"].is_number()) {
            self.heading(row);
            let panels = row["panels"].as_array().map(Vec::as_slice).unwrap_or_default();
            panels.iter().for_each(|panel| self.add(panel, Some(&row["height"])));
        }
    }

    fn heading(&mut self, row: &Value) {
        let text = |name: &str| row[name].as_str().unwrap_or_default().to_owned();
        self.rows.push(Row { title: text("title"), repeat: text("repeat"), ..Row::default() });
    }

    fn add(&mut self, value: &Value, row_height: Option<&Value>) {
        // Grafana keeps what it has made of a repetition beside what it was made of.
        if value["repeatPanelId"].is_number() {
            return;
        }
        let Some(left) = self.left.checked_sub(1) else { return };
        self.left = left;
        let made = panel::panels(value, row_height, self.sources, self.notes, &mut self.strangers);
        if let Some(row) = self.rows.last_mut() {
            row.panels.extend(made);
        }
    }
}
