//! One panel of Grafana: none, one or several of ours.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::look::{self, Look};
use super::overrides;
use super::source::Sources;
use super::target;
use crate::dashboards::import::notes::Notes;
use crate::dashboards::model::{Column, Panel};
use crate::dashboards::variables::substitute;
use crate::target::Target;

/// Pixels of a unit of Grafana's grid, with its gap, and of what is not the chart.
const UNIT: f64 = 38.0;
const FRAME: f64 = 60.0;

pub(super) fn panels(
    value: &Value,
    row_height: Option<&Value>,
    sources: &Sources,
    notes: &mut Notes,
    strangers: &mut BTreeSet<String>,
) -> Vec<Panel> {
    let title = value["title"].as_str().unwrap_or_default();
    let kind = value["type"].as_str().unwrap_or_default();
    let whose = if title.is_empty() { format!("a panel of type {kind}") } else { format!("panel `{title}`") };
    if !value["libraryPanel"].is_null() && value["targets"].is_null() {
        notes.left_out(&whose, "it is a library panel, whose contents are not in this file");
        return Vec::new();
    }
    let kind = match kind {
        "graph" | "timeseries" | "piechart" | "grafana-piechart-panel" => "chart",
        "stat" | "singlestat" | "gauge" | "bargauge" => "number",
        "table" | "table-old" => "table",
        "text" => return vec![text(value, title, &whose, notes)],
        other => {
            notes.left_out(&whose, &format!("a panel of type {other}"));
            return Vec::new();
        }
    };
    let targets = targets(value, &whose, sources, notes, strangers);
    if targets.is_empty() {
        notes.left_out(&whose, "the whole panel, as it has no target for Graphite");
        return Vec::new();
    }
    let look = look::look(value, &whose, notes);
    let targets = overrides::applied(value, targets, kind == "chart", &whose, notes);
    let (width, height) = size(value, row_height);
    let panel = Panel {
        kind: kind.to_owned(),
        title: target::in_our_way(title, &whose, notes),
        description: value["description"].as_str().unwrap_or_default().to_owned(),
        width: Some(width),
        height,
        unit: look.unit.clone(),
        decimals: look.decimals,
        from: look.from.clone(),
        repeat: value["repeat"].as_str().unwrap_or_default().to_owned(),
        ..Panel::default()
    };
    match kind {
        "number" => numbers(panel, targets, look),
        "table" => vec![Panel { columns: columns(&targets, &look), row: "Series".to_owned(), ..panel }],
        _ => {
            // Thresholds are kept for every panel of today, and drawn in few.
            let style = &value["fieldConfig"]["defaults"]["custom"]["thresholdsStyle"]["mode"];
            let is_drawn = value["thresholds"].is_array() || style.as_str().is_some_and(|mode| mode != "off");
            let (warn, alarm) = if is_drawn { (look.warn, look.alarm) } else { (None, None) };
            vec![Panel { targets, options: look.options, warn, alarm, ..panel }]
        }
    }
}

/// A number each, side by side.
fn numbers(panel: Panel, targets: Vec<String>, look: Look) -> Vec<Panel> {
    let width = panel.width.map(|width| (width / targets.len().min(12) as u32).max(1));
    let one = |target| Panel {
        targets: vec![target],
        width,
        height: None,
        spark: look.spark,
        warn: look.warn.clone(),
        alarm: look.alarm.clone(),
        reduce: look.reduce.to_owned(),
        ..panel.clone()
    };
    targets.into_iter().map(one).collect()
}

fn columns(targets: &[String], look: &Look) -> Vec<Column> {
    let column = |(place, target): (usize, &String)| Column {
        title: if targets.len() == 1 { "Value".to_owned() } else { format!("Value {}", place + 1) },
        target: target.clone(),
        unit: look.unit.clone(),
        decimals: look.decimals,
        warn: look.warn.clone(),
        alarm: look.alarm.clone(),
        ..Column::default()
    };
    targets.iter().enumerate().map(column).collect()
}

/// Those that are shown and ask Graphite.
fn targets(
    value: &Value,
    whose: &str,
    sources: &Sources,
    notes: &mut Notes,
    strangers: &mut BTreeSet<String>,
) -> Vec<String> {
    let all = value["targets"].as_array().map(Vec::as_slice).unwrap_or_default();
    let letters = target::by_letter(all);
    let mut found = Vec::new();
    for one in all.iter().filter(|target| target["hide"] != true).take(200) {
        if let Some(kind) = sources.stranger(value, one) {
            notes.left_out(whose, &format!("what it asks {kind}"));
            strangers.insert(kind);
            continue;
        }
        let Some(text) = target::resolved(one, &letters) else {
            let letter = one["refId"].as_str().unwrap_or("?");
            notes.left_out(whose, &format!("target {letter}, which is empty or refers to itself"));
            continue;
        };
        let text = target::in_our_way(&text, whose, notes);
        match Target::parse(&substitute(&text, |_| Some("x".to_owned()))) {
            Ok(_) => found.push(text),
            Err(fault) => notes.left_out(whose, &format!("the target {text}: {fault}")),
        }
    }
    found
}

fn text(value: &Value, title: &str, whose: &str, notes: &mut Notes) -> Panel {
    let options = &value["options"];
    let of = |name: &str| options[name].as_str().or_else(|| value[name].as_str()).unwrap_or_default();
    let mut words = of("content").to_owned();
    if of("mode") == "html" {
        notes.left_out(whose, "its HTML, of which the words remain");
        words = without_tags(&words);
    }
    Panel {
        kind: "text".to_owned(),
        title: title.to_owned(),
        width: Some(size(value, None).0),
        text: words,
        other: Map::new(),
        ..Panel::default()
    }
}

/// The words between tags. The page shows text as text, so this need not be safe, only readable.
fn without_tags(html: &str) -> String {
    let mut out = String::new();
    for part in html.split('<') {
        let words = part.split_once('>').map_or(if out.is_empty() { part } else { "" }, |(_, words)| words);
        out.push_str(words);
    }
    out.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join("\n")
}

/// Twelfths and pixels.
fn size(value: &Value, row_height: Option<&Value>) -> (u32, Option<u32>) {
    let grid = &value["gridPos"];
    let width = match (grid["w"].as_f64(), value["span"].as_f64()) {
        (Some(units), _) => units / 2.0,
        (None, Some(span)) => span,
        _ => 12.0,
    };
    let own = &value["height"];
    let height = match (grid["h"].as_f64(), pixels(own).or_else(|| pixels(row_height?))) {
        (Some(units), _) => Some(units * UNIT - FRAME),
        (None, pixels) => pixels,
    };
    (width.round().clamp(1.0, 12.0) as u32, height.map(|height| height.clamp(80.0, 1_000.0) as u32))
}

/// `250`, `"250"` or `"250px"`.
fn pixels(value: &Value) -> Option<f64> {
    value.as_f64().or_else(|| value.as_str()?.trim_end_matches("px").trim().parse().ok()).filter(|n| n.is_finite())
}
