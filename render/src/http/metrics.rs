//! `/metrics/...`: which names there are.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use carbon_line::Pattern;
use carbon_storage::{ListQuery, Node, NodeEnds, NodeKind, NodeList, Partial, StorageError, Window};
use serde::{Serialize, Serializer};
use tracing::warn;
use whisper::Timestamp;

use super::fault::{Fault, shortened};
use super::listing::{self, Level};
use super::params::Params;
use super::{App, answer, not_cached, question};
use crate::format::{self, Output, TooLong};
use crate::percent::decode_lossily;

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
        Form::NodeList => answer::json(&parts(&nodes, wanted.position), params, limit)?,
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

impl App {
    /// The nodes that match. What a store cannot say is missing and in the log, as long as it can say anything.
    async fn nodes(&self, parameter: &str, pattern: &str, names: Names) -> Result<NodeList, Fault> {
        let Some(branches) = branches_opened(pattern) else {
            return self.whole_nodes(parameter, pattern, names).await;
        };
        let mut nodes = match pattern.is_empty() || pattern.ends_with('.') {
            true => Vec::new(),
            false => self.whole_nodes(parameter, pattern, names).await?.into(),
        };
        if branches.is_empty() {
            nodes.extend((!names.leaves_only).then(|| Node { path: String::new(), kind: NodeKind::Branch }));
        } else {
            let found = self.whole_nodes(parameter, branches, names).await?;
            let opened = |(path, kind)| Node { path: format!("{path}."), kind };
            nodes.extend(found.iter().filter(|(_, kind)| *kind == NodeKind::Branch).map(opened));
        }
        let mut nodes = NodeList::of(nodes);
        nodes.sort();
        Ok(nodes)
    }

    async fn whole_nodes(&self, parameter: &str, pattern: &str, names: Names) -> Result<NodeList, Fault> {
        let clean = pattern.replace('\\', "");
        let query = self.list_query(parameter, &clean, names)?;
        let found = self.sources.find.list(&query).await;
        let found = told(pattern, found, NodeList::is_empty)?;
        self.all(parameter, pattern, found.is_cut() && names.first.is_none())?;
        let mut nodes = if clean == pattern { found } else { with_escaped_parts(found, pattern, &clean) };
        nodes.sort();
        Ok(nodes)
    }

    /// The last parts of the nodes that match, as [`App::nodes`].
    async fn ends(&self, parameter: &str, pattern: &str, names: Names) -> Result<NodeEnds, Fault> {
        let query = self.list_query(parameter, pattern, names)?;
        let found = self.sources.find.ends(&query).await;
        let ends = told(pattern, found, |ends| ends.ends.is_empty())?;
        self.all(parameter, pattern, ends.cut && names.first.is_none())?;
        Ok(ends)
    }

    fn list_query(&self, parameter: &str, pattern: &str, names: Names) -> Result<ListQuery, Fault> {
        let compiled = Pattern::parse(pattern)
            .map_err(|fault| Fault::parameter(parameter, format!("`{}`: {fault}", shortened(pattern))))?;
        let Names { leaves_only, window, first } = names;
        let most = first.unwrap_or(usize::MAX).min(self.config.names);
        Ok(ListQuery { window, alive_only: true, leaves_only, most, ..ListQuery::all(compiled) })
    }

    /// # Errors
    /// There were more than may be.
    fn all(&self, parameter: &str, pattern: &str, is_cut: bool) -> Result<(), Fault> {
        if !is_cut {
            return Ok(());
        }
        let message =
            format!("`{}` matches more than {} names, the `names` limit", shortened(pattern), self.config.names);
        Err(Fault::parameter(parameter, message))
    }
}

/// The branches that `pattern` finds a second time, with a dot behind their names, if it finds any so: graphite-web looks
/// for an empty name in each, when the pattern ends in a dot, or in a list one of whose alternatives is empty (`a.{b,}`).
/// Above the first dot that is the whole tree, which has no name.
fn branches_opened(pattern: &str) -> Option<&str> {
    let within = pattern.trim_end_matches('.');
    if within.len() < pattern.len() || pattern.is_empty() {
        return Some(within);
    }
    let (above, last) = pattern.rsplit_once('.').unwrap_or(("", pattern));
    let compiled = Pattern::parse(last).ok().filter(|_| last.contains('{'))?;
    compiled.segments().last()?.literals().iter().any(|word| word.is_empty()).then(|| above.trim_end_matches('.'))
}

/// What was found, and what was not into the log.
///
/// # Errors
/// Nothing was found, and some part of the store may know more.
fn told<T>(
    pattern: &str,
    found: Result<Partial<T>, StorageError>,
    is_empty: impl FnOnce(&T) -> bool,
) -> Result<T, Fault> {
    let found = found.map_err(|error| {
        warn!(pattern, error = &error as &dyn std::error::Error, "Names could not be listed.");
        Fault::ours("the store cannot list names now; its log says why")
    })?;
    for failure in &found.failures {
        let error = &failure.error as &dyn std::error::Error;
        warn!(pattern, part = failure.part, error, "A part of the store did not list its names.");
    }
    if is_empty(&found.value) && !found.failures.is_empty() {
        return Err(Fault::ours("no part of the store that may know these names answers now"));
    }
    Ok(found.value)
}

/// Graphite-web drops backslashes before it looks, and calls the parts that had one before `*?[{` as they stand in the
/// query.
fn with_escaped_parts(nodes: NodeList, pattern: &str, clean: &str) -> NodeList {
    let is_escaped = |part: &str| {
        let before = |symbol| part.find(symbol).and_then(|at| at.checked_sub(1));
        ['*', '?', '[', '{'].into_iter().filter_map(before).any(|at| part.as_bytes()[at] == b'\\')
    };
    let parts: Vec<Option<&str>> =
        pattern.split('.').zip(clean.split('.')).map(|(part, clean)| is_escaped(part).then_some(clean)).collect();
    let renamed = |path: &str| {
        let named = |(at, part)| parts.get(at).copied().flatten().unwrap_or(part);
        path.split('.').enumerate().map(named).collect::<Vec<_>>().join(".")
    };
    NodeList::of(nodes.iter().map(|(path, kind)| Node { path: renamed(path), kind }))
}

/// Which of the names that match.
#[derive(Clone, Copy)]
struct Names {
    leaves_only: bool,
    window: Option<Window>,
    /// Some of them, and so many at most.
    first: Option<usize>,
}

/// What `/metrics/find` is asked for.
struct Wanted {
    form: Form,
    /// The query as it was sent, up to and including its last dot: what ids begin with.
    base: String,
    pattern: String,
    leaves_only: bool,
    wildcards: bool,
    position: i64,
    first: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    TreeJson,
    Completer,
    NodeList,
    Json,
    Pickle,
    Msgpack,
}

impl Wanted {
    fn read(params: &Params) -> Result<Wanted, Fault> {
        let query =
            params.last("query").ok_or_else(|| Fault::parameter("query", "the parameter `query` is missing"))?;
        if query.is_empty() {
            return Err(Fault::parameter("query", "the parameter `query` is empty; `*` lists the top level"));
        }
        let form = match params.last("format").unwrap_or("treejson") {
            "treejson" => Form::TreeJson,
            "completer" => Form::Completer,
            "nodelist" => Form::NodeList,
            "json" => Form::Json,
            "pickle" => Form::Pickle,
            "msgpack" => Form::Msgpack,
            other => {
                let known = "treejson, completer, nodelist, json, pickle or msgpack";
                return Err(Fault::parameter(
                    "format",
                    format!("`format` must be {known}, not `{}`", shortened(other)),
                ));
            }
        };
        params.whole("local")?;
        let variants = params.whole("automatic_variants")? != 0;
        Ok(Wanted {
            form,
            base: query.rfind('.').map(|dot| query[..=dot].to_owned()).unwrap_or_default(),
            pattern: if form == Form::Completer { completed(query, variants) } else { query.to_owned() },
            leaves_only: params.whole("leavesOnly")? != 0,
            wildcards: params.whole("wildcards")? != 0,
            position: if params.has("position") { params.whole("position")? } else { -1 },
            first: if params.has("limit") {
                Some(usize::try_from(params.whole("limit")?.max(1)).unwrap_or(usize::MAX))
            } else {
                None
            },
        })
    }
}

/// What someone who has typed `query` so far may mean.
fn completed(query: &str, variants: bool) -> String {
    let mut pattern = query.replace("..", "*.");
    if !pattern.ends_with('*') {
        pattern.push('*');
    }
    if !variants {
        return pattern;
    }
    let listed =
        |part: &str| if part.contains(',') && !part.contains('{') { format!("{{{part}}}") } else { part.to_owned() };
    pattern.split('.').map(listed).collect::<Vec<_>>().join(".")
}

#[derive(Serialize)]
struct Row {
    text: String,
    id: String,
    #[serde(rename = "allowChildren")]
    allow_children: u8,
    expandable: u8,
    leaf: u8,
}

/// As [`Level`], for who wants it laid out.
fn tree(nodes: &NodeList, wanted: &Wanted) -> Vec<Row> {
    let level = Level::new(NodeEnds::of(nodes), wanted.base.clone(), wanted.wildcards);
    let row = |(name, leaf): &(String, bool)| {
        let (branch, leaf) = (u8::from(!leaf), u8::from(*leaf));
        let id = format!("{}{name}", wanted.base);
        Row { text: unquoted(name), id, allow_children: branch, expandable: branch, leaf }
    };
    level.names.iter().map(row).collect()
}

#[derive(Serialize)]
struct Completions {
    metrics: Vec<Completion>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Completion {
    Node { path: String, name: String, is_leaf: &'static str },
    Any { name: &'static str },
}

fn completions(nodes: &[Node], wanted: &Wanted) -> Completions {
    let one = |node: &Node| {
        let (dot, is_leaf) = if is_leaf(node) { ("", "1") } else { (".", "0") };
        Completion::Node { path: format!("{}{dot}", node.path), name: last(&node.path).to_owned(), is_leaf }
    };
    let any = (wanted.wildcards && nodes.len() > 1).then_some(Completion::Any { name: "*" });
    Completions { metrics: nodes.iter().map(one).chain(any).collect() }
}

#[derive(Serialize)]
struct Parts<'a> {
    nodes: BTreeSet<&'a str>,
}

/// The distinct parts at `position`, counted from the end when negative; paths that are too short give none.
fn parts(nodes: &NodeList, position: i64) -> Parts<'_> {
    let part = |path| -> Option<&str> {
        let mut parts = str::split(path, '.');
        match usize::try_from(position) {
            Ok(position) => parts.nth(position),
            Err(_) => parts.rev().nth(usize::try_from(-(position + 1)).ok()?),
        }
    };
    Parts { nodes: nodes.iter().filter_map(|(path, _)| part(path)).collect() }
}

#[derive(Serialize)]
struct Record<'a> {
    path: &'a str,
    is_leaf: bool,
    /// When a leaf may have points; for branches nothing is said.
    #[serde(skip_serializing_if = "Option::is_none")]
    intervals: Option<[Interval; 1]>,
}

#[derive(Serialize)]
struct Interval {
    start: i64,
    end: i64,
}

/// A record for each node, written one by one.
struct Records<'a>(&'a NodeList, i64);

impl Serialize for Records<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let record = |(path, kind)| {
            let is_leaf = kind == NodeKind::Leaf;
            Record { path, is_leaf, intervals: is_leaf.then_some([Interval { start: 0, end: self.1 }]) }
        };
        serializer.collect_seq(self.0.iter().map(record))
    }
}

/// The path of each node.
struct Paths<'a>(&'a NodeList);

impl Serialize for Paths<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.0.iter().map(|(path, _)| path))
    }
}

#[derive(Serialize)]
struct Expanded<'a> {
    results: Results<'a>,
}

#[derive(Serialize)]
#[serde(untagged)]
enum Results<'a> {
    Flat(BTreeSet<String>),
    /// In the order of the request.
    #[serde(serialize_with = "as_map")]
    Grouped(Vec<(&'a str, BTreeSet<String>)>),
}

fn as_map<S: Serializer>(groups: &[(&str, BTreeSet<String>)], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_map(groups.iter().map(|(query, paths)| (query, paths)))
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

fn last(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or_default()
}

fn is_leaf(node: &Node) -> bool {
    node.kind == NodeKind::Leaf
}

/// The name as the tree shows it: graphite-web undoes percent-encoding and `+` in it.
fn unquoted(name: &str) -> String {
    decode_lossily(name)
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
