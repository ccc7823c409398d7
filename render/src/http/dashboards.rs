//! `/dashboards/...`: lists, gives, keeps, deletes and imports dashboards.
//!
//! Reading is for everybody; changes are for the admin socket and bearers of a token. `ETag`, `If-Match` and
//! `If-None-Match` keep two who change the same dashboard from losing a change.

use std::error::Error;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::response::{IntoResponse, Response};
use carbon_line::Pattern;
use carbon_storage::ListQuery;
use futures_util::future::join_all;
use hyper::header::{self, HeaderMap, HeaderName, HeaderValue};
use hyper::{Method, StatusCode};
use serde_json::{Value, json};
use tracing::{info, warn};

use super::access::{Asker, Change};
use super::fault::{Fault, shortened};
use super::params::Params;
use super::{App, answer, form, never_cached};
use crate::dashboards::{self, Dashboard, DashboardName, Expected, Kept, Listed, Ready, Store, StoreFault};

/// `/dashboards`: all of them.
pub(super) async fn list(State(app): State<Arc<App>>) -> Result<Response, Fault> {
    let listed = on_disk(&app, Store::list).await?;
    let entries = join_all(listed.into_iter().map(|listed| entry(&app, listed))).await;
    Ok(told(json!({ "dashboards": entries })))
}

async fn entry(app: &App, listed: Listed) -> Value {
    let name = listed.name.as_str();
    let mut entry = json!({ "name": name, "ready": listed.ready, "changed": listed.changed });
    match listed.summary {
        Ok(summary) => {
            entry["title"] = summary.title.into();
            entry["description"] = summary.description.into();
        }
        Err(why) => {
            entry["title"] = name.into();
            entry["description"] = "".into();
            entry["error"] = why.into();
        }
    }
    let needs = Ready::called(&listed.name).filter(|_| listed.ready).and_then(|ready| ready.needs.as_ref());
    if let Some(needs) = needs {
        entry["data"] = has_data(app, needs).await.into();
    }
    entry
}

/// Whether any name matches. A store that cannot say now is no reason to hide a dashboard.
async fn has_data(app: &App, needs: &Pattern) -> bool {
    let query = ListQuery { most: 1, ..ListQuery::all(needs.clone()) };
    app.sources.find.list(&query).await.map_or(true, |found| !found.value.is_empty() || !found.failures.is_empty())
}

/// `/dashboards/NAME`, as it is kept.
pub(super) async fn one(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    headers: HeaderMap,
) -> Result<Response, Fault> {
    let name = named(&name)?;
    let Kept { text, tag } = on_disk(&app, move |store| store.get(&name)).await?;
    let known = tags(&headers, header::IF_NONE_MATCH).is_some_and(|tags| tags.iter().any(|t| *t == tag || t == "*"));
    let mut response =
        if known { StatusCode::NOT_MODIFIED.into_response() } else { answer::body("application/json", text) };
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    tagged(&mut response, &tag);
    Ok(response)
}

/// Keeps or deletes `/dashboards/NAME`.
pub(super) async fn change(
    State(app): State<Arc<App>>,
    Path(name): Path<String>,
    request: Request,
) -> Result<Response, Fault> {
    let deletes = *request.method() == Method::DELETE;
    let asker = Asker::of(&request);
    let what = if deletes { "deleting dashboards" } else { "saving dashboards" };
    app.desk.access.allow(&asker, Change::Kept, what).await?;
    let name = named(&name)?;
    let expected = expected(request.headers());
    if deletes {
        let gone = name.clone();
        on_disk(&app, move |store| store.delete(&gone, &expected)).await?;
        info!(peer = asker.name(), %name, "A dashboard was deleted.");
        return Ok(told(json!({ "deleted": name.as_str() })));
    }
    let body = form::read(request.into_body(), app.desk.http.body_bytes).await?;
    let dashboard = Dashboard::parse(&body).map_err(|why| Fault::bad(format!("the body is no dashboard: {why}")))?;
    let remarks = dashboard.remarks();
    let tag = keep(&app, &asker, &name, dashboard, expected).await?;
    let mut response = told(json!({ "saved": name.as_str(), "remarks": remarks }));
    tagged(&mut response, &tag);
    Ok(response)
}

/// `/dashboards/import`: shows what becomes of somebody else's dashboard, and with `save=1` keeps it as `name`.
pub(super) async fn import(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let asker = Asker::of(&request);
    let params = Params::parse(request.uri().query().unwrap_or_default(), "")?;
    let saves = params.last("save").is_some_and(|text| !matches!(text, "" | "0" | "false"));
    if saves {
        app.desk.access.allow(&asker, Change::Kept, "saving dashboards").await?;
    }
    let wanted = params.last("name").filter(|name| !name.is_empty()).map(named).transpose()?;
    let expected = expected(request.headers());
    let body = form::read(request.into_body(), app.desk.http.body_bytes).await?;
    let made = tokio::task::spawn_blocking(move || dashboards::import(&body)).await;
    let made = made.map_err(|_| Fault::ours("the import has met a fault of the server"))?;
    let made = made.map_err(|why| Fault::bad(format!("the body cannot be imported: {why}")))?;
    let name = wanted.unwrap_or_else(|| DashboardName::of_title(&made.dashboard.title));
    if !saves {
        return Ok(told(json!({ "name": name.as_str(), "dashboard": made.dashboard, "left_out": made.left_out })));
    }
    let tag = keep(&app, &asker, &name, made.dashboard.clone(), expected).await?;
    let mut response = told(json!({ "saved": name.as_str(), "dashboard": made.dashboard, "left_out": made.left_out }));
    tagged(&mut response, &tag);
    Ok(response)
}

/// Keeps `dashboard` and gives its tag.
async fn keep(
    app: &App,
    asker: &Asker,
    name: &DashboardName,
    dashboard: Dashboard,
    expected: Expected,
) -> Result<String, Fault> {
    let kept = name.clone();
    let tag = on_disk(app, move |store| store.put(&kept, &dashboard, &expected)).await?;
    info!(peer = asker.name(), %name, "A dashboard was saved.");
    Ok(tag)
}

/// Asks the store on a thread that may wait.
async fn on_disk<T: Send + 'static>(
    app: &App,
    ask: impl FnOnce(&Store) -> Result<T, StoreFault> + Send + 'static,
) -> Result<T, Fault> {
    let store = app.dashboards.clone();
    let answer = tokio::task::spawn_blocking(move || ask(&store)).await;
    answer.map_err(|_| Fault::ours("reading dashboards has met a fault of the server"))?.map_err(refused)
}

fn refused(fault: StoreFault) -> Fault {
    let status = match &fault {
        StoreFault::Absent => StatusCode::NOT_FOUND,
        StoreFault::BuiltIn => StatusCode::CONFLICT,
        StoreFault::Changed => StatusCode::PRECONDITION_FAILED,
        StoreFault::NoFolder => StatusCode::FORBIDDEN,
        StoreFault::Broken(_) => StatusCode::UNPROCESSABLE_ENTITY,
        StoreFault::Io(_) => {
            warn!(error = &fault as &dyn Error, "Dashboards cannot be read or saved.");
            return Fault::ours("the folder of dashboards cannot be used; the server's log says why");
        }
    };
    Fault { status, ..Fault::bad(fault.to_string()) }
}

pub(super) fn named(text: &str) -> Result<DashboardName, Fault> {
    DashboardName::parse(text).map_err(|why| Fault::bad(format!("`{}`: {why}", shortened(text))))
}

/// What the conditions of a request say.
fn expected(headers: &HeaderMap) -> Expected {
    match (tags(headers, header::IF_MATCH), tags(headers, header::IF_NONE_MATCH)) {
        (Some(tags), _) => Expected::OneOf(tags),
        (None, Some(tags)) if tags.iter().any(|tag| tag == "*") => Expected::Nothing,
        _ => Expected::Anything,
    }
}

/// The tags in a header. A compressed answer's tag is weak; the text it stands for is the same.
fn tags(headers: &HeaderMap, name: HeaderName) -> Option<Vec<String>> {
    let text = headers.get(name)?.to_str().unwrap_or_default();
    Some(text.split(',').map(|tag| tag.trim().trim_start_matches("W/").to_owned()).collect())
}

fn tagged(response: &mut Response, tag: &str) {
    // Hexadecimal digits between quotes.
    if let Ok(tag) = HeaderValue::from_str(tag) {
        response.headers_mut().insert(header::ETAG, tag);
    }
}

fn told(value: Value) -> Response {
    let mut response = answer::body("application/json", value.to_string().into_bytes());
    never_cached(response.headers_mut());
    response
}
