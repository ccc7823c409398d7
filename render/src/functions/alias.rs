//! Names.

use super::args::{Args, Outcome};
use super::combine::key;
use super::function::{Body, Function, Group};
use super::idle;
use super::param::{Param, SERIES, Type, optional, required};
use super::pattern;
use super::reduce::Reducer;
use super::special::{sliced, units};
use crate::query::Stop;
use crate::series::Series;
use crate::target;
use crate::target::number::{d, general, repr};

const fn naming(
    name: &'static str,
    params: &'static [Param],
    code: fn(&mut Args<'_, '_>) -> Outcome,
    says: &'static str,
) -> Function {
    Function::new(name, Group::Alias, params, Body::List(code), says)
}

const SEARCH: Param = required("search", Type::Text);
const REPLACE: Param = required("replace", Type::Text);
const POS: Param = optional("pos", Type::Integer).many();

pub(super) const FUNCTIONS: &[Function] = &[
    naming("alias", &[SERIES, required("newName", Type::Text)], alias, "Gives each series the same new name."),
    naming(
        "aliasByMetric",
        &[SERIES],
        |args| {
            let mut list = args.series()?;
            list.iter_mut().for_each(|series| series.name = sliced(&series.name, -1, 0));
            Ok(list)
        },
        "Names each series by the last node of its name.",
    ),
    naming(
        "aliasByNode",
        &[SERIES, required("nodes", Type::NodeOrTag).many()],
        alias_by_node,
        "Names each series by nodes and tags.",
    ),
    naming(
        "aliasByTags",
        &[SERIES, required("tags", Type::NodeOrTag).many()],
        alias_by_node,
        "Names each series by tags and nodes.",
    ),
    naming(
        "aliasQuery",
        &[SERIES, SEARCH, REPLACE, required("newName", Type::Text)],
        alias_query,
        "Names each series by the last value of another.",
    ),
    naming("aliasSub", &[SERIES, SEARCH, REPLACE], alias_sub, "Replaces parts of the names by a regular expression."),
    naming(
        "legendValue",
        &[
            SERIES,
            optional("valuesTypes", Type::Text).many().at_once(idle::is_list).of(&[
                "average",
                "averageSeries",
                "avg",
                "avgSeries",
                "avg_zero",
                "avg_zeroSeries",
                "binary",
                "count",
                "countSeries",
                "current",
                "currentSeries",
                "diff",
                "diffSeries",
                "last",
                "lastSeries",
                "max",
                "maxSeries",
                "median",
                "medianSeries",
                "min",
                "minSeries",
                "multiply",
                "multiplySeries",
                "range",
                "rangeOf",
                "rangeOfSeries",
                "rangeSeries",
                "si",
                "stddev",
                "stddevSeries",
                "sum",
                "sumSeries",
                "total",
                "totalSeries",
            ]),
        ],
        legend_value,
        "Appends numbers made of the values to the names.",
    ),
    naming(
        "lower",
        &[SERIES, POS],
        |args| cased(args, |c| c.to_lowercase().collect()),
        "Makes letters of the names small.",
    ),
    naming(
        "upper",
        &[SERIES, POS],
        |args| cased(args, |c| c.to_uppercase().collect()),
        "Makes letters of the names large.",
    ),
];

/// `alias(seriesList, newName)`. Source: graphite-web `alias`.
fn alias(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, name) = (args.series()?, args.text("newName")?);
    list.iter_mut().for_each(|series| series.name.clone_from(&name));
    Ok(list)
}

/// `aliasByNode(seriesList, *nodes)`. Source: graphite-web `aliasByNode`.
fn alias_by_node(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, nodes) = (args.series()?, args.nodes()?);
    list.iter_mut().for_each(|series| series.name = key(series, &nodes));
    Ok(list)
}

/// `aliasSub(seriesList, search, replace)`: Python's `re.sub`, with `\1` and `\g<name>`. Source: graphite-web `aliasSub`.
fn alias_sub(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, search, replacement) = (args.series()?, args.text("search")?, args.text("replace")?);
    let regex = pattern::compile(&search).map_err(|reason| args.wrong("search", "a regular expression", &reason))?;
    for series in &mut list {
        series.name = pattern::replace(&regex, &replacement, &series.name)
            .map_err(|reason| args.wrong("replace", "a replacement that fits", &reason))?;
    }
    Ok(list)
}

/// `aliasQuery(seriesList, search, replace, newName)`: each name is rewritten and read; the last known value of what it
/// gives is put into `newName`, which is a `printf` format. Source: graphite-web `aliasQuery`.
fn alias_query(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, search, replacement) = (args.series()?, args.text("search")?, args.text("replace")?);
    let format = args.text("newName")?;
    let regex = pattern::compile(&search).map_err(|reason| args.wrong("search", "a regular expression", &reason))?;
    let mut missing = false;
    for series in &mut list {
        let query = pattern::replace(&regex, &replacement, &series.name)
            .map_err(|reason| args.wrong("replace", "a replacement that fits", &reason))?;
        // Names such as `scale(a.b,10)` leave something behind, which graphite-web passes over.
        let found = match args.evaluate(target::readable(&query)) {
            Ok(found) => found,
            Err(Stop::Missing) => {
                missing = true;
                continue;
            }
            Err(fault) => return Err(fault),
        };
        let Some(first) = found.first() else {
            return Err(args.refuse(&format!("no series is found by `{query}`")));
        };
        let current = Reducer::Last.apply(&first.values);
        if current.is_nan() {
            return Err(args.refuse(&format!("`{}` has no known value", first.name)));
        }
        series.name = printf(&format, current, first.integers).ok_or_else(|| {
            args.wrong("newName", "a text with one place for a number, such as %d", &format!("`{format}`"))
        })?;
    }
    if missing { Err(Stop::Missing) } else { Ok(list) }
}

/// Python's `format % value` for one number; `None` if the format has not exactly one place, or one for something else.
fn printf(format: &str, value: f64, integer: bool) -> Option<String> {
    const WIDEST: usize = 200;
    let mut text = String::new();
    let mut rest = format;
    let mut places = 0;
    while let Some(at) = rest.find('%') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('%') {
            text.push('%');
            rest = after;
            continue;
        }
        places += 1;
        let flags = rest.len() - rest.trim_start_matches(['-', '+', ' ', '0', '#']).len();
        let (flags, after) = rest.split_at(flags);
        let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
        let (width, after) = after.split_at(digits(after));
        let (precision, after) = match after.strip_prefix('.') {
            Some(after) => {
                let (precision, after) = after.split_at(digits(after));
                (Some(precision.parse::<usize>().unwrap_or(0)), after)
            }
            None => (None, after),
        };
        let width = if width.is_empty() { 0 } else { width.parse().ok()? };
        if width > WIDEST || precision > Some(WIDEST) {
            return None;
        }
        let conversion = after.chars().next()?;
        let number = match conversion {
            'd' | 'i' | 'u' => d(value),
            'f' | 'F' => format!("{value:.*}", precision.unwrap_or(6)),
            'g' | 'G' => general(value, precision.unwrap_or(6)),
            's' | 'r' if integer => d(value),
            's' | 'r' => repr(value),
            _ => return None,
        };
        let signed = match (flags.contains('+'), flags.contains(' '), number.starts_with('-')) {
            (true, _, false) => format!("+{number}"),
            (false, true, false) => format!(" {number}"),
            _ => number,
        };
        text.push_str(&match (flags.contains('-'), flags.contains('0') && conversion != 's') {
            (true, _) => format!("{signed:<width$}"),
            (false, true) => {
                let sign = signed.len() - signed.trim_start_matches(['-', '+', ' ']).len();
                let (sign, digits) = signed.split_at(sign);
                format!("{sign}{digits:0>fill$}", fill = width.saturating_sub(sign.len()))
            }
            (false, false) => format!("{signed:>width$}"),
        });
        rest = &after[conversion.len_utf8()..];
    }
    text.push_str(rest);
    (places == 1).then_some(text)
}

/// `legendValue(seriesList, *valuesTypes)`: appends ` (<type>: <value>)`; with `si` or `binary` as the last type, columns
/// of 20, 5 and 10. Source: graphite-web `legendValue`.
fn legend_value(args: &mut Args<'_, '_>) -> Outcome {
    let (mut list, mut kinds) = (args.series()?, args.texts()?);
    let Some(last) = kinds.last() else {
        return Err(args.wrong("valuesTypes", "at least one, such as avg", "none"));
    };
    let system = if matches!(last.as_str(), "si" | "binary") { kinds.pop() } else { None };
    for kind in &kinds {
        for series in &mut list {
            let reducer = Reducer::parse(kind);
            let value = reducer.map(|reducer| reducer.apply(&series.values));
            series.name = match &system {
                None => format!("{} ({kind}: {})", series.name, shown(series, reducer, value)),
                Some(system) => {
                    let text = match value {
                        None => "(?)".to_owned(),
                        Some(value) if value.is_nan() => "None".to_owned(),
                        Some(value) => {
                            let (value, unit) = units(value, system);
                            format!("{value:.2}{unit}")
                        }
                    };
                    format!("{:<20}{kind:<5}{text:<10}", series.name)
                }
            };
        }
    }
    Ok(list)
}

fn shown(series: &Series, reducer: Option<Reducer>, value: Option<f64>) -> String {
    let whole = reducer.is_some_and(|r| r == Reducer::Count || series.integers && r.keeps_integers());
    match value {
        None => "(?)".to_owned(),
        Some(value) if value.is_nan() => "None".to_owned(),
        Some(value) if whole => format!("{value}"),
        Some(value) => repr(value),
    }
}

/// `upper(seriesList, *pos)` and `lower`: all letters, or those at the positions; negative ones count from the end.
/// Source: graphite-web `toUpperCase`.
fn cased(args: &mut Args<'_, '_>, change: fn(char) -> String) -> Outcome {
    let (mut list, positions) = (args.series()?, args.positions()?);
    for series in &mut list {
        let length = series.name.chars().count() as i64;
        let at = |position: &i64| if *position < 0 { *position + length } else { *position };
        let wanted: Vec<i64> = positions.iter().map(at).collect();
        let letters = series.name.chars().enumerate();
        let cased = |(index, c): (usize, char)| match positions.is_empty() || wanted.contains(&(index as i64)) {
            true => change(c),
            false => c.to_string(),
        };
        series.name = letters.map(cased).collect();
    }
    Ok(list)
}

#[cfg(test)]
mod tests {
    use super::printf;

    #[test]
    fn formats_are_pythons() {
        assert_eq!(printf("v %d", 3.7, false).as_deref(), Some("v 3"));
        assert_eq!(printf("%.2f%%", 3.14259, false).as_deref(), Some("3.14%"));
        assert_eq!(printf("%s", 5.0, false).as_deref(), Some("5.0"));
        assert_eq!(printf("%s", 5.0, true).as_deref(), Some("5"));
        assert_eq!(printf("%06.1f|", -2.5, false).as_deref(), Some("-002.5|"));
        assert_eq!(printf("%-6d|", 4.0, false).as_deref(), Some("4     |"));
        for format in ["none", "%d %d", "%", "%q", "%999999999d"] {
            assert_eq!(printf(format, 1.0, false), None);
        }
    }
}
