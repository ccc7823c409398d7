//! The names that match a pattern, as the store lists them, with what graphite-web makes of odd patterns.

use carbon_line::Pattern;
use carbon_storage::{ListQuery, Node, NodeEnds, NodeKind, NodeList, Partial, StorageError, Window};
use tracing::warn;

use crate::http::App;
use crate::http::fault::{Fault, shortened};

/// Which of the names that match.
#[derive(Clone, Copy)]
pub(super) struct Names {
    pub(super) leaves_only: bool,
    pub(super) window: Option<Window>,
    /// Some of them, and so many at most.
    pub(super) first: Option<usize>,
}

impl App {
    /// The nodes that match. What a store cannot say is missing and in the log, as long as it can say anything.
    pub(super) async fn nodes(&self, parameter: &str, pattern: &str, names: Names) -> Result<NodeList, Fault> {
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
    pub(super) async fn ends(&self, parameter: &str, pattern: &str, names: Names) -> Result<NodeEnds, Fault> {
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
pub(super) fn branches_opened(pattern: &str) -> Option<&str> {
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
