//! Series in groups, by nodes of their names or by tags.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::lists::reduced;
use crate::functions::args::{Args, NodeOrTag, Outcome};
use crate::query::{EvalError, Stop};
use crate::series::{LONGEST_NAME, Series};
use crate::tags;
use crate::target;
use crate::target::first_path;

/// Series by key, keys in the order in which they came up.
pub(super) fn grouped(list: Vec<Series>, key: impl Fn(&Series) -> String) -> Vec<(String, Vec<Series>)> {
    let mut groups: Vec<(String, Vec<Series>)> = Vec::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    for series in list {
        let key = key(&series);
        let place = *places.entry(key.clone()).or_insert(groups.len());
        if place == groups.len() {
            groups.push((key, Vec::new()));
        }
        groups[place].1.push(series);
    }
    groups
}

/// `sumSeriesWithWildcards(seriesList, *positions)` and its like. Name: what is left of the name without the positions.
/// Source: graphite-web `aggregateWithWildcards`.
pub(super) fn with_wildcards(args: &mut Args<'_, '_>, func: &str) -> Outcome {
    let (list, positions) = (args.series()?, args.positions()?);
    let key = |series: &Series| {
        let kept = series.name.split('.').enumerate().filter(|(at, _)| !positions.contains(&(*at as i64)));
        kept.map(|(_, node)| node).collect::<Vec<_>>().join(".")
    };
    let mut results = Vec::new();
    for (name, group) in grouped(list, key) {
        if let Some(series) = reduced(args, &group, func, None)? {
            results.push(Series { name, ..series });
        }
    }
    Ok(results)
}

/// The nodes and tags of a series joined by dots. Nodes come from the first path inside a name that ends like a call; a
/// node that is not there is looked for among the tags. Source: graphite-web `aggKey`, `getNodeOrTag`.
pub(in crate::functions) fn key(series: &Series, nodes: &[NodeOrTag]) -> String {
    let inner = if series.name.ends_with(')') { first_path(&series.name) } else { None };
    let name = inner.as_deref().unwrap_or(&series.name);
    let parts: Vec<&str> = name.split(';').next().unwrap_or("").split('.').collect();
    let tag = |tag: &str| series.tags.get(tag).unwrap_or_default().to_owned();
    let part = |node: &NodeOrTag| match node {
        NodeOrTag::Node(node) => match index(*node, parts.len()) {
            Some(at) => parts[at].to_owned(),
            None => tag(&node.to_string()),
        },
        NodeOrTag::Tag(name) => tag(name),
    };
    let mut key = String::new();
    for (at, node) in nodes.iter().enumerate() {
        // A name as long as that is refused as soon as the function has ended.
        if key.len() > LONGEST_NAME {
            break;
        }
        if at > 0 {
            key.push('.');
        }
        key.push_str(&part(node));
    }
    key
}

/// Python's index: negative ones count from the end.
pub(super) fn index(at: i64, length: usize) -> Option<usize> {
    let at = if at < 0 { at + length as i64 } else { at };
    usize::try_from(at).ok().filter(|at| *at < length)
}

/// Reduces each group by a reducer, or by any function that takes one list.
pub(super) fn by_callback(args: &mut Args<'_, '_>, groups: Vec<(String, Vec<Series>)>, callback: &str) -> Outcome {
    let mut results = Vec::with_capacity(groups.len());
    for (name, group) in groups {
        let series = if args.knows(callback) {
            args.invoke(callback, vec![group])?.into_iter().next()
        } else {
            reduced(args, &group, callback, None)?
        };
        let Some(series) = series else {
            return Err(args.refuse(&format!("{callback} gives nothing for the group `{name}`")));
        };
        results.push(Series { name, ..series });
    }
    Ok(results)
}

/// `groupByNode(seriesList, nodeNum, callback="average")`. Source: graphite-web `groupByNode`.
pub(super) fn group_by_node(args: &mut Args<'_, '_>) -> Outcome {
    let (list, node, callback) = (args.series()?, args.one_node("nodeNum")?, args.text("callback")?);
    let groups = grouped(list, |series| key(series, std::slice::from_ref(&node)));
    by_callback(args, groups, &callback)
}

/// `groupByNodes(seriesList, callback, *nodes)`. Name: the nodes joined by dots. Source: graphite-web `groupByNodes`.
pub(super) fn group_by_nodes(args: &mut Args<'_, '_>) -> Outcome {
    let (list, callback, nodes) = (args.series()?, args.text("callback")?, args.nodes()?);
    let groups = grouped(list, |series| key(series, &nodes));
    by_callback(args, groups, &callback)
}

/// `groupByTags(seriesList, callback, *tags)`. Name: the common `name` tag (else the callback), then `;tag=value` in order.
/// Source: graphite-web `groupByTags`, which fails on a missing tag where we take the empty value.
pub(super) fn group_by_tags(args: &mut Args<'_, '_>) -> Outcome {
    let (list, callback, tags) = (args.series()?, args.text("callback")?, args.texts()?);
    if tags.is_empty() {
        return Err(args.wrong("tags", "at least one tag", "none"));
    }
    let tag = |series: &Series, tag: &str| series.tags.get(tag).unwrap_or_default().to_owned();
    let names: BTreeSet<String> = list.iter().map(|series| tag(series, "name")).collect();
    let common = names.into_iter().collect::<Vec<_>>();
    let common = if let [name] = &common[..] { name.clone() } else { callback.clone() };
    let by_name = tags.iter().any(|tag| tag == "name");
    let groups = grouped(list, |series| {
        let mut parts: Vec<String> =
            tags.iter().filter(|key| *key != "name").map(|key| format!("{key}={}", tag(series, key))).collect();
        parts.sort_unstable();
        parts.insert(0, if by_name { tag(series, "name") } else { common.clone() });
        parts.join(";")
    });
    let mut results = by_callback(args, groups, &callback)?;
    for series in &mut results {
        series.path_expression.clone_from(&series.name);
        series.tags = tags::parse(&series.name);
    }
    Ok(results)
}

/// `mapSeries(seriesList, *mapNodes)`. Source: graphite-web `mapSeries`.
pub(super) fn map_series(args: &mut Args<'_, '_>) -> Result<Vec<Vec<Series>>, Stop> {
    let (list, nodes) = (args.series()?, args.nodes()?);
    Ok(grouped(list, |series| key(series, &nodes)).into_iter().map(|(_, group)| group).collect())
}

/// `reduceSeries(seriesLists, reduceFunction, reduceNode, *reduceMatchers)`. Name: `<nodes before>.reduce.<function>`.
/// Source: graphite-web `reduceSeries`.
pub(super) fn reduce_series(args: &mut Args<'_, '_>) -> Outcome {
    let (lists, function, node) =
        (args.lists("seriesLists")?, args.text("reduceFunction")?, args.integer("reduceNode")?);
    let matchers = args.texts()?;
    let mut order: Vec<String> = Vec::new();
    let mut groups: BTreeMap<String, Vec<Option<Series>>> = BTreeMap::new();
    for series in lists.into_iter().flatten() {
        let nodes: Vec<&str> = series.name.split('.').collect();
        let Some(at) = index(node, nodes.len()) else {
            return Err(args.wrong("reduceNode", &format!("a node of `{}`", series.name), &node.to_string()));
        };
        let Some(place) = matchers.iter().position(|matcher| matcher == nodes[at]) else { continue };
        let name = format!("{}.reduce.{function}", nodes[..at].join("."));
        let group = groups.entry(name.clone()).or_insert_with(|| {
            order.push(name);
            vec![None; matchers.len()]
        });
        group[place] = Some(series);
    }
    if !order.is_empty() && !args.knows(&function) {
        return Err(args.wrong("reduceFunction", "the name of a function", &format!("`{function}`")));
    }
    let mut results = Vec::new();
    for name in order {
        let group: Option<Vec<Vec<Series>>> =
            groups.remove(&name).into_iter().flatten().map(|series| series.map(|series| vec![series])).collect();
        let Some(group) = group else {
            return Err(args.refuse(&format!("`{name}` lacks one of {}", matchers.join(", "))));
        };
        if let Some(series) = args.invoke(&function, group)?.into_iter().next() {
            results.push(Series { name, ..series });
        }
    }
    Ok(results)
}

/// `applyByNode(seriesList, nodeNum, templateFunction, newName)`: `%` stands for the name up to the node. Start and end
/// are those of the last input series. Source: graphite-web `applyByNode`.
pub(super) fn apply_by_node(args: &mut Args<'_, '_>) -> Outcome {
    let (list, node) = (args.series()?, args.integer("nodeNum")?);
    let (template, new_name) = (args.text("templateFunction")?, args.optional_text("newName")?);
    let mut prefixes = BTreeSet::new();
    for series in &list {
        let nodes: Vec<&str> = series.name.split('.').collect();
        if node >= nodes.len() as i64 {
            return Err(args.refuse(&format!("`{}` has no node {node}", series.name)));
        }
        // Python's `nodes[:node + 1]`, where -1 takes none.
        let end = if node < -1 { nodes.len() as i64 + node + 1 } else { node + 1 };
        prefixes.insert(nodes[..end.max(0) as usize].join("."));
    }
    let Some(last) = list.last() else { return Ok(Vec::new()) };
    let mut results = Vec::new();
    let mut missing = false;
    for prefix in prefixes {
        // What stands behind a whole expression does not count, and an empty text is none.
        let text = filled(&template, &prefix)?;
        let text = target::readable(&text);
        if text.trim().is_empty() {
            continue;
        }
        let made = match args.evaluate(text) {
            Ok(made) => made,
            Err(Stop::Missing) => {
                missing = true;
                continue;
            }
            Err(fault) => return Err(fault),
        };
        for mut series in made {
            if let Some(name) = new_name.as_ref().filter(|name| !name.is_empty()) {
                series.name = filled(name, &prefix)?;
            }
            series.path_expression.clone_from(&prefix);
            (series.start, series.end) = (last.start, last.end);
            results.push(series);
        }
    }
    if missing { Err(Stop::Missing) } else { Ok(results) }
}

/// `text` with `prefix` for each `%`.
pub(super) fn filled(text: &str, prefix: &str) -> Result<String, Stop> {
    let bytes = text.len().saturating_add(text.matches('%').count().saturating_mul(prefix.len()));
    EvalError::limit("bytes of a name", LONGEST_NAME, bytes)?;
    Ok(text.replace('%', prefix))
}
