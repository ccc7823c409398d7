//! `/render`: values of targets over a time, in the format that the client wants.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request as HttpRequest, State};
use axum::response::{IntoResponse, Response};
use carbon_storage::Failure;
use hyper::StatusCode;
use hyper::header::{self, HeaderMap};
use tracing::warn;

use super::answer;
use super::fault::{Fault, shortened};
use super::made::{self, Made, Terms, Text};
use super::params::Params;
use super::question::{Form, Question};
use super::turns::Turn;
use super::{App, functions, never_cached};
use crate::draw::{self, Color};
use crate::eval::{self, EvalError, Evaluated, Held, Stores};
use crate::format::{self, Layout, Output, Pieces};
use crate::series::{Consolidation, Series, Style};
use crate::tags::SeriesTags;
use crate::target::Target;

/// Answers one question. A fault is JSON, but where a picture is wanted it is drawn into one, since that is where the
/// person looks; a client that says that it accepts JSON gets JSON.
pub(super) async fn render(State(app): State<Arc<App>>, request: HttpRequest) -> Response {
    let begun = Instant::now();
    let reads_json = accepts_json(request.headers());
    let has = request.headers().get(header::IF_NONE_MATCH).and_then(|has| has.to_str().ok()).map(str::to_owned);
    let params = match app.params(request).await {
        Ok(params) => params,
        Err(fault) => return fault.into_response(),
    };
    let question = match Question::read(&params, &app.config, &app.looks) {
        Ok(mut question) => {
            question.request.budget = app.budget.clone();
            question
        }
        Err(fault) => {
            return match Form::read(&params).ok().and_then(Form::picture).filter(|_| !reads_json) {
                Some(form) => drawn_fault(&app, fault, look_of_fault(&params, &app), form).await,
                None => fault.into_response(),
            };
        }
    };
    let question = Arc::new(question);
    let terms = Terms { cached_for: question.cached_for, wish: question.wish.as_ref(), has: has.as_deref(), begun };
    if let Some(answer) = terms.wish.and_then(|wish| app.desk.results.get(wish)) {
        return made::again(&answer, &terms);
    }
    let made = answer_to(&app, &question).await;
    let answer = made.and_then(|made| made.response(&terms, &app.desk.results, &app.budget).map_err(fault_of));
    match answer {
        Ok(response) => response,
        Err(fault) => match question.form.picture().filter(|_| !reads_json) {
            Some(form) => drawn_fault(&app, fault, question.options.clone(), form).await,
            None => fault.into_response(),
        },
    }
}

async fn answer_to(app: &App, question: &Arc<Question>) -> Result<Made, Fault> {
    let turn = app.turn().await?;
    let (asked, mut out) = (question.clone(), Output::with_limit(app.config.output_bytes));
    let _leaving = out.stopped_on_drop();
    if !question.is_pie() {
        return evaluate(app, question, &turn, &question.targets, move |all| write(&asked, all, out)).await?;
    }
    let mut all: Option<Evaluated> = None;
    let mut series = Vec::new();
    for target in &question.targets {
        match slice(target) {
            Some(slice) => series.push(slice),
            None => {
                let one = evaluate(app, question, &turn, std::slice::from_ref(target), |one| one).await?;
                series.extend(one.series.iter().cloned());
                match &mut all {
                    Some(all) => all.failures.extend(one.failures),
                    None => all = Some(one),
                }
            }
        }
    }
    let (failures, held) = match all {
        Some(all) => (all.failures, all.held),
        None => (Vec::new(), Held::nothing_of(&app.budget)),
    };
    let written = tokio::task::spawn_blocking(move || {
        let made = write(&asked, Evaluated { series, failures, held }, out);
        drop(turn);
        made
    });
    written.await.map_err(|_| Fault::ours("the answer could not be written"))?
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

/// What `finish` makes of the series of `targets`.
pub(super) async fn evaluate<T: Send + 'static>(
    app: &App,
    question: &Question,
    turn: &Arc<Turn>,
    targets: &[String],
    finish: impl FnOnce(Evaluated) -> T + Send + 'static,
) -> Result<T, Fault> {
    let targets = targets.iter().map(|text| Target::parse(text)).collect::<Result<Vec<_>, _>>();
    let targets = targets.map_err(|fault| fault_of(EvalError::from(fault)))?;
    let (request, trace) = (&question.request, question.trace.clone());
    let finish = |evaluated: Evaluated| {
        for failure in &evaluated.failures {
            let error = &failure.error as &dyn std::error::Error;
            warn!(part = failure.part, error, "A part of the store did not contribute to an answer.");
        }
        finish(evaluated)
    };
    // A picture takes its time, however little it shows.
    let stores = Stores { at_once: question.form.picture().is_none(), ..app.sources.stores() };
    let evaluated = eval::evaluate_holding(&targets, request, stores, turn.clone(), trace, finish);
    evaluated.await.map_err(fault_of)
}

pub(super) fn fault_of(error: EvalError) -> Fault {
    if matches!(error, EvalError::Memory { .. }) {
        return Fault { status: StatusCode::SERVICE_UNAVAILABLE, ..Fault::bad(error.to_string()) };
    }
    if !error.is_clients() {
        warn!(error = &error as &dyn std::error::Error, "A query could not be answered.");
        return Fault::ours("the store cannot answer now; the server's log says why");
    }
    let hint = match &error {
        EvalError::UnknownFunction { suggestion: Some(name), .. } => Some(format!("did you mean `{name}`?")),
        EvalError::UnknownFunction { suggestion: None, .. } => Some("`/functions` lists all that there are".to_owned()),
        EvalError::Argument { function, .. } | EvalError::Refused { function, .. } => {
            functions::usage(function).map(|usage| format!("it is called as `{usage}`"))
        }
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
        tags: SeriesTags::default(),
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

/// Points of an answer that is made while it is sent, at least; below it, it is whole before it begins.
const MANY: usize = 8_192;

/// The marks of a series as JSON tells them, with colours that need no table of names; none unless they are asked for.
fn told(style: Style, are_wanted: bool) -> Style {
    if !are_wanted {
        return Style::default();
    }
    let hex = |Color { r, g, b, a }| format!("#{r:02x}{g:02x}{b:02x}{a:02x}");
    Style { color: style.color.as_deref().and_then(Color::parse).map(hex), ..style }
}

fn write(question: &Question, evaluated: Evaluated, mut out: Output) -> Result<Made, Fault> {
    let Evaluated { mut series, failures, held } = evaluated;
    if series.is_empty() && !failures.is_empty() {
        return Err(unreadable(&failures));
    }
    let callback = question.callback.as_deref();
    let script = |json: Vec<u8>, callback: Option<&str>| match callback {
        None => ("application/json", json),
        Some(name) => ("text/javascript", [name.as_bytes(), b"(", &json[..], b")"].concat()),
    };
    let (kind, bytes) = match question.form {
        Form::Json => {
            series.iter_mut().for_each(|one| one.style = told(std::mem::take(&mut one.style), question.styles));
            if let Some(points) = question.max_data_points {
                format::fit_to(&mut series, points);
            }
            let is_many = series.iter().map(|one| one.values.len()).sum::<usize>() >= MANY;
            if is_many
                && callback.is_none()
                && question.layout == Layout::Line
                && format::longest(&series) <= out.limit()
            {
                let pieces = Pieces::new(series, question.known_only);
                let body = Text::Pieces(Box::new(pieces), held);
                return Ok(Made { kind: "application/json", body, missing: failures.len() });
            }
            format::json(&series, question.layout, question.known_only, &mut out)?;
            script(out.into_bytes(), callback)
        }
        Form::Dygraph => {
            format::dygraph(&series, &mut out)?;
            script(out.into_bytes(), callback)
        }
        Form::Rickshaw => {
            format::rickshaw(&series, question.layout, &mut out)?;
            script(out.into_bytes(), callback)
        }
        Form::Raw => {
            format::raw(&series, &mut out)?;
            ("text/plain; charset=utf-8", out.into_bytes())
        }
        Form::Csv => {
            format::csv(&series, &question.request.tz, &mut out)?;
            ("text/csv; charset=utf-8", out.into_bytes())
        }
        Form::Pickle => {
            format::pickle(&series, &mut out)?;
            ("application/pickle", out.into_bytes())
        }
        Form::Msgpack => {
            format::msgpack(&series, &mut out)?;
            ("application/x-msgpack", out.into_bytes())
        }
        Form::Png | Form::Svg => {
            let form = if question.form == Form::Svg { draw::Format::Svg } else { draw::Format::Png };
            let (request, options) = (&question.request, &question.options);
            let window = draw::TimeRange { from: request.from, until: request.until };
            let drawn = picture(draw::draw(&series, options, window, &request.tz, form))?;
            match callback {
                Some(name) if form == draw::Format::Svg => {
                    let text = String::from_utf8_lossy(&drawn);
                    let mut quoted = Vec::with_capacity(drawn.len() + 2);
                    format::quote(&mut quoted, &text);
                    script(quoted, Some(name))
                }
                _ => (form.content_type(), drawn),
            }
        }
    };
    Ok(Made { kind, body: Text::Whole(bytes.into()), missing: failures.len() })
}

fn picture(drawn: Result<Vec<u8>, draw::DrawError>) -> Result<Vec<u8>, Fault> {
    drawn.map_err(|error| {
        warn!(error = &error as &dyn std::error::Error, "A picture could not be drawn.");
        Fault::ours("the picture could not be drawn")
    })
}

/// Size, title and colours of a request that could not be understood, as far as those can.
fn look_of_fault(params: &Params, app: &App) -> draw::Options {
    let mut options = draw::Options::for_fault(&|name| params.last(name), &app.looks);
    options.width = options.width.min(app.config.width);
    options.height = options.height.min(app.config.height);
    options
}

/// The fault as a picture of the size that was asked for.
async fn drawn_fault(app: &App, fault: Fault, options: draw::Options, form: draw::Format) -> Response {
    let text = match &fault.place {
        Some(place) => format!("{}\n{}", fault.message, place.caret()),
        None => fault.message.clone(),
    };
    let Ok(turn) = app.turn().await else { return fault.into_response() };
    let drawn = tokio::task::spawn_blocking(move || {
        let drawn = draw::message(&text, options.title.as_deref(), &options, form);
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

impl From<format::TooLong> for Fault {
    fn from(long: format::TooLong) -> Fault {
        Fault::bad(long.to_string())
    }
}
