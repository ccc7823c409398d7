//! `/metrics/...`: which names there are.

mod wanted;
mod looked_up;
mod shapes;

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use carbon_storage::{Node, Window};
use looked_up::{Names, branches_opened};
use shapes::{Expanded, Paths, Records, Results, completions, last, parts, tree};
use wanted::{Form, Wanted};
use whisper::Timestamp;

use super::fault::Fault;
use super::listing::{self, Level};
use super::params::Params;
use super::{App, answer, not_cached, question};
use crate::format::{self, Output, TooLong};

/// `/metrics/find`: the nodes that match `query`, in one of the forms that clients know.
pub(super) async fn find(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    nodes(&app, &params).await
}

/// `/metrics`: as `/metrics/find` when there is a `query`, which is how old clients of graphite-web ask; else the
/// numbers of this process, which is how monitoring asks.
pub(super) async fn find_or_numbers(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    if params.has("query") { nodes(&app, &params).await } else { Ok(app.desk.exposition()) }
}

async fn nodes(app: &App, params: &Params) -> Result<Response, Fault> {
    let wanted = Wanted::read(params)?;
    let names = Names { leaves_only: wanted.leaves_only, window: window(params, app)?, first: wanted.first };
    let (limit, is_plain) = (app.config.output_bytes, is_plain(params));
    let is_simple = !wanted.pattern.contains('\\') && branches_opened(&wanted.pattern).is_none();
    if wanted.form == Form::TreeJson && is_plain && is_simple {
        let level = Level::new(app.ends("query", &wanted.pattern, names).await?, wanted.base, wanted.wildcards);
        let mut response = listing::rows(level, limit, &app.budget)?;
        not_cached(response.headers_mut());
        return Ok(response);
    }
    let nodes = app.nodes("query", &wanted.pattern, names).await?;
    let now = jiff::Timestamp::now().as_second();
    let by_last_part = || {
        let mut nodes: Vec<Node> = nodes.clone().into();
        nodes.sort_by(|a, b| (last(&a.path), &a.path, a.kind).cmp(&(last(&b.path), &b.path, b.kind)));
        nodes
    };
    let mut response = match wanted.form {
        Form::TreeJson => answer::json(&tree(&nodes, &wanted), params, limit)?,
        Form::Completer => answer::json(&completions(&by_last_part(), &wanted), params, limit)?,
        Form::NodeList => {
            let parts = parts(&nodes, wanted.position);
            // Graphite-web stumbles at the first path that is too short.
            if parts.nodes.is_empty() && !nodes.is_empty() {
                let reason = format!("no path has a part at position {}", wanted.position);
                return Err(Fault::parameter("position", reason));
            }
            answer::json(&parts, params, limit)?
        }
        Form::Json if is_plain => listing::rows(listing::Records::new(nodes, now), limit, &app.budget)?,
        Form::Json => answer::json(&Records(&nodes, now), params, limit)?,
        Form::Pickle => bytes("application/pickle", limit, |out| format::pickle_nodes(&by_last_part(), now, out))?,
        Form::Msgpack => bytes("application/x-msgpack", limit, |out| format::msgpack_nodes(&by_last_part(), now, out))?,
    };
    not_cached(response.headers_mut());
    Ok(response)
}

/// `/metrics/expand`: the paths that match any `query`, or with `groupByExpr` each of them.
pub(super) async fn expand(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    params.whole("local")?;
    let (grouped, leaves_only) = (params.whole("groupByExpr")? != 0, params.whole("leavesOnly")? != 0);
    let window = window(&params, &app)?;
    let mut groups = Vec::new();
    for query in params.all("query") {
        if groups.len() == app.config.targets {
            let limit = app.config.targets;
            return Err(Fault::parameter("query", format!("more than {limit} queries, the `targets` limit")));
        }
        let names = Names { leaves_only, window, first: None };
        let nodes = app.nodes("query", query, names).await?;
        if !grouped && is_plain(&params) && params.all("query").count() == 1 {
            let results = listing::Results(listing::Paths(nodes.distinct()));
            let mut response = listing::rows(results, app.config.output_bytes, &app.budget)?;
            not_cached(response.headers_mut());
            return Ok(response);
        }
        if groups.iter().any(|(known, _)| *known == query) {
            continue;
        }
        groups.push((query, nodes.iter().map(|(path, _)| path.to_owned()).collect::<BTreeSet<_>>()));
    }
    let results = if grouped {
        Results::Grouped(groups)
    } else {
        Results::Flat(groups.into_iter().flat_map(|(_, paths)| paths).collect())
    };
    let mut response = answer::json(&Expanded { results }, &params, app.config.output_bytes)?;
    not_cached(response.headers_mut());
    Ok(response)
}

/// `/metrics/index.json`: every name, sorted.
pub(super) async fn index(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    params.whole("local")?;
    let nodes = app.nodes("query", "**", Names { leaves_only: true, window: None, first: None }).await?;
    if !is_plain(&params) {
        return answer::json(&Paths(&nodes), &params, app.config.output_bytes);
    }
    listing::rows(listing::Paths(nodes), app.config.output_bytes, &app.budget)
}

/// Whether JSON is asked for on one line and as it is.
fn is_plain(params: &Params) -> bool {
    !params.has("pretty") && !params.has("jsonp")
}

fn bytes(
    kind: &'static str,
    limit: usize,
    write: impl FnOnce(&mut Output) -> Result<(), TooLong>,
) -> Result<Response, Fault> {
    let mut out = Output::with_limit(limit);
    write(&mut out)?;
    Ok(answer::body(kind, out.into_bytes()))
}

/// The time that names must have been alive in, where a request limits it; `-1` stands for no limit.
fn window(params: &Params, app: &App) -> Result<Option<Window>, Fault> {
    let tz = question::zone(params, &app.config);
    let clock = jiff::Timestamp::now().as_second();
    let now = question::instant(params, "now", clock, &tz)?.unwrap_or(clock);
    let limit =
        |name| if params.last(name) == Some("-1") { Ok(None) } else { question::instant(params, name, now, &tz) };
    let (from, until) = (limit("from")?, limit("until")?);
    if from.is_none() && until.is_none() {
        return Ok(None);
    }
    let time = Timestamp::saturating_from;
    Ok(Some(Window { from: time(from.unwrap_or(0)), until: time(until.unwrap_or(i64::MAX)), now: time(now) }))
}
