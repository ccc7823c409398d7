//! How a panel looks: unit, limits, thresholds, stacking; as parameters of `/render` where there are such.

use serde_json::{Map, Number, Value};

use super::target::{is_length, offset};
use crate::dashboards::import::notes::Notes;

/// What is carried over.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) unit: String,
    pub(super) decimals: Option<u32>,
    pub(super) options: Map<String, Value>,
    pub(super) warn: Option<Number>,
    pub(super) alarm: Option<Number>,
    pub(super) spark: bool,
    /// The start of a window of its own.
    pub(super) from: String,
    /// What a number is of its window.
    pub(super) reduce: &'static str,
}

pub(super) fn look(panel: &Value, whose: &str, notes: &mut Notes) -> Look {
    let defaults = &panel["fieldConfig"]["defaults"];
    let axis = &panel["yaxes"][0];
    let unit = [&defaults["unit"], &axis["format"], &panel["format"]].into_iter().find_map(Value::as_str);
    let decimals = [&defaults["decimals"], &panel["decimals"], &axis["decimals"]].into_iter().find_map(Value::as_u64);
    let mut look = Look {
        unit: of_unit(unit.unwrap_or_default()),
        decimals: decimals.map(|digits| digits.min(10) as u32),
        spark: panel["sparkline"]["show"] == true || panel["options"]["graphMode"] == "area",
        from: window(panel, whose, notes),
        reduce: reducer(panel, whose, notes),
        ..Look::default()
    };
    if panel["thresholds"].is_array() {
        lines_across(panel, &mut look, whose, notes);
    } else {
        thresholds(panel, &mut look);
    }
    axes(panel, &mut look.options);
    lines(panel, &mut look.options, whose, notes);
    not_carried_over(panel, whose, notes);
    look
}

/// Our name of a unit; an unknown one stays as it is.
fn of_unit(unit: &str) -> String {
    let ours = match unit {
        "" | "none" | "short" | "locale" | "string" => "",
        "percent" => "%",
        "percentunit" => "ratio",
        "bytes" | "decbytes" => "B",
        "bits" | "decbits" => "bit",
        "Bps" | "binBps" => "B/s",
        "bps" | "binbps" => "bit/s",
        "ops" | "reqps" | "rps" | "wps" | "iops" | "opm" | "pps" | "cps" | "eps" | "mps" => "/s",
        "µs" => "µs",
        "m" => "min",
        other => other,
    };
    ours.chars().take(16).collect()
}

fn axes(panel: &Value, options: &mut Map<String, Value>) {
    let defaults = &panel["fieldConfig"]["defaults"];
    let axis = &panel["yaxes"][0];
    let number = |value: &Value| match value {
        Value::Number(number) => Some(number.to_string()),
        Value::String(text) => {
            text.trim().parse::<f64>().ok().filter(|n| n.is_finite()).map(|_| text.trim().to_owned())
        }
        _ => None,
    };
    let mut set = |name: &str, value: Option<String>| {
        if let Some(value) = value {
            options.insert(name.to_owned(), value.into());
        }
    };
    set("yMin", number(&defaults["min"]).or_else(|| number(&axis["min"])));
    set("yMax", number(&defaults["max"]).or_else(|| number(&axis["max"])));
    let scale = &defaults["custom"]["scaleDistribution"];
    let base = if scale["type"] == "log" { number(&scale["log"]) } else { number(&axis["logBase"]) };
    set("logBase", base.filter(|base| base != "1"));
    let label = [&defaults["custom"]["axisLabel"], &axis["label"]].into_iter().find_map(Value::as_str);
    set("vtitle", label.filter(|label| !label.is_empty()).map(|label| label.chars().take(100).collect()));
    set("maxDataPoints", panel["maxDataPoints"].as_u64().filter(|n| (1..=100_000).contains(n)).map(|n| n.to_string()));
}

fn lines(panel: &Value, options: &mut Map<String, Value>, whose: &str, notes: &mut Notes) {
    let custom = &panel["fieldConfig"]["defaults"]["custom"];
    let mut set = |name: &str, value: &str| options.insert(name.to_owned(), value.into());
    let stacking = custom["stacking"]["mode"].as_str().unwrap_or("none");
    if panel["stack"] == true || stacking != "none" {
        set("areaMode", "stacked");
    }
    if panel["percentage"] == true || stacking == "percent" {
        notes.left_out(whose, "stacking to 100 %");
    }
    let kind = panel["type"].as_str().unwrap_or_default();
    if kind.contains("piechart") {
        set("graphType", "pie");
    }
    let joined =
        custom["spanNulls"] == true || custom["spanNulls"].is_number() || panel["nullPointMode"] == "connected";
    let shape = custom["lineInterpolation"].as_str().unwrap_or_default();
    if panel["steppedLine"] == true || shape.starts_with("step") {
        set("lineMode", "staircase");
    } else if joined {
        set("lineMode", "connected");
    }
    if panel["nullPointMode"] == "null as zero" {
        set("drawNullAsZero", "true");
    }
    if panel["legend"]["show"] == false || panel["options"]["legend"]["showLegend"] == false {
        set("hideLegend", "true");
    }
    let style = custom["drawStyle"].as_str().unwrap_or("line");
    if panel["bars"] == true || panel["points"] == true || style != "line" {
        notes.left_out(whose, "bars and points, drawn as lines");
    }
}

/// Steps from green to red, or from red to green where low is bad.
fn thresholds(panel: &Value, look: &mut Look) {
    let steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"].as_array().map(Vec::as_slice);
    if let Some([base, steps @ ..]) = steps {
        let at = |place: usize| steps.get(place).and_then(|step| step["value"].as_number().cloned());
        let is_bad = |step: &Value| step["color"].as_str().is_some_and(|color| color.contains("red"));
        (look.warn, look.alarm) = match (at(0), at(1)) {
            (first, Some(second)) if is_bad(base) => (Some(second), first),
            (first, None) if is_bad(base) => (first.clone(), first),
            (Some(only), None) if steps.first().is_some_and(is_bad) => (None, Some(only)),
            both => both,
        };
    } else if let Some(text) = panel["thresholds"].as_str() {
        let number = |text: &str| Number::from_f64(text.trim().parse().ok()?);
        let mut numbers = text.split(',').map(number);
        (look.warn, look.alarm) = (numbers.next().flatten(), numbers.next().flatten());
        // Colours the other way round.
        if panel["colors"][0].as_str().is_some_and(|color| color.contains("245") || color.contains("d44a3a")) {
            std::mem::swap(&mut look.warn, &mut look.alarm);
        }
    }
}

/// Lines across a graph of old: one where its values become critical, and one for any other kind.
fn lines_across(panel: &Value, look: &mut Look, whose: &str, notes: &mut Notes) {
    for line in panel["thresholds"].as_array().into_iter().flatten() {
        let place = if line["colorMode"] == "critical" { &mut look.alarm } else { &mut look.warn };
        match line["value"].as_number() {
            Some(value) if place.is_none() => *place = Some(value.clone()),
            Some(value) => notes.left_out(whose, &format!("its threshold line at {value}")),
            None => {}
        }
    }
}

/// What has no counterpart, by name.
fn not_carried_over(panel: &Value, whose: &str, notes: &mut Notes) {
    let listed = |value: &Value| value.as_array().is_some_and(|list| !list.is_empty());
    let texts = |value: &Value| value.as_str().is_some_and(|text| !text.is_empty());
    let given = [
        (panel["alert"].is_object(), "its alert"),
        (listed(&panel["transformations"]), "its transformations"),
        (listed(&panel["links"]), "its links"),
        (texts(&panel["timeShift"]), "its shift in time"),
    ];
    for (_, what) in given.into_iter().filter(|(is_given, _)| *is_given) {
        notes.left_out(whose, what);
    }
}

/// `7d` as the start of a window that ends now; empty without one.
fn window(panel: &Value, whose: &str, notes: &mut Notes) -> String {
    match panel["timeFrom"].as_str().map(|text| text.strip_prefix("now-").unwrap_or(text)) {
        Some(length) if is_length(length) => format!("-{}", offset(length)),
        Some("") | None => String::new(),
        Some(other) => {
            notes.left_out(whose, &format!("its own time range `{other}`"));
            String::new()
        }
    }
}

/// What a number is of its window; empty for the last value.
fn reducer(panel: &Value, whose: &str, notes: &mut Notes) -> &'static str {
    let calcs = &panel["options"]["reduceOptions"]["calcs"][0];
    // Numbers of old are averages unless they say something else.
    let of_old = if panel["type"] == "singlestat" { "avg" } else { "last" };
    match calcs.as_str().or_else(|| panel["valueName"].as_str()).unwrap_or(of_old) {
        "last" | "lastNotNull" | "current" => "",
        "avg" | "mean" => "avg",
        "min" => "min",
        "max" => "max",
        "total" | "sum" => "total",
        other => {
            notes.left_out(whose, &format!("`{other}` of its values; the last one is shown"));
            ""
        }
    }
}
