//! Variables of a dashboard: those with values of Graphite, of a list, or one.

use serde_json::Value;

use super::target::{in_our_way, offset};
use crate::dashboards::import::notes::Notes;
use crate::dashboards::model::Variable;
use crate::dashboards::variables::is_name;

pub(super) fn all(list: &Value, notes: &mut Notes) -> Vec<Variable> {
    let list = list.as_array().map(Vec::as_slice).unwrap_or_default();
    list.iter().take(200).filter_map(|value| variable(value, notes)).collect()
}

fn variable(value: &Value, notes: &mut Notes) -> Option<Variable> {
    let name = value["name"].as_str()?;
    let whose = format!("variable `{name}`");
    if !is_name(name) {
        notes.left_out(&whose, "its name");
        return None;
    }
    let mut made = Variable {
        name: name.to_owned(),
        label: value["label"].as_str().unwrap_or_default().to_owned(),
        all: value["includeAll"] == true || value["multi"] == true,
        default: current(value).unwrap_or_default(),
        ..Variable::default()
    };
    match value["type"].as_str().unwrap_or("query") {
        "query" => of_query(&mut made, value, &whose, notes),
        "custom" => made.values = listed(value),
        "interval" => {
            made.values = listed(value).iter().filter(|value| *value != "auto").map(|text| offset(text)).collect();
            made.default = offset(&made.default);
        }
        "constant" | "textbox" => {
            let only = value["query"].as_str().map(str::to_owned).or_else(|| current(value))?;
            made.default.clone_from(&only);
            made.values = vec![only];
        }
        // There is one source here.
        "datasource" => return None,
        kind => {
            notes.left_out(&whose, &format!("a variable of type {kind}"));
            return None;
        }
    }
    if made.default == "$__all" || made.default == "All" {
        made.default = "*".to_owned();
    }
    Some(made)
}

/// What is chosen now; of several the first.
fn current(value: &Value) -> Option<String> {
    let now = &value["current"]["value"];
    let now = now.get(0).unwrap_or(now);
    now.as_str().map(str::to_owned).filter(|text| !text.starts_with("$__auto"))
}

fn of_query(made: &mut Variable, value: &Value, whose: &str, notes: &mut Notes) {
    let query = &value["query"];
    let query = [query, &query["query"], &query["target"]].into_iter().find_map(Value::as_str).unwrap_or_default();
    made.regex = value["regex"].as_str().unwrap_or_default().to_owned();
    let query = in_our_way(query.trim(), whose, notes);
    // Functions and tags have no counterpart; a pattern has no bracket.
    if query.is_empty() || query.contains(['(', ')', ' ', '=']) {
        notes.left_out(whose, &format!("its query `{query}`; its value stays as it was"));
        let now = Some(made.default.clone()).filter(|value| !value.is_empty() && value != "$__all");
        made.values = vec![now.unwrap_or_else(|| "*".to_owned())];
        return;
    }
    // Its last part, wherever that is: a variable inside may stand for several parts.
    made.query = query;
}

/// `a,b,c`, also with labels as `label : value`.
fn listed(value: &Value) -> Vec<String> {
    let text = value["query"].as_str().unwrap_or_default();
    let parts = text.split(',').map(|part| part.rsplit(" : ").next().unwrap_or(part).trim());
    parts.filter(|part| !part.is_empty()).take(500).map(str::to_owned).collect()
}
