//! `/tags/...`: which tags and values there are, which series carry them, and taking series in and out of the index.
//! Source: graphite-web `tags/views.py`, 1.1.10.

use std::error::Error;
use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use carbon_line::MetricName;
use carbon_line::tags::Tagged;
use carbon_storage::{StorageError, TagEntry, TagQuery, Tags, ValueEntry};
use hyper::StatusCode;
use serde_json::{Value, json};
use tracing::warn;

use super::access::{Asker, Change};
use super::fault::{Fault, shortened};
use super::params::Params;
use super::{App, answer};
use crate::eval::tagged;
use crate::percent::decode;

/// Tags or values that an editor is offered unless it asks for another number.
const OFFERED: i64 = 100;

/// `/tags`: the tags that occur.
pub(super) async fn list(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    let entries = app.tags(&listing(&params)?).await?;
    let entries: Vec<Value> = entries.iter().map(|entry| json!({ "id": entry.id, "tag": entry.tag })).collect();
    written(&entries, &params, &app)
}

/// `/tags/TAG`: the values of a tag, with the number of series that carry each, or null.
pub(super) async fn details(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let path = request.uri().path();
    let tag = path.strip_prefix("/tags/").unwrap_or_default();
    let tag = decode(tag.strip_suffix('/').unwrap_or(tag), false);
    let tag = tag.map_err(|why| Fault::bad(format!("the tag's name {why}")))?;
    let params = app.params(request).await?;
    let query = listing(&params)?;
    // The shortest of those that begin like it comes first.
    let same = TagQuery { prefix: tag.clone(), limit: Some(1), ..TagQuery::default() };
    let Some(known) = app.tags(&same).await?.into_iter().find(|known| known.tag == tag) else {
        return written(&Value::Null, &params, &app);
    };
    let values = app.values(&tag, &query).await?;
    let values: Vec<Value> =
        values.iter().map(|entry| json!({ "id": entry.id, "value": entry.value, "count": entry.count })).collect();
    written(&json!({ "id": known.id, "tag": tag, "values": values }), &params, &app)
}

/// `/tags/findSeries`: the series that meet all of `expr`.
pub(super) async fn find_series(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    let expressions = expressions(&params);
    if expressions.is_empty() {
        return Err(Fault::parameter("expr", "no tag expressions specified"));
    }
    let wanted = tagged::narrowing(expressions.into_iter()).map_err(bad_expression)?;
    let names = match app.index() {
        Some(index) => index.series(&wanted, usize::MAX).await.map_err(refused)?.unwrap_or_default(),
        None => Vec::new(),
    };
    written(&names.iter().map(MetricName::as_str).collect::<Vec<_>>(), &params, &app)
}

/// `/tags/autoComplete/tags`: the tags that the series which meet all of `expr` have beside those asked for.
pub(super) async fn complete_tags(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    let texts = expressions(&params);
    let wanted = match texts.is_empty() {
        true => Vec::new(),
        false => tagged::narrowing(texts.iter().copied()).map_err(bad_expression)?,
    };
    let without = wanted.iter().map(|expression| expression.tag.clone()).collect();
    let prefix = params.last("tagPrefix").unwrap_or_default().to_owned();
    let offer = Offer::read(&params, !wanted.is_empty())?;
    let query = TagQuery { wanted, prefix, without, limit: offer.asked, ..TagQuery::default() };
    let tags = app.tags(&query).await?.into_iter().map(|entry| entry.tag).collect();
    written(&offer.cut(tags), &params, &app)
}

/// `/tags/autoComplete/values`: the values of `tag` that the series which meet all of `expr` have.
pub(super) async fn complete_values(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let params = app.params(request).await?;
    let tag = params.last("tag").filter(|tag| !tag.is_empty());
    let tag = tag.ok_or_else(|| Fault::parameter("tag", "no tag specified"))?;
    let wanted = tagged::parse(expressions(&params).into_iter()).map_err(bad_expression)?;
    let prefix = params.last("valuePrefix").unwrap_or_default().to_owned();
    let offer = Offer::read(&params, !wanted.is_empty())?;
    let query = TagQuery { wanted, prefix, limit: offer.asked, ..TagQuery::default() };
    let values = app.values(tag, &query).await?.into_iter().map(|entry| entry.value).collect();
    written(&offer.cut(values), &params, &app)
}

/// `/tags/tagSeries`: enters the series `path`; its name in normal form.
pub(super) async fn tag_series(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let asker = Asker::of(&request);
    app.desk.access.allow(&asker, Change::Usual, "what changes the tag index").await?;
    let params = app.params(request).await?;
    let path = params.last("path").filter(|path| !path.is_empty());
    let name = series(path.ok_or_else(|| Fault::parameter("path", "no path specified"))?)?;
    app.changeable()?.add(std::slice::from_ref(&name)).await.map_err(refused)?;
    app.desk.results.clear();
    written(&name.as_str(), &params, &app)
}

/// `/tags/tagMultiSeries`: enters every series `path`; their names in normal form.
pub(super) async fn tag_multi_series(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let asker = Asker::of(&request);
    app.desk.access.allow(&asker, Change::Usual, "what changes the tag index").await?;
    let params = app.params(request).await?;
    let names = paths(&params, "no paths specified")?;
    app.changeable()?.add(&names).await.map_err(refused)?;
    app.desk.results.clear();
    written(&names.iter().map(MetricName::as_str).collect::<Vec<_>>(), &params, &app)
}

/// `/tags/delSeries`: takes every series `path` out; true, also where there was none.
pub(super) async fn del_series(State(app): State<Arc<App>>, request: Request) -> Result<Response, Fault> {
    let asker = Asker::of(&request);
    app.desk.access.allow(&asker, Change::Usual, "what changes the tag index").await?;
    let params = app.params(request).await?;
    let names = paths(&params, "no path specified")?;
    app.changeable()?.remove(&names).await.map_err(refused)?;
    app.desk.results.clear();
    written(&true, &params, &app)
}

impl App {
    fn index(&self) -> Option<&dyn Tags> {
        self.sources.tags.as_deref()
    }

    fn changeable(&self) -> Result<&dyn Tags, Fault> {
        self.index().ok_or_else(|| Fault::absent("this process keeps no tags"))
    }

    async fn tags(&self, query: &TagQuery) -> Result<Vec<TagEntry>, Fault> {
        match self.index() {
            Some(index) => index.tags(query).await.map_err(refused),
            None => Ok(Vec::new()),
        }
    }

    async fn values(&self, tag: &str, query: &TagQuery) -> Result<Vec<ValueEntry>, Fault> {
        match self.index() {
            Some(index) => index.values(tag, query).await.map_err(refused),
            None => Ok(Vec::new()),
        }
    }
}

/// How many tags or values are offered.
struct Offer {
    /// How many are asked of the index; `None` for all.
    asked: Option<usize>,
    /// How many the client wants, counted from the end if negative, as Python cuts lists.
    wanted: i64,
}

impl Offer {
    fn read(params: &Params, chosen: bool) -> Result<Offer, Fault> {
        let wanted = if params.has("limit") { params.whole("limit")? } else { OFFERED };
        // A database takes a negative limit for none; where series are looked at one by one, it lets nothing through.
        let asked = if wanted < 0 && !chosen { None } else { Some(usize::try_from(wanted).unwrap_or(0)) };
        Ok(Offer { asked, wanted })
    }

    fn cut(&self, mut list: Vec<String>) -> Vec<String> {
        if self.wanted < 0 {
            let less = usize::try_from(self.wanted.unsigned_abs()).unwrap_or(usize::MAX);
            list.truncate(list.len().saturating_sub(less));
        }
        list
    }
}

/// The expressions of a request, in either of the spellings that clients know.
fn expressions(params: &Params) -> Vec<&str> {
    either(params, "expr", "expr[]")
}

fn either<'a>(params: &'a Params, name: &'a str, other: &'a str) -> Vec<&'a str> {
    let named: Vec<&str> = params.all(name).collect();
    if named.is_empty() { params.all(other).collect() } else { named }
}

/// What `/tags` and `/tags/TAG` list: `filter` is an expression that matches from the start.
fn listing(params: &Params) -> Result<TagQuery, Fault> {
    let filter = params.last("filter").filter(|filter| !filter.is_empty());
    let filter = filter.map(tagged::anchored).transpose().map_err(|why| Fault::parameter("filter", why))?;
    let limit = match params.last("limit").filter(|limit| !limit.is_empty()) {
        Some(_) => usize::try_from(params.whole("limit")?).ok(),
        None => None,
    };
    Ok(TagQuery { filter, limit, ..TagQuery::default() })
}

fn paths(params: &Params, none: &str) -> Result<Vec<MetricName>, Fault> {
    let paths = either(params, "path", "path[]");
    if paths.is_empty() {
        return Err(Fault::parameter("path", none));
    }
    paths.into_iter().map(series).collect()
}

/// A series, tagged or not, in normal form.
fn series(path: &str) -> Result<MetricName, Fault> {
    let fault = |why: &dyn Error| Fault::parameter("path", format!("`{}` is no series: {why}", shortened(path)));
    Tagged::parse(path).map_err(|why| fault(&why))?;
    MetricName::parse(path).map_err(|why| fault(&why))
}

fn bad_expression(why: String) -> Fault {
    Fault::parameter("expr", why)
}

fn refused(error: StorageError) -> Fault {
    if let StorageError::Declined { reason } = error {
        return Fault { status: StatusCode::SERVICE_UNAVAILABLE, ..Fault::bad(reason) };
    }
    warn!(error = &error as &dyn Error, "The tag index does not answer.");
    Fault::ours("the tag index does not answer now; the server's log says why")
}

fn written(value: &impl serde::Serialize, params: &Params, app: &App) -> Result<Response, Fault> {
    let mut response = answer::json_alone(value, params, app.config.output_bytes)?;
    super::not_cached(response.headers_mut());
    Ok(response)
}
