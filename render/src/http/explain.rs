//! `/explain`: what an answer is made of, from the evaluation itself: the windows that were read, what files, archives
//! and the cache have for them, what each function was given and gave, and how points were joined. With `at=TIME` a
//! sentence for each series says why its value is what it is then.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use carbon_line::MetricName;
use carbon_storage::{Origin, Window};
use serde_json::{Value, json};
use whisper::Timestamp;

use super::fault::Fault;
use super::question::{self, Question};
use super::told::{Answered, Told};
use super::{App, answer, never_cached, reasons, render};
use crate::eval::Evaluated;
use crate::format;
use crate::query::{Stage, Tally, Trace};
use crate::series::Series;

/// Series of whose files all is told.
const MOST_READ: usize = 100;

/// Series of the answer of which is told.
const MOST_TOLD: usize = 500;

pub(super) async fn explain(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    let mut question = Question::read(&params, &app.config, &app.looks)?;
    if question.targets.is_empty() {
        return Err(Fault::parameter("target", "`target` says what to explain"));
    }
    let asked = &mut question.request;
    let at = question::instant(&params, "at", asked.now, &asked.tz)?;
    let trace = Trace::at(at);
    asked.budget = app.budget.clone();
    question.trace = Some(trace.clone());
    let turn = app.turn().await?;
    let (points, now) = (question.max_data_points.unwrap_or(0), question.request.now);
    let answer = render::evaluate(&app, &question, &turn, &question.targets, move |all| joined(all, points)).await??;
    let stages = trace.take();
    let (origins, read) = origins(&app, &stages, at, now).await?;
    let told = Told { at, now, answer, stages, origins, read };
    let limit = app.config.output_bytes;
    let written = tokio::task::spawn_blocking(move || {
        let value = value(&told, &question);
        drop((told, turn));
        match params.last("format") {
            Some("text") => Ok(answer::body("text/plain; charset=utf-8", text(&value).into_bytes())),
            _ => answer::json(&value, &params, limit),
        }
    });
    let mut response = written.await.map_err(|_| Fault::ours("the answer could not be written"))??;
    never_cached(response.headers_mut());
    Ok(response)
}

/// Joins points as `/render` would, on the thread that has made them.
fn joined(all: Evaluated, points: u64) -> Result<Answered, Fault> {
    let Evaluated { mut series, failures, held } = all;
    let mut after = series.clone();
    format::fit_to(&mut after, points);
    let beside = series.len().saturating_sub(MOST_TOLD);
    series.truncate(MOST_TOLD);
    after.truncate(MOST_TOLD);
    Ok(Answered { before: series, after, beside, unreadable: failures.len(), _held: held })
}

/// What there is of the series that were read, each over the widest window that was asked for.
async fn origins(app: &App, stages: &[Stage], at: Option<i64>, now: i64) -> Result<(Vec<Origin>, usize), Fault> {
    let reads = || stages.iter().filter(|stage| stage.function.is_none());
    let mut names: Vec<&str> = reads().flat_map(|stage| &stage.series).map(|seen| seen.name.as_str()).collect();
    // A path without wildcards is looked after even where nothing was found.
    names.extend(reads().filter(|stage| stage.gave.series == 0).map(|stage| stage.text.as_str()));
    names.sort_unstable();
    names.dedup();
    let read = names.len();
    let names: Vec<MetricName> =
        names.into_iter().filter_map(|name| MetricName::parse(name).ok()).take(MOST_READ).collect();
    let Some(explain) = &app.sources.explain else { return Ok((Vec::new(), read)) };
    let from = reads().map(|stage| stage.from).min().unwrap_or(now);
    let until = reads().map(|stage| stage.until).max().unwrap_or(now);
    let time = Timestamp::saturating_from;
    let window = Window { from: time(from), until: time(until), now: time(now) };
    let told = explain.origins(&names, window, at.map(time)).await;
    Ok((told.map_err(|error| render::fault_of(error.into()))?, read))
}

fn value(told: &Told, question: &Question) -> Value {
    let (answer, request) = (&told.answer, &question.request);
    let targets: Vec<Value> = question
        .targets
        .iter()
        .enumerate()
        .map(|(number, target)| {
            let stages: Vec<Value> = told
                .stages
                .iter()
                .filter(|stage| stage.target == number)
                .map(|stage| stage_value(stage, told.at))
                .collect();
            json!({ "target": target, "stages": stages })
        })
        .collect();
    let series: Vec<Value> = answer.before.iter().zip(&answer.after).map(|pair| series_value(told, pair)).collect();
    let read: Vec<Value> = told.origins.iter().map(|origin| reasons::origin_value(origin, told)).collect();
    let mut value = json!({
        "from": request.from, "until": request.until, "now": request.now,
        "targets": targets, "series": series, "read": read,
    });
    if let Some(at) = told.at {
        value["at"] = at.into();
    }
    if told.read > told.origins.len() {
        value["read-beside"] = (told.read - told.origins.len()).into();
    }
    if answer.beside > 0 {
        value["series-beside"] = answer.beside.into();
    }
    if answer.unreadable > 0 {
        value["unreadable"] = answer.unreadable.into();
    }
    if answer.before.is_empty() {
        value["why"] = reasons::nothing(told).into();
    }
    value
}

fn stage_value(stage: &Stage, at: Option<i64>) -> Value {
    let tally = |tally: &Tally| {
        let mut value = json!({ "series": tally.series, "points": tally.points, "nulls": tally.nulls });
        if at.is_some() {
            value["known-at"] = tally.known_at.into();
        }
        value
    };
    let mut value =
        json!({ "expression": stage.text, "from": stage.from, "until": stage.until, "gave": tally(&stage.gave) });
    match &stage.function {
        Some(function) => {
            value["function"] = function.as_str().into();
            value["given"] = stage.given.iter().map(tally).collect();
        }
        None => {
            let series = stage.series.iter().map(|seen| {
                json!({ "name": seen.name, "start": seen.start, "step": seen.step, "points": seen.points, "nulls": seen.nulls })
            });
            value["read"] = series.collect();
        }
    }
    value
}

fn series_value(told: &Told, (before, after): (&Series, &Series)) -> Value {
    let nulls = after.values.iter().filter(|value| value.is_nan()).count();
    let mut value = json!({
        "name": after.name, "start": after.start, "end": after.end, "step": after.step,
        "points": after.values.len(), "nulls": nulls,
    });
    if after.values_per_point > 1 && after.step != before.step {
        value["joined"] = json!({
            "points": after.values_per_point, "by": after.consolidation.name(),
            "xFilesFactor": after.x_files_factor, "step-before": before.step,
        });
    }
    if let Some(at) = told.at {
        let known = crate::query::value_at(after, at);
        value["value"] = known.into();
        value["why"] = reasons::why(told, before, after, at).into();
    }
    value
}

/// The same for people: a line for each thing.
fn text(value: &Value) -> String {
    let mut lines = Vec::new();
    let list = |value: &Value, key: &str| value[key].as_array().cloned().unwrap_or_default();
    let tally =
        |tally: &Value| format!("{} series, {} points, {} null", tally["series"], tally["points"], tally["nulls"]);
    for target in list(value, "targets") {
        lines.push(format!("target {}", target["target"].as_str().unwrap_or_default()));
        for stage in list(&target, "stages") {
            let what = match stage["function"].as_str() {
                Some(function) => {
                    let given: Vec<String> = list(&stage, "given").iter().map(tally).collect();
                    format!("{function}(): given {}", given.join(" and "))
                }
                None => format!("read {}", stage["expression"].as_str().unwrap_or_default()),
            };
            lines.push(format!("  {what}; gave {}; {} to {}", tally(&stage["gave"]), stage["from"], stage["until"]));
        }
    }
    for origin in list(value, "read") {
        lines.push(format!("series {}", origin["name"].as_str().unwrap_or_default()));
        lines.push(match origin["file"].as_str() {
            Some(file) => format!("  file {file}, {}, xFilesFactor {}", origin["method"], origin["xFilesFactor"]),
            None => "  no file".to_owned(),
        });
        for archive in list(&origin, "archives") {
            let answers = if archive["answers"] == true { ", answers" } else { "" };
            let of = format!("{} of {} slots known", archive["known"], archive["slots"]);
            lines.push(format!("  archive {} s x {}: {of}{answers}", archive["step"], archive["points"]));
        }
        if origin["waiting"]["points"] != 0 {
            lines.push(format!("  {} points wait in the cache", origin["waiting"]["points"]));
        }
        lines.extend(origin["why"].as_str().map(|why| format!("  {why}")));
    }
    for series in list(value, "series") {
        let name = series["name"].as_str().unwrap_or_default();
        lines.push(format!(
            "answer {name}: {} points, {} null, every {} s",
            series["points"], series["nulls"], series["step"]
        ));
        if series["joined"].is_object() {
            let joined = &series["joined"];
            lines.push(format!("  {} points joined to one by {}", joined["points"], joined["by"]));
        }
        lines.extend(series["why"].as_str().map(|why| format!("  {why}")));
    }
    lines.extend(value["why"].as_str().map(str::to_owned));
    lines.push(String::new());
    lines.join("\n")
}
