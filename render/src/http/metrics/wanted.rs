//! The parameters of `/metrics/find`.

use crate::http::fault::{Fault, shortened};
use crate::http::params::Params;

/// What `/metrics/find` is asked for.
pub(super) struct Wanted {
    pub(super) form: Form,
    /// The query as it was sent, up to and including its last dot: what ids begin with.
    pub(super) base: String,
    pub(super) pattern: String,
    pub(super) leaves_only: bool,
    pub(super) wildcards: bool,
    pub(super) position: i64,
    pub(super) first: Option<usize>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    TreeJson,
    Completer,
    NodeList,
    Json,
    Pickle,
    Msgpack,
}

impl Wanted {
    pub(super) fn read(params: &Params) -> Result<Wanted, Fault> {
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
