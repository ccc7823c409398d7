//! Whole lists into one series, and two lists pair by pair.

use std::borrow::Cow;
use std::collections::BTreeSet;

use crate::functions::args::{Args, Outcome};
use crate::functions::reduce::{Reducer, at_step, common_times, rows};
use crate::query::Stop;
use crate::series::Series;

/// The path expressions of all series, each once, in order.
pub(super) fn expressions(list: &[Series]) -> String {
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
pub(super) fn columns(list: &[Series], step: i64) -> Vec<Cow<'_, [f64]>> {
    list.iter().map(|series| at_step(series, step)).collect()
}

/// Reduces a list to one series, named `<func>Series(<path expressions>)`, with the tags that all have in common; `None`
/// for an empty list. Source: graphite-web `aggregate`.
pub(super) fn reduced(
    args: &Args<'_, '_>,
    list: &[Series],
    func: &str,
    xff: Option<f64>,
) -> Result<Option<Series>, Stop> {
    let func = func.strip_suffix("Series").unwrap_or(func);
    let Some(reducer) = Reducer::parse(func) else {
        return Err(args.wrong("func", &format!("one of {}", Reducer::NAMES.join(", ")), &format!("`{func}`")));
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
pub(super) fn aggregate(args: &mut Args<'_, '_>) -> Outcome {
    let (list, func, xff) = (args.series()?, args.text("func")?, args.optional_float("xFilesFactor")?);
    // A reducer that does not exist is refused even when nothing is there to reduce.
    if Reducer::parse(func.strip_suffix("Series").unwrap_or(&func)).is_none() {
        return Err(args.wrong("func", &format!("one of {}", Reducer::NAMES.join(", ")), &format!("`{func}`")));
    }
    Ok(reduced(args, &list, &func, xff)?.into_iter().collect())
}

/// `sumSeries(*seriesLists)` and its like: all lists end to end, reduced to one series.
pub(super) fn joined(args: &mut Args<'_, '_>, func: &str) -> Outcome {
    let list = args.joined()?;
    Ok(reduced(args, &list, func, None)?.into_iter().collect())
}

/// `multiplySeries(*seriesLists)`: a single series passes unchanged. Source: graphite-web `multiplySeries`.
pub(super) fn multiply_series(args: &mut Args<'_, '_>) -> Outcome {
    let mut lists = args.all_lists()?;
    if lists.len() == 1 && lists[0].len() == 1 {
        return Ok(lists.swap_remove(0));
    }
    let list: Vec<Series> = lists.into_iter().flatten().collect();
    Ok(reduced(args, &list, "multiply", None)?.into_iter().collect())
}

/// `countSeries(*seriesLists)`: the number of series, not of known values; without arguments a line at 0. Source:
/// graphite-web `countSeries`.
pub(super) fn count_series(args: &mut Args<'_, '_>) -> Outcome {
    let lists = args.all_lists()?;
    if lists.is_empty() {
        let mut line = crate::functions::special::line(args, 0.0, "0".to_owned());
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
pub(super) fn pairs(args: &mut Args<'_, '_>, func: &str, xff: Option<f64>) -> Outcome {
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

pub(super) fn same_length(args: &Args<'_, '_>, first: &[Series], second: &[Series]) -> Result<(), Stop> {
    if first.len() == second.len() {
        return Ok(());
    }
    Err(args.refuse(&format!("both lists want as many series, found {} and {}", first.len(), second.len())))
}
