//! Many series into fewer: sums and their like, pairs, groups, percentages.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::args::{Args, NodeOrTag, Outcome};
use super::function::{Body, Function, Group};
use super::param::{Default, LISTS, Param, SERIES, Type, optional, required};
use super::reduce::{Reducer, at_step, common_times, gathered, percentile_with, rows};
use super::transform::power;
use crate::query::{EvalError, Stop, Value};
use crate::series::{LONGEST_NAME, Series, Times};
use crate::tags;
use crate::target::first_path;
use crate::target::number::g;

const fn combine(
    name: &'static str,
    params: &'static [Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Combine, params, Body::List(code), says)
}

const FUNC: Param = required("func", Type::AggFunc);
const XFF: Param = optional("xFilesFactor", Type::Float);
const POSITIONS: Param = optional("position", Type::Node).many();
const FIRST: Param = required("seriesListFirstPos", Type::SeriesList);
const SECOND: Param = required("seriesListSecondPos", Type::SeriesList);
const PAIR: &[Param] = &[FIRST, SECOND];
const CALLBACK: Param = required("callback", Type::AggOrSeriesFunc);

pub(super) const FUNCTIONS: &[Function] = &[
    combine("aggregate", &[SERIES, FUNC, XFF], aggregate, "One series from many, by a named reducer."),
    combine(
        "aggregateSeriesLists",
        &[FIRST, SECOND, FUNC, XFF],
        |args| {
            let func = args.text("func")?;
            let xff = args.optional_float("xFilesFactor")?;
            pairs(args, &func, xff)
        },
        "Reduces two lists pair by pair.",
    ),
    combine(
        "aggregateWithWildcards",
        &[SERIES, FUNC, POSITIONS],
        |args| {
            let func = args.text("func")?;
            with_wildcards(args, &func)
        },
        "Reduces groups of series whose names differ at the given positions only.",
    ),
    combine(
        "applyByNode",
        &[
            SERIES,
            required("nodeNum", Type::Node),
            required("templateFunction", Type::Text),
            optional("newName", Type::Text),
        ],
        apply_by_node,
        "Evaluates an expression for each distinct beginning of the \
        names.",
    ),
    combine(
        "asPercent",
        &[SERIES, optional("total", Type::Any), optional("nodes", Type::NodeOrTag).many()],
        as_percent,
        "Percentage of a total, of another series, or of a group.",
    )
    .also(&["pct"])
    .aggregates(),
    combine("averageSeries", &[LISTS], |args| joined(args, "average"), "Average of the values at each time.")
        .also(&["avg"])
        .aggregates(),
    combine(
        "averageSeriesWithWildcards",
        &[SERIES, POSITIONS],
        |args| with_wildcards(args, "average"),
        "Average of series whose names differ at the given positions only.",
    )
    .aggregates(),
    combine(
        "countSeries",
        &[optional("seriesLists", Type::SeriesList).many()],
        count_series,
        "How many series there are.",
    )
    .aggregates(),
    combine("diffSeries", &[LISTS], |args| joined(args, "diff"), "First series less all others.").aggregates(),
    combine("diffSeriesLists", PAIR, |args| pairs(args, "diff", None), "Differences of two lists, pair by pair.")
        .aggregates(),
    combine(
        "divideSeries",
        &[required("dividendSeriesList", Type::SeriesList), required("divisorSeries", Type::SeriesList)],
        divide_series,
        "Each series divided by one other.",
    ),
    combine(
        "divideSeriesLists",
        &[required("dividendSeriesList", Type::SeriesList), required("divisorSeriesList", Type::SeriesList)],
        divide_series_lists,
        "Quotients of two lists, pair by pair.",
    ),
    combine("group", &[optional("seriesLists", Type::SeriesList).many()], |args| args.joined(), "Joins lists."),
    combine(
        "groupByNode",
        &[
            SERIES,
            required("nodeNum", Type::NodeOrTag),
            optional("callback", Type::AggOrSeriesFunc).or(Default::Text("average")),
        ],
        group_by_node,
        "Reduces the series that share a part of the name.",
    ),
    combine(
        "groupByNodes",
        &[SERIES, CALLBACK, optional("nodes", Type::NodeOrTag).many()],
        group_by_nodes,
        "Reduces the series that share several parts of the name.",
    ),
    combine(
        "groupByTags",
        &[SERIES, CALLBACK, required("tags", Type::Tag).many()],
        group_by_tags,
        "Reduces the series that share the values of tags.",
    ),
    Function::new(
        "mapSeries",
        Group::Combine,
        &[SERIES, required("mapNodes", Type::NodeOrTag).many()],
        Body::Lists(map_series),
        "Parts a list by nodes of the name, for reduceSeries.",
    )
    .also(&["map"]),
    combine("maxSeries", &[LISTS], |args| joined(args, "max"), "Largest value at each time.").aggregates(),
    combine("minSeries", &[LISTS], |args| joined(args, "min"), "Smallest value at each time.").aggregates(),
    combine("multiplySeries", &[LISTS], multiply_series, "Product of the values at each time.").aggregates(),
    combine("multiplySeriesLists", PAIR, |args| pairs(args, "multiply", None), "Products of two lists, pair by pair.")
        .aggregates(),
    combine(
        "multiplySeriesWithWildcards",
        &[SERIES, POSITIONS],
        |args| with_wildcards(args, "multiply"),
        "Product of series whose names differ at the given positions only.",
    )
    .aggregates(),
    combine(
        "percentileOfSeries",
        &[SERIES, required("n", Type::Float), optional("interpolate", Type::Boolean).or(Default::Boolean(false))],
        percentile_of_series,
        "Percentile of the values at each time.",
    ),
    combine(
        "powSeries",
        &[required("seriesList", Type::SeriesList).many()],
        pow_series,
        "First series to the power of the second, and so on.",
    )
    .aggregates(),
    combine("rangeOfSeries", &[LISTS], |args| joined(args, "rangeOf"), "Largest less smallest value at each time.")
        .aggregates(),
    combine(
        "reduceSeries",
        &[
            required("seriesLists", Type::SeriesLists),
            required("reduceFunction", Type::Text),
            required("reduceNode", Type::Node),
            required("reduceMatchers", Type::Text).many(),
        ],
        reduce_series,
        "Applies a function to each group that mapSeries made.",
    )
    .also(&["reduce"]),
    combine("stddevSeries", &[LISTS], |args| joined(args, "stddev"), "Standard deviation of the values at each time.")
        .aggregates(),
    combine("sumSeries", &[LISTS], |args| joined(args, "sum"), "Sum of the values at each time.")
        .also(&["sum"])
        .aggregates(),
    combine("sumSeriesLists", PAIR, |args| pairs(args, "sum", None), "Sums of two lists, pair by pair.").aggregates(),
    combine(
        "sumSeriesWithWildcards",
        &[SERIES, POSITIONS],
        |args| with_wildcards(args, "sum"),
        "Sum of series whose names differ at the given positions only.",
    )
    .aggregates(),
    combine(
        "weightedAverage",
        &[
            required("seriesListAvg", Type::SeriesList),
            required("seriesListWeight", Type::SeriesList),
            optional("nodes", Type::NodeOrTag).many(),
        ],
        weighted_average,
        "Average weighted by another list, matched by nodes of the name.",
    ),
];

/// The path expressions of all series, each once, in order.
fn expressions(list: &[Series]) -> String {
    let mut seen: Vec<&str> = Vec::new();
    let mut known: BTreeSet<&str> = BTreeSet::new();
    for series in list {
        if known.insert(&series.path_expression) {
            seen.push(&series.path_expression);
        }
    }
    seen.join(",")
}

/// All values of all series at one step.
fn columns(list: &[Series], step: i64) -> Vec<Cow<'_, [f64]>> {
    list.iter().map(|series| at_step(series, step)).collect()
}

/// Reduces a list to one series, named `<func>Series(<path expressions>)`, with the tags that all have in common; `None`
/// for an empty list. Source: graphite-web `aggregate`.
fn reduced(args: &Args<'_, '_>, list: &[Series], func: &str, xff: Option<f64>) -> Result<Option<Series>, Stop> {
    let func = func.strip_suffix("Series").unwrap_or(func);
    let Some(reducer) = Reducer::parse(func) else {
        return Err(args.refuse(&format!("`{func}` is no reducer; use one of {}", Reducer::NAMES.join(", "))));
    };
    let Some(times) = common_times(list.iter()) else { return Ok(None) };
    let xff = xff.unwrap_or(args.x_files_factor());
    let values = rows(&columns(list, times.step), reducer, xff);
    let name = format!("{func}Series({})", expressions(list));
    let mut tags = list[0].tags.clone();
    for series in &list[1..] {
        tags.retain(|key, value| series.tags.get(key) == Some(value));
    }
    if tags.get("name").is_none() {
        tags.insert("name", name.clone());
    }
    tags.insert("aggregatedBy", func.to_owned());
    let whole = list.iter().all(|series| series.integers) && reducer.keeps_integers();
    // What the series themselves ask for does not reach the result; the request's default does.
    let mut series = Series::made(name, times, values, xff);
    series.tags = tags;
    series.integers = whole || reducer == Reducer::Count;
    Ok(Some(series))
}

/// `aggregate(seriesList, func, xFilesFactor)`; `func` may be spelled `sumSeries`. Source: graphite-web `aggregate`.
fn aggregate(args: &mut Args<'_, '_>) -> Outcome {
    let (list, func, xff) = (args.series()?, args.text("func")?, args.optional_float("xFilesFactor")?);
    // A reducer that does not exist is refused even when nothing is there to reduce.
    if Reducer::parse(func.strip_suffix("Series").unwrap_or(&func)).is_none() {
        return Err(args.wrong("func", &format!("one of {}", Reducer::NAMES.join(", ")), &format!("`{func}`")));
    }
    Ok(reduced(args, &list, &func, xff)?.into_iter().collect())
}

/// `sumSeries(*seriesLists)` and its like: all lists end to end, reduced to one series.
fn joined(args: &mut Args<'_, '_>, func: &str) -> Outcome {
    let list = args.joined()?;
    Ok(reduced(args, &list, func, None)?.into_iter().collect())
}

/// `multiplySeries(*seriesLists)`: a single series passes unchanged. Source: graphite-web `multiplySeries`.
fn multiply_series(args: &mut Args<'_, '_>) -> Outcome {
    let mut lists = args.all_lists()?;
    if lists.len() == 1 && lists[0].len() == 1 {
        return Ok(lists.swap_remove(0));
    }
    let list: Vec<Series> = lists.into_iter().flatten().collect();
    Ok(reduced(args, &list, "multiply", None)?.into_iter().collect())
}

/// `countSeries(*seriesLists)`: the number of series, not of known values; without arguments a line at 0. Source:
/// graphite-web `countSeries`.
fn count_series(args: &mut Args<'_, '_>) -> Outcome {
    let lists = args.all_lists()?;
    if lists.is_empty() {
        let mut line = super::special::line(args, 0.0, "0".to_owned());
        line.path_expression = "countSeries()".to_owned();
        line.integers = true;
        return Ok(vec![line]);
    }
    let list: Vec<Series> = lists.into_iter().flatten().collect();
    let Some(times) = common_times(list.iter()) else { return Ok(Vec::new()) };
    let length = columns(&list, times.step).iter().map(|column| column.len()).max().unwrap_or(0);
    let name = format!("countSeries({})", expressions(&list));
    let mut series = Series::made(name, times, vec![list.len() as f64; length], args.x_files_factor());
    series.integers = true;
    Ok(vec![series])
}

/// `sumSeriesLists(first, second)` and its like. Name: `sumSeries(<first name>,<second name>)`. Source: graphite-web
/// `aggregateSeriesLists`.
fn pairs(args: &mut Args<'_, '_>, func: &str, xff: Option<f64>) -> Outcome {
    let (first, second) = (args.list("seriesListFirstPos")?, args.list("seriesListSecondPos")?);
    same_length(args, &first, &second)?;
    let mut results = Vec::with_capacity(first.len());
    for (a, b) in first.into_iter().zip(second) {
        let names = format!("({},{})", a.name, b.name);
        if let Some(mut series) = reduced(args, &[a, b], func, xff)? {
            let end = series.name.find('(').unwrap_or(series.name.len());
            series.name.replace_range(end.., &names);
            results.push(series);
        }
    }
    Ok(results)
}

fn same_length(args: &Args<'_, '_>, first: &[Series], second: &[Series]) -> Result<(), Stop> {
    if first.len() == second.len() {
        return Ok(());
    }
    Err(args.refuse(&format!("both lists want as many series, found {} and {}", first.len(), second.len())))
}

/// Series by key, keys in the order in which they came up.
fn grouped(list: Vec<Series>, key: impl Fn(&Series) -> String) -> Vec<(String, Vec<Series>)> {
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
fn with_wildcards(args: &mut Args<'_, '_>, func: &str) -> Outcome {
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
pub(super) fn key(series: &Series, nodes: &[NodeOrTag]) -> String {
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
fn index(at: i64, length: usize) -> Option<usize> {
    let at = if at < 0 { at + length as i64 } else { at };
    usize::try_from(at).ok().filter(|at| *at < length)
}

/// Reduces each group by a reducer, or by any function that takes one list.
fn by_callback(args: &mut Args<'_, '_>, groups: Vec<(String, Vec<Series>)>, callback: &str) -> Outcome {
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
fn group_by_node(args: &mut Args<'_, '_>) -> Outcome {
    let (list, node, callback) = (args.series()?, args.one_node("nodeNum")?, args.text("callback")?);
    let groups = grouped(list, |series| key(series, std::slice::from_ref(&node)));
    by_callback(args, groups, &callback)
}

/// `groupByNodes(seriesList, callback, *nodes)`. Name: the nodes joined by dots. Source: graphite-web `groupByNodes`.
fn group_by_nodes(args: &mut Args<'_, '_>) -> Outcome {
    let (list, callback, nodes) = (args.series()?, args.text("callback")?, args.nodes()?);
    let groups = grouped(list, |series| key(series, &nodes));
    by_callback(args, groups, &callback)
}

/// `groupByTags(seriesList, callback, *tags)`. Name: the common `name` tag (else the callback), then `;tag=value` in order.
/// Source: graphite-web `groupByTags`, which fails on a missing tag where we take the empty value.
fn group_by_tags(args: &mut Args<'_, '_>) -> Outcome {
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
fn map_series(args: &mut Args<'_, '_>) -> Result<Vec<Vec<Series>>, Stop> {
    let (list, nodes) = (args.series()?, args.nodes()?);
    Ok(grouped(list, |series| key(series, &nodes)).into_iter().map(|(_, group)| group).collect())
}

/// `reduceSeries(seriesLists, reduceFunction, reduceNode, *reduceMatchers)`. Name: `<nodes before>.reduce.<function>`.
/// Source: graphite-web `reduceSeries`.
fn reduce_series(args: &mut Args<'_, '_>) -> Outcome {
    let (lists, function, node) =
        (args.lists("seriesLists")?, args.text("reduceFunction")?, args.integer("reduceNode")?);
    let matchers = args.texts()?;
    if !args.knows(&function) {
        return Err(args.wrong("reduceFunction", "the name of a function", &format!("`{function}`")));
    }
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
fn apply_by_node(args: &mut Args<'_, '_>) -> Outcome {
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
        let made = match args.evaluate(&filled(&template, &prefix)?) {
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
fn filled(text: &str, prefix: &str) -> Result<String, Stop> {
    let bytes = text.len().saturating_add(text.matches('%').count().saturating_mul(prefix.len()));
    EvalError::limit("bytes of a name", LONGEST_NAME, bytes)?;
    Ok(text.replace('%', prefix))
}

/// `a / b` row by row; a divisor of zero gives a gap.
fn quotients(a: &[f64], b: &[f64]) -> Vec<f64> {
    let at = |values: &[f64], at: usize| values.get(at).copied().unwrap_or(f64::NAN);
    (0..a.len().max(b.len())).map(|row| divide(at(a, row), at(b, row))).collect()
}

fn divide(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

fn quotient(args: &Args<'_, '_>, dividend: &Series, divisor: &Series) -> Series {
    let both = [dividend, divisor];
    let times = common_times(both.into_iter()).unwrap_or(dividend.times());
    let values = quotients(&at_step(dividend, times.step), &at_step(divisor, times.step));
    let name = format!("divideSeries({},{})", dividend.name, divisor.name);
    Series::made(name, times, values, args.x_files_factor())
}

/// `divideSeries(dividendSeriesList, divisorSeries)`: without a divisor all gaps, named `divideSeries(<name>,MISSING)`.
/// Source: graphite-web `divideSeries`.
fn divide_series(args: &mut Args<'_, '_>) -> Outcome {
    let (mut dividends, divisors) = (args.list("dividendSeriesList")?, args.list("divisorSeries")?);
    match &divisors[..] {
        [] => {
            for series in &mut dividends {
                series.rename(format!("divideSeries({},MISSING)", series.name));
                series.values.fill(f64::NAN);
            }
            Ok(dividends)
        }
        [divisor] => Ok(dividends.iter().map(|dividend| quotient(args, dividend, divisor)).collect()),
        _ => Err(args.wrong("divisorSeries", "exactly one series", &divisors.len().to_string())),
    }
}

/// `divideSeriesLists(dividendSeriesList, divisorSeriesList)`. Source: graphite-web `divideSeriesLists`.
fn divide_series_lists(args: &mut Args<'_, '_>) -> Outcome {
    let (dividends, divisors) = (args.list("dividendSeriesList")?, args.list("divisorSeriesList")?);
    same_length(args, &dividends, &divisors)?;
    Ok(dividends.iter().zip(&divisors).map(|(a, b)| quotient(args, a, b)).collect())
}

/// `powSeries(*seriesLists)`: a gap anywhere in the row gives a gap. Name: `powSeries(<names>)`. Source: graphite-web
/// `powSeries`.
fn pow_series(args: &mut Args<'_, '_>) -> Outcome {
    let list = args.joined()?;
    let Some(times) = common_times(list.iter()) else { return Ok(Vec::new()) };
    let columns = columns(&list, times.step);
    let length = columns.iter().map(|column| column.len()).max().unwrap_or(0);
    let values = gathered(&columns, length, |row| row.iter().copied().reduce(power).unwrap_or(f64::NAN));
    let names: Vec<&str> = list.iter().map(|series| series.name.as_str()).collect();
    let name = format!("powSeries({})", names.join(","));
    Ok(vec![Series::made(name, times, values, args.x_files_factor())])
}

/// `percentileOfSeries(seriesList, n, interpolate=false)`. Name: `percentileOfSeries(<first path expression>,<n as %g>)`.
/// Source: graphite-web `percentileOfSeries`, which fails at 100 with interpolation where we give the maximum.
fn percentile_of_series(args: &mut Args<'_, '_>) -> Outcome {
    let (list, n, interpolate) = (args.series()?, args.float("n")?, args.boolean("interpolate")?);
    if n <= 0.0 {
        return Err(args.wrong("n", "a percentage above 0", &g(n)));
    }
    let Some(times) = common_times(list.iter()) else { return Ok(Vec::new()) };
    let columns = columns(&list, times.step);
    let length = columns.iter().map(|column| column.len()).max().unwrap_or(0);
    let mut buffer = Vec::with_capacity(list.len());
    let values = gathered(&columns, length, |row| percentile_with(row.iter().copied(), n, interpolate, &mut buffer));
    let name = format!("percentileOfSeries({},{})", list[0].path_expression, g(n));
    Ok(vec![Series::made(name, times, values, args.x_files_factor())])
}

/// `weightedAverage(seriesListAvg, seriesListWeight, *nodes)`: sum of products over sum of weights, matched by nodes.
/// Source: graphite-web `weightedAverage`.
fn weighted_average(args: &mut Args<'_, '_>) -> Outcome {
    let (averages, weights) = (args.list("seriesListAvg")?, args.list("seriesListWeight")?);
    let nodes = args.nodes()?;
    same_length(args, &averages, &weights)?;
    let mut order: Vec<String> = Vec::new();
    let mut matched: HashMap<String, (Option<usize>, Option<usize>)> = HashMap::new();
    for at in 0..averages.len() {
        for (is_weight, series) in [(false, &averages[at]), (true, &weights[at])] {
            let key = key(series, &nodes);
            let slot = matched.entry(key.clone()).or_insert_with(|| {
                order.push(key);
                (None, None)
            });
            *(if is_weight { &mut slot.1 } else { &mut slot.0 }) = Some(at);
        }
    }
    let mut products = Vec::new();
    for key in order {
        let Some((Some(average), Some(weight))) = matched.get(&key).copied() else { continue };
        let (average, weight) = (&averages[average], &weights[weight]);
        let cells = [Cow::Borrowed(&average.values[..]), Cow::Borrowed(&weight.values[..])];
        let length = average.values.len().max(weight.values.len());
        let values = gathered(&cells, length, |row| row[0] * row[1]);
        let name = format!("product({},{})", weight.name, average.name);
        products.push(Series::made(name, average.times(), values, args.x_files_factor()));
    }
    let (Some(products), Some(total)) = (reduced(args, &products, "sum", None)?, reduced(args, &weights, "sum", None)?)
    else {
        return Ok(Vec::new());
    };
    let expressions = |list: &[Series]| {
        let sorted: BTreeSet<&str> = list.iter().map(|series| series.path_expression.as_str()).collect();
        sorted.into_iter().collect::<Vec<_>>().join(",")
    };
    let nodes: Vec<String> = nodes.iter().map(ToString::to_string).collect();
    let name = format!("weightedAverage({}, {}, {})", expressions(&averages), expressions(&weights), nodes.join(","));
    let values = quotients(&products.values, &total.values);
    Ok(vec![Series::made(name, products.times(), values, args.x_files_factor())])
}

/// `asPercent(seriesList, total, *nodes)`. Four ways: of the sum of all series, of a number or one series, of a list of
/// equal length matched by sorted names, of groups matched by nodes. Division by zero or a gap gives a gap. Source:
/// graphite-web `asPercent`.
fn as_percent(args: &mut Args<'_, '_>) -> Outcome {
    let (list, total, nodes) = (args.series()?, args.any("total"), args.nodes()?);
    let Some(times) = common_times(list.iter()) else { return Ok(Vec::new()) };
    if !nodes.is_empty() {
        return percent_of_groups(args, list, total, &nodes);
    }
    let xff = args.x_files_factor();
    // Series of several steps are joined for the division, yet the answer keeps each one's own step, as in graphite-web.
    let of = |series: &Series, step: i64, totals: &[f64], text: &str| {
        let mut values = quotients(&at_step(series, step), totals);
        values.iter_mut().for_each(|v| *v *= 100.0);
        Series::made(format!("asPercent({},{text})", series.name), series.times(), values, xff)
    };
    match total {
        None => {
            let columns = columns(&list, times.step);
            let totals = rows(&columns, Reducer::Sum, 0.0);
            let text = format!("sumSeries({})", expressions(&list));
            Ok(list.iter().map(|series| of(series, times.step, &totals, &text)).collect())
        }
        Some(Value::List(totals)) if totals.len() == list.len() => {
            let sorted = |list: Vec<Series>| {
                let mut list = list;
                list.sort_by(|a, b| a.name.cmp(&b.name));
                list
            };
            let pairs = sorted(list).into_iter().zip(sorted(totals));
            Ok(pairs.map(|(series, total)| percent_of(&series, &total, xff)).collect())
        }
        Some(Value::List(totals)) if totals.len() == 1 => {
            let total = &totals[0];
            let step = common_times(list.iter().chain(&totals)).map_or(times.step, |times| times.step);
            let values = at_step(total, step);
            Ok(list.iter().map(|series| of(series, step, &values, &total.name)).collect())
        }
        Some(Value::List(totals)) => {
            let expected = format!("nothing, a number, one series, or {} series", list.len());
            Err(args.wrong("total", &expected, &format!("{} series", totals.len())))
        }
        Some(Value::Number(total)) => {
            // One total for each value of the first series; longer series end in gaps.
            let totals = vec![total.as_f64(); list[0].values.len()];
            Ok(list.iter().map(|series| of(series, times.step, &totals, &total.to_string())).collect())
        }
        Some(other) => Err(args.wrong("total", "a number or a series list", &other.describe())),
    }
}

fn percent_of(series: &Series, total: &Series, xff: f64) -> Series {
    let times = common_times([series, total].into_iter()).unwrap_or(series.times());
    let mut values = quotients(&at_step(series, times.step), &at_step(total, times.step));
    values.iter_mut().for_each(|v| *v *= 100.0);
    Series::made(format!("asPercent({},{})", series.name, total.name), times, values, xff)
}

fn percent_of_groups(args: &Args<'_, '_>, list: Vec<Series>, total: Option<Value>, nodes: &[NodeOrTag]) -> Outcome {
    let xff = args.x_files_factor();
    let groups = grouped(list, |series| key(series, nodes));
    let sum = |group: &[Series]| -> Option<Series> {
        if let [series] = group {
            return Some(series.clone());
        }
        let times = common_times(group.iter())?;
        let values = rows(&columns(group, times.step), Reducer::Sum, 0.0);
        Some(Series::made(format!("sumSeries({})", expressions(group)), times, values, xff))
    };
    let (totals, given): (Vec<(String, Series)>, bool) = match total {
        None => (groups.iter().filter_map(|(key, group)| Some((key.clone(), sum(group)?))).collect(), false),
        Some(Value::List(totals)) => {
            let totals = grouped(totals, |series| key(series, nodes));
            (totals.iter().filter_map(|(key, group)| Some((key.clone(), sum(group)?))).collect(), true)
        }
        Some(other) => return Err(args.wrong("total", "nothing or a series list beside nodes", &other.describe())),
    };
    let by_key: HashMap<&str, &Series> = totals.iter().map(|(key, total)| (key.as_str(), total)).collect();
    let known: BTreeSet<&str> = groups.iter().map(|(key, _)| key.as_str()).collect();
    let gaps = |name: String, times: Times, length: usize| Series::made(name, times, vec![f64::NAN; length], xff);
    let mut results = Vec::new();
    // graphite-web gives series without a total the times of whatever it divided last.
    let mut last_times = None;
    for (key, group) in &groups {
        for series in group {
            results.push(match by_key.get(key.as_str()) {
                Some(total) => {
                    let series = percent_of(series, total, xff);
                    last_times = Some(series.times());
                    series
                }
                None => {
                    let name = format!("asPercent({},MISSING)", series.name);
                    gaps(name, last_times.unwrap_or(series.times()), series.values.len())
                }
            });
        }
    }
    for (_, total) in totals.iter().filter(|(key, _)| given && !known.contains(key.as_str())) {
        let name = format!("asPercent(MISSING,{})", total.name);
        results.push(gaps(name, last_times.unwrap_or(total.times()), total.values.len()));
    }
    Ok(results)
}
