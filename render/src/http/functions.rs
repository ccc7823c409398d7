//! `/functions`: what the query language offers, for editors.

use std::collections::BTreeMap;

use axum::extract::{Request, State};
use axum::response::Response;
use serde_json::{Map, Value, json};
use std::sync::Arc;

use super::fault::{Fault, shortened};
use super::params::Params;
use super::{App, answer};
use crate::functions::{self, Default, Function, Param, Type};
use crate::percent::decode;

/// `/functions`: all of them, by name, or with `grouped` by chapter and name; `group` chooses a chapter.
pub(super) async fn list(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    let grouped = matches!(params.last("grouped").map(str::to_ascii_lowercase).as_deref(), Some("1" | "true"));
    let mut groups: BTreeMap<String, BTreeMap<String, Value>> = BTreeMap::new();
    for (name, about) in known(&params) {
        let group = about["group"].as_str().unwrap_or_default().to_owned();
        if params.last("group").is_none_or(|wanted| wanted == group) {
            groups.entry(group).or_default().insert(name.to_owned(), about);
        }
    }
    if grouped {
        written(&groups, &params, &app)
    } else {
        written(&groups.into_values().flatten().collect::<BTreeMap<_, _>>(), &params, &app)
    }
}

/// `/functions/NAME`: one of them.
pub(super) async fn one(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let name = request.uri().path().trim_start_matches("/functions/").trim_end_matches('/');
    let name = decode(name, false).map_err(|why| Fault::bad(format!("the function's name {why}")))?;
    let params = app.params(request).await?;
    match known(&params).find(|(known, _)| *known == name) {
        Some((_, about)) => written(&about, &params, &app),
        None => Err(Fault::absent(format!("Function not found: {}", shortened(&name)))),
    }
}

/// Infinity as a default is a number in Python and in the reference's JSON, where it is written `1e9999`.
fn written(value: &impl serde::Serialize, params: &Params, app: &App) -> Result<Response, Fault> {
    answer::json_with_infinity(value, params, app.config.output_bytes)
}

fn known(params: &Params) -> Box<dyn Iterator<Item = (&'static str, Value)>> {
    if params.last("type") == Some("pie") {
        return Box::new(["average", "maximum", "minimum"].into_iter().map(|name| (name, pie(name))));
    }
    let names =
        |f: &'static Function| std::iter::once(f.name).chain(f.aliases.iter().copied()).map(move |name| (name, f));
    Box::new(functions::all().flat_map(names).map(|(name, f)| (name, about(name, f))))
}

fn pie(name: &str) -> Value {
    let params = json!([{"name": "series", "type": "series", "required": true}]);
    json!({
        "name": name,
        "function": format!("{name}(series)"),
        "description": format!("The {name} of a series as the size of its slice."),
        "module": "graphite.render.functions",
        "group": "Pie",
        "params": params,
    })
}

fn about(name: &str, function: &Function) -> Value {
    let params: Vec<Value> = function.params.iter().map(parameter).collect();
    json!({
        "name": name,
        "function": signature(name, function.params),
        "description": function.description,
        "module": "graphite.render.functions",
        "group": function.group.name(),
        "params": params,
    })
}

/// How a function is called; `None` if there is none of this name.
pub(super) fn usage(name: &str) -> Option<String> {
    functions::find(name).map(|function| signature(name, function.params))
}

/// As Python writes it: `sortBy(seriesList, func='average', reverse=False)`.
fn signature(name: &str, params: &[Param]) -> String {
    let one = |param: &Param| match (exception(name, param.name), param.multiple, param.required) {
        (Some(piece), ..) => piece.to_owned(),
        (None, true, _) => format!("*{}", param.name),
        (None, false, true) if param.default == Default::None => param.name.to_owned(),
        (None, false, _) => format!("{}={}", param.name, literal(param.default)),
    };
    format!("{name}({})", params.iter().map(one).collect::<Vec<_>>().join(", "))
}

/// Where the reference's code, which the signature is made from, and its documentation differ.
fn exception(function: &str, param: &str) -> Option<&'static str> {
    Some(match (function, param) {
        ("aggregateWithWildcards", "position") => "*positions",
        ("legendValue", "valuesTypes") => "*valueTypes",
        ("powSeries", _) => "*seriesLists",
        ("round", "precision") => "precision=None",
        ("stacked", "seriesList") => "seriesLists",
        ("stacked", "stack") => "stackName='__DEFAULT__'",
        ("timeShift", "alignDst") => "alignDST=False",
        _ => return None,
    })
}

fn literal(default: Default) -> String {
    match default {
        Default::None => "None".to_owned(),
        Default::Integer(number) => number.to_string(),
        Default::Float(number) if number.is_infinite() => "inf".to_owned(),
        Default::Float(number) => format!("{number:?}"),
        Default::Text(text) => format!("'{text}'"),
        Default::Boolean(true) => "True".to_owned(),
        Default::Boolean(false) => "False".to_owned(),
    }
}

fn parameter(param: &Param) -> Value {
    let mut object = Map::new();
    object.insert("name".to_owned(), param.name.into());
    object.insert("type".to_owned(), param.kind.name().into());
    if param.required {
        object.insert("required".to_owned(), true.into());
    }
    if param.multiple {
        object.insert("multiple".to_owned(), true.into());
    }
    if param.default != Default::None && !param.required {
        object.insert("default".to_owned(), default(param.default));
    }
    let options = if param.options.is_empty() { reducers(param.kind) } else { param.options };
    if !options.is_empty() {
        let mut options: Vec<Value> = options.iter().map(|text| choice(text)).collect();
        if param.name == "alignTo" {
            // The reference also lists what `alignToFrom`, its neighbour of the same use, may be.
            options.extend([Value::Null, true.into(), false.into()]);
        }
        options.sort_by_key(python);
        object.insert("options".to_owned(), options.into());
    }
    if !param.suggestions.is_empty() {
        object.insert("suggestions".to_owned(), param.suggestions.iter().map(|text| choice(text)).collect());
    }
    Value::Object(object)
}

/// The names that a parameter takes by its type. Source: graphite-web `aggfuncs.py`, master.
fn reducers(kind: Type) -> &'static [&'static str] {
    match kind {
        Type::AggFunc => &[
            "average", "avg", "avg_zero", "count", "current", "diff", "last", "max", "median", "min", "multiply",
            "range", "rangeOf", "stddev", "sum", "total",
        ],
        Type::AggOrSeriesFunc => &[
            "asPercent",
            "average",
            "averageSeries",
            "averageSeriesWithWildcards",
            "avg",
            "avg_zero",
            "count",
            "countSeries",
            "current",
            "diff",
            "diffSeries",
            "diffSeriesLists",
            "last",
            "max",
            "maxSeries",
            "median",
            "min",
            "minSeries",
            "multiply",
            "multiplySeries",
            "multiplySeriesLists",
            "multiplySeriesWithWildcards",
            "pct",
            "powSeries",
            "range",
            "rangeOf",
            "rangeOfSeries",
            "stddev",
            "stddevSeries",
            "sum",
            "sumSeries",
            "sumSeriesLists",
            "sumSeriesWithWildcards",
            "total",
        ],
        _ => &[],
    }
}

fn default(default: Default) -> Value {
    match default {
        Default::None => Value::Null,
        Default::Integer(number) => number.into(),
        Default::Float(number) if number.is_infinite() => answer::INFINITY.into(),
        Default::Float(number) => number.into(),
        Default::Text(text) => text.into(),
        Default::Boolean(value) => value.into(),
    }
}

/// Numbers and truth values among the texts are such for editors too.
fn choice(text: &str) -> Value {
    match (text, text.parse::<i64>(), text.parse::<f64>()) {
        ("true" | "True", ..) => true.into(),
        ("false" | "False", ..) => false.into(),
        ("none" | "None" | "null", ..) => Value::Null,
        (_, Ok(number), _) => number.into(),
        (_, _, Ok(number)) if number.is_finite() => number.into(),
        _ => text.into(),
    }
}

/// A value as Python's `str` writes it, by which the reference sorts options.
fn python(value: &Value) -> String {
    match value {
        Value::Bool(true) => "True".to_owned(),
        Value::Bool(false) => "False".to_owned(),
        Value::Null => "None".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}
