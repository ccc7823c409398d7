//! Many series into fewer: sums and their like, pairs, groups, percentages.

mod groups;
mod lists;
mod ratios;

use groups::{apply_by_node, group_by_node, group_by_nodes, group_by_tags, map_series, reduce_series, with_wildcards};
use lists::{aggregate, count_series, joined, multiply_series, pairs};
use ratios::{as_percent, divide_series, divide_series_lists, percentile_of_series, pow_series, weighted_average};

use super::args::{Args, Outcome};
use super::function::{Body, Function, Group};
use super::idle;
use super::param::{Default, LISTS, Param, SERIES, Type, optional, required};

pub(super) use groups::key;

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
    combine(
        "aggregate",
        &[SERIES, FUNC.at_once(idle::no_reducer), XFF],
        aggregate,
        "One series from many, by a named reducer.",
    ),
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
        &[
            SERIES,
            required("n", Type::Float).at_once(idle::not_above_zero),
            optional("interpolate", Type::Boolean).or(Default::Boolean(false)),
        ],
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
