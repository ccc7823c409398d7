//! `/events/...`: what happened when. Source: graphite-web `events/views.py`, 1.1.10.

use std::error::Error;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use carbon_storage::{Event, EventQuery, Events, NewEvent, StorageError, TagSet};
use hyper::StatusCode;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::Serialize;
use serde_json::Value;
use tracing::warn;

use super::access::{Asker, Change};
use super::fault::Fault;
use super::params::Params;
use super::{App, answer, form, never_cached, question};
use crate::percent::decode;

/// Of a second.
pub(super) const MICROS: i64 = 1_000_000;

/// `/events/get_data`: what [`found`] finds, as JSON.
pub(super) async fn get_data(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    let found = found(&app, &params).await?;
    let rows: Vec<Row<'_>> = found.iter().map(Row::of).collect();
    let mut response = answer::json_on_a_line(&rows, &params, app.config.output_bytes)?;
    never_cached(response.headers_mut());
    Ok(response)
}

/// The events from `from` until `until`, both included, with all of `tags` or as `set` says.
pub(super) async fn found(app: &App, params: &Params) -> Result<Vec<Event>, Fault> {
    // Graphite-web does not ask for `tz` here.
    let tz = app.config.zone().unwrap_or(TimeZone::UTC);
    let clock = Timestamp::now();
    let instant = |name| question::instant(params, name, clock.as_second(), &tz);
    let micros = |time: Option<i64>| time.map(|time| time.saturating_mul(MICROS));
    let query = EventQuery {
        from: micros(instant("from")?).unwrap_or(0),
        until: micros(instant("until")?).unwrap_or(clock.as_microsecond()),
        tags: params.last("tags").map(|tags| tags.split(' ').map(str::to_owned).collect()),
        set: match params.last("set") {
            Some("union") => TagSet::Any,
            Some("intersection") => TagSet::Strictly,
            _ => TagSet::All,
        },
    };
    let Some(events) = app.events() else { return Ok(Vec::new()) };
    let has_no_tags = query.set == TagSet::Strictly && query.tags.is_none();
    let found = events.find(&query).await.map_err(refused)?;
    // Graphite-web stumbles at the first event.
    if has_no_tags && !found.is_empty() {
        return Err(Fault::parameter("tags", "`set=intersection` wants `tags`"));
    }
    Ok(found)
}

/// `/events/ID`: one event.
pub(super) async fn one(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let id = request.uri().path().trim_start_matches("/events/").trim_end_matches('/');
    let id = decode(id, false).ok().and_then(|id| id.parse::<u64>().ok());
    let params = app.params(request).await?;
    let found = match (id, app.events()) {
        (Some(id), Some(events)) => events.one(id).await.map_err(refused)?,
        _ => None,
    };
    let event = found.ok_or_else(|| Fault::absent("Event matching query does not exist"))?;
    let told = &event.told;
    let (when, tags) = (iso(told.when), told.tags.split_whitespace().collect());
    let record = Record { id: event.id, when, what: &told.what, data: &told.data, tags };
    answer::json_alone(&record, &params, app.config.output_bytes)
}

/// `/events`: takes an event, as a JSON object.
pub(super) async fn post(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let asker = Asker::of(&request);
    app.desk.access.allow(&asker, Change::Usual, "what adds an event").await?;
    let events = app.events().ok_or_else(|| Fault::absent("this process keeps no events"))?;
    let body = form::read(request.into_body(), app.desk.http.body_bytes).await?;
    let told: Value = serde_json::from_slice(&body)
        .map_err(|why| Fault::bad(format!("the body must be a JSON object such as {{\"what\": \"deploy\"}}: {why}")))?;
    events.add(event(&told, Timestamp::now().as_microsecond())?).await.map_err(refused)?;
    Ok(answer::body("text/html; charset=utf-8", Vec::new()))
}

impl App {
    fn events(&self) -> Option<&dyn Events> {
        self.sources.events.as_deref()
    }
}

/// An event as clients tell it; `now` is when it happened if they do not say.
fn event(told: &Value, now: i64) -> Result<NewEvent, Fault> {
    let wrong = |field: &str, wanted: &str| Fault::parameter(field, format!("`{field}` must be {wanted}"));
    let Value::Object(told) = told else { return Err(Fault::bad("the body must be a JSON object")) };
    let text = |field: &str| match told.get(field) {
        Some(Value::String(text)) => Ok(text.clone()),
        Some(number @ Value::Number(_)) => Ok(number.to_string()),
        _ => Err(wrong(field, "a text")),
    };
    let tags = match told.get("tags") {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(tags)) => tags.clone(),
        Some(Value::Array(list)) => {
            let tags: Option<Vec<&str>> = list.iter().map(Value::as_str).collect();
            tags.ok_or_else(|| wrong("tags", "a list of texts"))?.join(" ")
        }
        Some(_) => return Err(Fault::parameter("tags", "\"tags\" must be an array or space-separated string")),
    };
    let when = match told.get("when") {
        None => now,
        Some(when) => when
            .as_f64()
            .map(|secs| (secs * MICROS as f64).round() as i64)
            .filter(|when| Timestamp::from_microsecond(*when).is_ok())
            .ok_or_else(|| wrong("when", "seconds since the epoch"))?,
    };
    let data = match told.get("data") {
        None => String::new(),
        // Told as more than a text; kept as what was told.
        Some(more @ (Value::Object(_) | Value::Array(_) | Value::Bool(_))) => more.to_string(),
        Some(_) => text("data")?,
    };
    Ok(NewEvent { when, what: text("what")?, tags, data })
}

#[derive(Serialize)]
struct Row<'a> {
    when: i64,
    what: &'a str,
    data: &'a str,
    tags: Vec<&'a str>,
    id: u64,
}

impl Row<'_> {
    fn of(event: &Event) -> Row<'_> {
        let NewEvent { when, what, tags, data } = &event.told;
        Row { when: when.div_euclid(MICROS), what, data, tags: tags.split_whitespace().collect(), id: event.id }
    }
}

#[derive(Serialize)]
struct Record<'a> {
    id: u64,
    when: String,
    what: &'a str,
    data: &'a str,
    tags: Vec<&'a str>,
}

/// `2026-11-01T05:55:00Z`, with milliseconds where there are any.
fn iso(when: i64) -> String {
    let time = Timestamp::from_microsecond(when).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(TimeZone::UTC);
    let fraction = match when.rem_euclid(MICROS) / 1000 {
        0 => String::new(),
        millis => format!(".{millis:03}"),
    };
    format!("{}{fraction}Z", time.strftime("%Y-%m-%dT%H:%M:%S"))
}

fn refused(error: StorageError) -> Fault {
    if let StorageError::Declined { reason } = error {
        return Fault { status: StatusCode::SERVICE_UNAVAILABLE, ..Fault::bad(reason) };
    }
    warn!(error = &error as &dyn Error, "The events cannot be read or kept.");
    Fault::ours("the events cannot be read or kept now; the server's log says why")
}
