//! graphite-web's dashboards: what `/dashboard/load/NAME` answers and its database keeps. Templates are the same with
//! `__VALUE__` in their targets.

use serde_json::{Map, Value};

use super::notes::Notes;
use crate::dashboards::model::{Dashboard, Panel, Row, Variable};
use crate::percent::decode_lossily;

/// What a template has in place of a value.
const HOLE: &str = "__VALUE__";

/// Parameters that the page decides, or that have a field of their own.
const OURS: [&str; 12] =
    ["target", "from", "until", "title", "width", "height", "format", "_uniq", "_salt", "noCache", "jsonp", "local"];

pub(super) fn dashboard(state: &Value, notes: &mut Notes) -> Dashboard {
    let graphs = state["graphs"].as_array().map(Vec::as_slice).unwrap_or_default();
    let size = &state["graphSize"];
    let width = columns(size["width"].as_f64().unwrap_or(400.0));
    let height = size["height"].as_f64().map(|height| height.clamp(120.0, 1_000.0) as u32);
    let mut panels: Vec<Panel> = Vec::new();
    for (place, graph) in graphs.iter().enumerate() {
        match panel(graph, width, height) {
            Some(panel) => panels.push(panel),
            None => notes.left_out(&format!("graph {}", place + 1), "it has no targets"),
        }
    }
    let mut dashboard = Dashboard {
        title: text(&state["name"]).unwrap_or_else(|| "Dashboard".to_owned()),
        variables: variable(&panels).into_iter().collect(),
        refresh: refresh(&state["refreshConfig"]),
        ..Dashboard::default()
    };
    (dashboard.from, dashboard.until) = window(&state["timeConfig"], graphs);
    panels.iter_mut().for_each(fill);
    dashboard.rows.push(Row { panels, ..Row::default() });
    dashboard
}

/// `[targets, parameters, address]`, of which the parameters are the most exact.
fn panel(graph: &Value, width: u32, height: Option<u32>) -> Option<Panel> {
    let parameters = graph.get(1).and_then(Value::as_object);
    let targets = parameters.and_then(|parameters| targets(parameters.get("target")?));
    let targets = targets
        .or_else(|| targets_of(graph.get(0)?))
        .or_else(|| targets_of(graph.get(2)?))
        .filter(|t| !t.is_empty())?;
    let title = parameters.and_then(|parameters| text(parameters.get("title")?)).unwrap_or_default();
    let options = parameters.map(options).unwrap_or_default();
    Some(Panel { kind: "chart".to_owned(), title, width: Some(width), height, targets, options, ..Panel::default() })
}

fn targets(value: &Value) -> Option<Vec<String>> {
    let found: Vec<String> = match value {
        Value::Array(list) => list.iter().filter_map(text).collect(),
        one => text(one).into_iter().collect(),
    };
    (!found.is_empty()).then_some(found)
}

/// A list, or an address with its `target=` parts, or these alone.
fn targets_of(value: &Value) -> Option<Vec<String>> {
    let Value::String(address) = value else { return targets(value) };
    let query = address.split_once('?').map_or(&**address, |(_, query)| query);
    let pairs = query.split('&').filter_map(|pair| pair.strip_prefix("target="));
    let found: Vec<String> = pairs.map(decode_lossily).collect();
    (!found.is_empty()).then_some(found)
}

fn options(parameters: &Map<String, Value>) -> Map<String, Value> {
    let fits = |name: &str, value: &Value| {
        let is_plain = value.is_number() || value.is_boolean() || value.as_str().is_some_and(|text| !text.is_empty());
        is_plain && !OURS.contains(&name)
    };
    let kept = parameters.iter().filter(|(name, value)| fits(name, value));
    kept.map(|(name, value)| (name.clone(), value.clone())).collect()
}

/// The window of the dashboard; one that does not move stands in each graph.
fn window(config: &Value, graphs: &[Value]) -> (String, String) {
    let relative = |which: &str| {
        let units = text(&config[format!("relative{which}Units")])?;
        let quantity = &config[format!("relative{which}Quantity")];
        let quantity = quantity.as_f64().or_else(|| quantity.as_str()?.trim().parse().ok());
        match (units.as_str(), quantity) {
            ("now", _) => Some("now".to_owned()),
            (units, Some(quantity)) if units.bytes().all(|b| b.is_ascii_alphabetic()) => {
                Some(format!("-{}{units}", quantity as u32))
            }
            _ => None,
        }
    };
    let of_graph = |name: &str| graphs.iter().find_map(|graph| text(graph.get(1)?.get(name)?));
    let (from, until) = match config["type"].as_str() {
        Some("absolute") => (None, None),
        _ => (relative("Start"), relative("Until")),
    };
    (from.or_else(|| of_graph("from")).unwrap_or_default(), until.or_else(|| of_graph("until")).unwrap_or_default())
}

/// Milliseconds become seconds.
fn refresh(config: &Value) -> Option<u32> {
    let every = config["interval"].as_f64().filter(|_| config["enabled"].as_bool() == Some(true))?;
    Some((every / 1_000.0).clamp(1.0, 86_400.0) as u32)
}

/// A variable for the value of a template, whose values are what stands in its place in the first target that has one.
fn variable(panels: &[Panel]) -> Option<Variable> {
    let holds = |text: &&String| text.contains(HOLE);
    panels.iter().flat_map(|panel| panel.targets.iter().chain([&panel.title])).find(holds)?;
    let mut targets = panels.iter().flat_map(|panel| &panel.targets).filter(holds);
    let found = targets.find_map(|target| {
        let path = target.split(['(', ')', ',', '\'', '"', ' ']).find(|part| part.contains(HOLE))?;
        let node = path.split('.').position(|part| part == HOLE)?;
        let before: Vec<&str> = path.split('.').take(node).chain(["*"]).collect();
        Some((before.join("."), i64::try_from(node).ok()?))
    });
    let (query, node) = found.map_or((String::new(), None), |(query, node)| (query, Some(node)));
    let values = if query.is_empty() { vec!["*".to_owned()] } else { Vec::new() };
    Some(Variable {
        name: "value".to_owned(),
        label: "Value".to_owned(),
        query,
        node,
        values,
        all: true,
        ..Variable::default()
    })
}

fn fill(panel: &mut Panel) {
    for text in panel.targets.iter_mut().chain([&mut panel.title]) {
        if text.contains(HOLE) {
            *text = text.replace(HOLE, "${value}");
        }
    }
}

/// Twelfths of a page of some 1 400 pixels.
fn columns(pixels: f64) -> u32 {
    match pixels {
        ..=300.0 => 2,
        ..=370.0 => 3,
        ..=500.0 => 4,
        ..=750.0 => 6,
        _ => 12,
    }
}

fn text(value: &Value) -> Option<String> {
    value.as_str().map(str::to_owned).filter(|text| !text.is_empty())
}
