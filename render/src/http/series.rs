//! `/admin/series/...`: lists, deletes and renames series. For the admin socket and bearers of a token alone.
//!
//! | path | body, a JSON object |
//! |---|---|
//! | `/list` | a selection |
//! | `/delete` | a selection, `dry_run`, `expect` |
//! | `/rename` | `from` and `to`, or a selection with `search` and `replace` (as `aliasSub`); `dry_run`, `expect` |
//!
//! A selection is `query` (a pattern), `expr` (a list of tag expressions) or `names` (a list). `expect` is the number of
//! series that a dry run has told; if it is another by now, nothing is changed.

use std::collections::HashSet;
use std::error::Error;
use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::response::Response;
use carbon_line::{MetricName, Pattern};
use carbon_storage::{Changed, Housekeeping, Selection, StorageError};
use hyper::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use tracing::{info, warn};

use super::access::{Asker, Change};
use super::desk::Desk;
use super::fault::{Fault, shortened};
use super::{answer, form, never_cached};
use crate::eval::tagged;
use crate::functions::{compile_pattern, replace_all};

/// Series that one request may change.
const MOST: usize = 100_000;

/// What a request asks for.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct Wish {
    query: Option<String>,
    expr: Option<Vec<String>>,
    names: Option<Vec<String>>,
    from: Option<String>,
    to: Option<String>,
    search: Option<String>,
    replace: Option<String>,
    dry_run: bool,
    expect: Option<usize>,
}

/// `/admin/series/list`.
pub(super) async fn list(State(desk): State<Arc<Desk>>, request: Request) -> Result<Response, Fault> {
    let (_, wish) = wish(&desk, request, "listing series here").await?;
    let names = select(keeper(&desk)?, &wish).await?;
    Ok(told(json!({ "count": names.len(), "series": texts(&names) })))
}

/// `/admin/series/delete`.
pub(super) async fn delete(State(desk): State<Arc<Desk>>, request: Request) -> Result<Response, Fault> {
    let (asker, wish) = wish(&desk, request, "deleting series").await?;
    let keeper = keeper(&desk)?;
    let names = select(keeper, &wish).await?;
    if !is_due(&wish, names.len())? {
        return Ok(told(json!({ "dry_run": true, "count": names.len(), "series": texts(&names) })));
    }
    let begun = Instant::now();
    let changed = keeper.delete(names).await;
    desk.results.clear();
    let changed = changed.map_err(refused)?;
    audit("deleted", &asker, &wish, &changed, begun);
    Ok(outcome("deleted", &changed))
}

/// `/admin/series/rename`.
pub(super) async fn rename(State(desk): State<Arc<Desk>>, request: Request) -> Result<Response, Fault> {
    let (asker, wish) = wish(&desk, request, "renaming series").await?;
    let keeper = keeper(&desk)?;
    let pairs = match (&wish.from, &wish.to) {
        (Some(from), Some(to)) => vec![(named("from", from)?, named("to", to)?)],
        _ => renamed(&select(keeper, &wish).await?, &wish)?,
    };
    check_targets(keeper, &pairs).await?;
    if !is_due(&wish, pairs.len())? {
        let pairs: Vec<Value> =
            pairs.iter().map(|(from, to)| json!({ "from": from.as_str(), "to": to.as_str() })).collect();
        return Ok(told(json!({ "dry_run": true, "count": pairs.len(), "series": pairs })));
    }
    let begun = Instant::now();
    let changed = keeper.rename(pairs).await;
    desk.results.clear();
    let changed = changed.map_err(refused)?;
    audit("renamed", &asker, &wish, &changed, begun);
    Ok(outcome("renamed", &changed))
}

/// Who asks, if he may, and for what.
async fn wish(desk: &Desk, request: Request, what: &str) -> Result<(Asker, Wish), Fault> {
    let asker = Asker::of(&request);
    desk.access.allow(&asker, Change::Kept, what).await?;
    let body = form::read(request.into_body(), desk.http.body_bytes).await?;
    let wish = serde_json::from_slice(&body).map_err(|why| {
        Fault::bad(format!("the body must be a JSON object such as {{\"query\": \"servers.web01.**\"}}: {why}"))
    })?;
    Ok((asker, wish))
}

fn keeper(desk: &Desk) -> Result<&dyn Housekeeping, Fault> {
    let none = || Fault::absent("this process takes no points in; ask the one that does");
    desk.status.housekeeping.as_deref().ok_or_else(none)
}

/// The names that are meant, sorted.
async fn select(keeper: &dyn Housekeeping, wish: &Wish) -> Result<Vec<MetricName>, Fault> {
    let too_many = |found: String| {
        let message = format!("{found} series, and one request may change {MOST}");
        Fault {
            hint: Some("change them in several steps, such as one host after the other".into()),
            ..Fault::bad(message)
        }
    };
    let selection = match (&wish.query, &wish.expr, &wish.names) {
        (Some(query), None, None) => Selection::Names(
            Pattern::parse(query).map_err(|why| Fault::parameter("query", format!("`{}`: {why}", shortened(query))))?,
        ),
        (None, Some(texts), None) => {
            let expressions = tagged::narrowing(texts.iter().map(String::as_str));
            Selection::Tagged(expressions.map_err(|why| Fault::parameter("expr", why))?)
        }
        (None, None, Some(names)) if names.len() > MOST => return Err(too_many(names.len().to_string())),
        (None, None, Some(names)) => {
            let mut names: Vec<MetricName> = names.iter().map(|name| named("names", name)).collect::<Result<_, _>>()?;
            names.sort_unstable();
            names.dedup();
            let present = keeper.present(names.clone()).await.map_err(refused)?;
            return Ok(names.into_iter().zip(present).filter(|(_, present)| *present).map(|(name, _)| name).collect());
        }
        _ => return Err(Fault::bad("say which series by one of `query`, `expr` and `names`")),
    };
    keeper.list(&selection, MOST).await.map_err(refused)?.ok_or_else(|| too_many(format!("more than {MOST}")))
}

/// Each name with the one that it is to have; those that keep theirs are left out.
fn renamed(names: &[MetricName], wish: &Wish) -> Result<Vec<(MetricName, MetricName)>, Fault> {
    let (Some(search), Some(replace)) = (&wish.search, &wish.replace) else {
        return Err(Fault::bad("say how by `from` and `to`, or by `search` and `replace`"));
    };
    let regex = compile_pattern(search).map_err(|why| Fault::parameter("search", why))?;
    let mut pairs = Vec::new();
    for name in names {
        let new = replace_all(&regex, replace, name).map_err(|why| Fault::parameter("replace", why))?;
        if new != name.as_str() {
            pairs.push((name.clone(), named("replace", &new)?));
        }
    }
    Ok(pairs)
}

/// No name may be given twice, or be taken.
async fn check_targets(keeper: &dyn Housekeeping, pairs: &[(MetricName, MetricName)]) -> Result<(), Fault> {
    let conflict = |message: String| Fault {
        status: StatusCode::CONFLICT,
        hint: Some("nothing was changed; `plumbago whisper merge` brings the points of two files together".into()),
        ..Fault::bad(message)
    };
    let mut seen = HashSet::new();
    if let Some((from, to)) = pairs.iter().find(|(_, to)| !seen.insert(to)) {
        return Err(conflict(format!("`{from}` and another series would both be called `{to}`")));
    }
    let present = keeper.present(pairs.iter().map(|(_, to)| to.clone()).collect()).await.map_err(refused)?;
    let taken: Vec<&str> =
        pairs.iter().zip(present).filter(|(_, there)| *there).map(|((_, to), _)| to.as_str()).collect();
    match taken.first() {
        None => Ok(()),
        Some(first) if taken.len() == 1 => Err(conflict(format!("there is a series `{first}` already"))),
        Some(first) => Err(conflict(format!("{} of the new names are taken, such as `{first}`", taken.len()))),
    }
}

/// Whether the change is to be made, and not only shown.
fn is_due(wish: &Wish, found: usize) -> Result<bool, Fault> {
    match wish.expect {
        _ if wish.dry_run => Ok(false),
        Some(expected) if expected != found => {
            let message = format!("{found} series match now, and {expected} were expected; nothing was changed");
            Err(Fault { status: StatusCode::CONFLICT, ..Fault::bad(message) })
        }
        _ => Ok(true),
    }
}

fn named(field: &str, text: &str) -> Result<MetricName, Fault> {
    MetricName::parse(text).map_err(|why| Fault::parameter(field, format!("`{}` is no name: {why}", shortened(text))))
}

fn refused(error: StorageError) -> Fault {
    if let StorageError::Declined { reason } = error {
        return Fault { status: StatusCode::SERVICE_UNAVAILABLE, ..Fault::bad(reason) };
    }
    warn!(error = &error as &dyn Error, "Series cannot be listed or changed.");
    Fault::ours("the series cannot be listed or changed now; the server's log says why")
}

fn audit(what: &str, asker: &Asker, wish: &Wish, changed: &Changed, begun: Instant) {
    info!(
        peer = asker.name(),
        ?wish,
        what,
        series = changed.done.len(),
        failed = changed.failed.len(),
        first = changed.done.first().map(MetricName::as_str),
        elapsed_ms = begun.elapsed().as_millis() as u64,
        "Series were changed on request."
    );
}

fn outcome(what: &str, changed: &Changed) -> Response {
    let mut answer = json!({ what: changed.done.len(), "series": texts(&changed.done) });
    if !changed.failed.is_empty() {
        let failed = changed.failed.iter().map(|(name, error)| {
            let why = match error {
                StorageError::Declined { reason } => reason.as_str(),
                // Messages of the system name files.
                _ => "the server's log says why",
            };
            json!({ "name": name.as_str(), "error": why })
        });
        answer["failed"] = failed.collect();
        answer["error"] = format!("{} series stay as they are", changed.failed.len()).into();
    }
    let mut response = told(answer);
    if !changed.failed.is_empty() {
        *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
    }
    response
}

fn texts(names: &[MetricName]) -> Vec<&str> {
    names.iter().map(MetricName::as_str).collect()
}

fn told(value: Value) -> Response {
    let mut response = answer::body("application/json", value.to_string().into_bytes());
    never_cached(response.headers_mut());
    response
}
