//! Quotients, powers, percentiles, weighted averages and percentages of series.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashMap};

use super::groups::{grouped, key};
use super::lists::{columns, expressions, reduced, same_length};
use crate::functions::args::{Args, NodeOrTag, Outcome};
use crate::functions::reduce::{Reducer, at_step, common_times, gathered, percentile_with, rows};
use crate::functions::transform::power;
use crate::query::Value;
use crate::series::{Series, Times};
use crate::target::number::g;

/// `a / b` row by row; a divisor of zero gives a gap.
pub(super) fn quotients(a: &[f64], b: &[f64]) -> Vec<f64> {
    let at = |values: &[f64], at: usize| values.get(at).copied().unwrap_or(f64::NAN);
    (0..a.len().max(b.len())).map(|row| divide(at(a, row), at(b, row))).collect()
}

pub(super) fn divide(a: f64, b: f64) -> f64 {
    if b == 0.0 { f64::NAN } else { a / b }
}

pub(super) fn quotient(args: &Args<'_, '_>, dividend: &Series, divisor: &Series) -> Series {
    let both = [dividend, divisor];
    let times = common_times(both.into_iter()).unwrap_or(dividend.times());
    let values = quotients(&at_step(dividend, times.step), &at_step(divisor, times.step));
    let name = format!("divideSeries({},{})", dividend.name, divisor.name);
    Series::made(name, times, values, args.x_files_factor())
}

/// `divideSeries(dividendSeriesList, divisorSeries)`: without a divisor all gaps, named `divideSeries(<name>,MISSING)`.
/// Source: graphite-web `divideSeries`.
pub(super) fn divide_series(args: &mut Args<'_, '_>) -> Outcome {
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
pub(super) fn divide_series_lists(args: &mut Args<'_, '_>) -> Outcome {
    let (dividends, divisors) = (args.list("dividendSeriesList")?, args.list("divisorSeriesList")?);
    same_length(args, &dividends, &divisors)?;
    Ok(dividends.iter().zip(&divisors).map(|(a, b)| quotient(args, a, b)).collect())
}

/// `powSeries(*seriesLists)`: a gap anywhere in the row gives a gap. Name: `powSeries(<names>)`. Source: graphite-web
/// `powSeries`.
pub(super) fn pow_series(args: &mut Args<'_, '_>) -> Outcome {
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
pub(super) fn percentile_of_series(args: &mut Args<'_, '_>) -> Outcome {
    let (list, n, interpolate) = (args.series()?, args.float("n")?, args.truth("interpolate"));
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
pub(super) fn weighted_average(args: &mut Args<'_, '_>) -> Outcome {
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
pub(super) fn as_percent(args: &mut Args<'_, '_>) -> Outcome {
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

pub(super) fn percent_of(series: &Series, total: &Series, xff: f64) -> Series {
    let times = common_times([series, total].into_iter()).unwrap_or(series.times());
    let mut values = quotients(&at_step(series, times.step), &at_step(total, times.step));
    values.iter_mut().for_each(|v| *v *= 100.0);
    Series::made(format!("asPercent({},{})", series.name, total.name), times, values, xff)
}

pub(super) fn percent_of_groups(
    args: &Args<'_, '_>,
    list: Vec<Series>,
    total: Option<Value>,
    nodes: &[NodeOrTag],
) -> Outcome {
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
