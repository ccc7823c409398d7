//! `/render`: values of targets over a time, in the format that the client wants.

use std::sync::Arc;

use axum::extract::{Request as HttpRequest, State};
use axum::response::{IntoResponse, Response};
use carbon_storage::Failure;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap, HeaderValue};
use jiff::Timestamp;
use tracing::warn;

use super::answer;
use super::fault::{Fault, shortened};
use super::question::{Form, Question};
use super::turns::Turn;
use super::{App, never_cached, sent};
use crate::draw;
use crate::eval::{self, EvalError};
use crate::format::{self, Output};
use crate::query::Held;
use crate::series::{Consolidation, Series, Style};
use crate::target::Target;

/// Answers one question. A fault is JSON, but where a picture is wanted it is drawn into one, since that is where the
/// person looks; a client that says that it accepts JSON gets JSON.
pub(super) async fn render(State(app): State<Arc<App>>, request: HttpRequest) -> Response {
    let reads_json = accepts_json(request.headers());
    let question = match app.params(request).await.and_then(|params| Question::read(&params, &app.config)) {
        Ok(mut question) => {
            question.request.budget = app.budget.clone();
            question
        }
        Err(fault) => return fault.into_response(),
    };
    let question = Arc::new(question);
    match answer_to(&app, &question).await {
        Ok(response) => response,
        Err(fault) => match question.form.picture().filter(|_| !reads_json) {
            Some(form) => drawn_fault(&app, fault, question, form).await,
            None => fault.into_response(),
        },
    }
}

async fn answer_to(app: &App, question: &Arc<Question>) -> Result<Response, Fault> {
    let turn = app.turn().await?;
    let mut series = Vec::new();
    let mut missing = Vec::new();
    if question.is_pie() {
        for target in &question.targets {
            match slice(target) {
                Some(slice) => series.push(slice),
                None => {
                    missing.extend(evaluate(app, question, &turn, std::slice::from_ref(target), &mut series).await?)
                }
            }
        }
    } else {
        missing = evaluate(app, question, &turn, &question.targets, &mut series).await?;
    }
    if series.is_empty() && !missing.is_empty() {
        return Err(unreadable(&missing));
    }
    let (question, mut out) = (question.clone(), Output::with_limit(app.config.output_bytes));
    let _leaving = out.stopped_on_drop();
    let written = tokio::task::spawn_blocking(move || {
        let response = write(&question, series, out);
        drop(turn);
        response
    });
    let written = written.await;
    let response = written.map_err(|_| Fault::ours("the answer could not be written"))??;
    let mut response = sent::counted(response, Held::nothing_of(&app.budget)).await.map_err(fault_of)?;
    if !missing.is_empty() {
        response.headers_mut().insert("x-plumbago-missing", HeaderValue::from(missing.len()));
    }
    Ok(response)
}

/// Nothing could be read: a damaged archive is a fact about what was asked for, anything else is our trouble.
fn unreadable(missing: &[Failure]) -> Fault {
    let first = shortened(&missing[0].part);
    let more = if missing.len() > 1 { format!(" and {} more", missing.len() - 1) } else { String::new() };
    if missing.iter().all(|failure| failure.error.is_damage()) {
        let message =
            format!("the archive of `{first}`{more} is damaged; `plumbago whisper fsck` says how, and repairs");
        return Fault { status: StatusCode::UNPROCESSABLE_ENTITY, ..Fault::bad(message) };
    }
    Fault::ours(format!("`{first}`{more} could not be read; the server's log says why"))
}

/// Adds the series of `targets` to `series`; gives the parts of the store that did not contribute.
async fn evaluate(
    app: &App,
    question: &Question,
    turn: &Arc<Turn>,
    targets: &[String],
    series: &mut Vec<Series>,
) -> Result<Vec<Failure>, Fault> {
    let targets = targets.iter().map(|text| Target::parse(text)).collect::<Result<Vec<_>, _>>();
    let targets = targets.map_err(|fault| fault_of(EvalError::from(fault)))?;
    let sources = &app.sources;
    let evaluated = eval::evaluate_holding(&targets, &question.request, sources.stores(), turn.clone()).await;
    let evaluated = evaluated.map_err(fault_of)?;
    for failure in &evaluated.failures {
        let error = &failure.error as &dyn std::error::Error;
        warn!(part = failure.part, error, "A part of the store did not contribute to an answer.");
    }
    series.extend(evaluated.series);
    Ok(evaluated.failures)
}

fn fault_of(error: EvalError) -> Fault {
    if matches!(error, EvalError::Memory { .. }) {
        return Fault { status: StatusCode::SERVICE_UNAVAILABLE, ..Fault::bad(error.to_string()) };
    }
    if !error.is_clients() {
        warn!(error = &error as &dyn std::error::Error, "A query could not be answered.");
        return Fault::ours("the store cannot answer now; the server's log says why");
    }
    let hint = match &error {
        EvalError::UnknownFunction { suggestion, .. } => suggestion.map(|name| format!("did you mean `{name}`?")),
        _ => None,
    };
    Fault { place: error.place().cloned(), hint, ..Fault::bad(error.to_string()) }
}

/// `name:value`, a literal slice of a pie.
fn slice(target: &str) -> Option<Series> {
    let (name, value) = target.split_once(':')?;
    let value: f64 = value.trim().parse().ok()?;
    Some(Series {
        name: name.to_owned(),
        tags: [("name".to_owned(), name.to_owned())].into(),
        path_expression: name.to_owned(),
        start: 0,
        end: 1,
        step: 1,
        values: vec![value].into(),
        integers: false,
        consolidation: Consolidation::default(),
        values_per_point: 1,
        x_files_factor: 0.0,
        style: Style::default(),
    })
}

fn write(question: &Question, mut series: Vec<Series>, mut out: Output) -> Result<Response, Fault> {
    let callback = question.callback.as_deref();
    let mut response = match question.form {
        Form::Json => {
            if let Some(points) = question.max_data_points {
                format::fit_to(&mut series, points).map_err(|fault| Fault::bad(fault.to_string()))?;
            }
            format::json(&series, question.layout, question.known_only, &mut out)?;
            answer::scripted(out.into_bytes(), callback)
        }
        Form::Dygraph => {
            format::dygraph(&series, &mut out)?;
            answer::scripted(out.into_bytes(), callback)
        }
        Form::Rickshaw => {
            format::rickshaw(&series, question.layout, &mut out)?;
            answer::scripted(out.into_bytes(), callback)
        }
        Form::Raw => {
            format::raw(&series, &mut out)?;
            answer::body("text/plain; charset=utf-8", out.into_bytes())
        }
        Form::Csv => {
            format::csv(&series, &question.request.tz, &mut out)?;
            answer::body("text/csv; charset=utf-8", out.into_bytes())
        }
        Form::Pickle => {
            format::pickle(&series, &mut out)?;
            answer::body("application/pickle", out.into_bytes())
        }
        Form::Msgpack => {
            format::msgpack(&series, &mut out)?;
            answer::body("application/x-msgpack", out.into_bytes())
        }
        Form::Png | Form::Svg => {
            let form = if question.form == Form::Svg { draw::Format::Svg } else { draw::Format::Png };
            let (request, options) = (&question.request, &question.options);
            let window = draw::TimeRange { from: request.from, until: request.until };
            picture(draw::draw(&series, options, window, &request.tz, form), form, callback)?
        }
    };
    match question.cached_for {
        0 => never_cached(response.headers_mut()),
        seconds => cached_for(seconds, response.headers_mut()),
    }
    Ok(response)
}

fn picture(
    drawn: Result<Vec<u8>, draw::DrawError>,
    form: draw::Format,
    callback: Option<&str>,
) -> Result<Response, Fault> {
    let bytes = drawn.map_err(|error| {
        warn!(error = &error as &dyn std::error::Error, "A picture could not be drawn.");
        Fault::ours("the picture could not be drawn")
    })?;
    match callback {
        Some(name) if form == draw::Format::Svg => {
            let text = String::from_utf8_lossy(&bytes);
            let mut quoted = Vec::with_capacity(bytes.len() + 2);
            format::quote(&mut quoted, &text);
            Ok(answer::scripted(quoted, Some(name)))
        }
        _ => Ok(answer::body(form.content_type(), bytes)),
    }
}

/// The fault as a picture of the size that was asked for.
async fn drawn_fault(app: &App, fault: Fault, question: Arc<Question>, form: draw::Format) -> Response {
    let text = match &fault.place {
        Some(place) => format!("{}\n{}", fault.message, place.caret()),
        None => fault.message.clone(),
    };
    let Ok(turn) = app.turn().await else { return fault.into_response() };
    let drawn = tokio::task::spawn_blocking(move || {
        let drawn = draw::message(&text, question.options.title.as_deref(), &question.options, form);
        drop(turn);
        drawn
    });
    match drawn.await {
        Ok(Ok(bytes)) => {
            let mut response = answer::body(form.content_type(), bytes);
            *response.status_mut() = fault.status;
            never_cached(response.headers_mut());
            response
        }
        _ => fault.into_response(),
    }
}

fn accepts_json(headers: &HeaderMap) -> bool {
    headers.get(header::ACCEPT).and_then(|accept| accept.to_str().ok()).is_some_and(|accept| accept.contains("json"))
}

/// The headers of an answer that may be shown again for a while.
fn cached_for(seconds: u32, headers: &mut HeaderMap) {
    let expires = Timestamp::now().as_second().saturating_add(i64::from(seconds));
    let expires = Timestamp::from_second(expires).unwrap_or(Timestamp::MAX).strftime("%a, %d %b %Y %H:%M:%S GMT");
    for (name, text) in [(header::CACHE_CONTROL, format!("max-age={seconds}")), (header::EXPIRES, expires.to_string())]
    {
        // Digits and plain letters only, so it always is a header value.
        if let Ok(value) = HeaderValue::from_str(&text) {
            headers.insert(name, value);
        }
    }
}

impl From<format::TooLong> for Fault {
    fn from(long: format::TooLong) -> Fault {
        Fault::bad(long.to_string())
    }
}
