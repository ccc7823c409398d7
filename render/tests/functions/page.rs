//! The reference page `render/FUNCTIONS.md`, made from the one table of functions.

use std::fmt::Write;

use render::eval::Request;
use render::functions::{Default, Function, Group, Param, all};

use crate::answer;
use crate::table::{NOW, Table};

const GROUPS: [Group; 9] = [
    Group::Combine,
    Group::Transform,
    Group::Calculate,
    Group::FilterSeries,
    Group::FilterData,
    Group::Sorting,
    Group::Alias,
    Group::Graph,
    Group::Special,
];

const HEAD: &str = "\
# Functions

Made from the table in `src/functions` that evaluation and `/functions` read; `UPDATE_GOLDEN=1 cargo test -p render \
page` writes it anew.
In a signature `?` marks what may be left out, `=` what it is then, `...` what may be given several times. Where a \
value is one of few, they stand below.

`aggFunc` is one of {aggregations}; `aggOrSeriesFunc` may also be a function that makes one series of a list. \
`interval` is a length of time such as `5min`, `intOrInterval` that or a number of points, `intOrInf` a number of \
points or `inf`, `date` a time as in `from`, `node` a position in the name, from 0 and from the end if negative, \
`nodeOrTag` that or the name of a tag. Texts stand in quotes.
";

/// Names of reducers, each tried by the test below.
const AGGREGATIONS: [&str; 16] = [
    "average", "avg", "avg_zero", "count", "current", "diff", "last", "max", "median", "min", "multiply", "range",
    "rangeOf", "stddev", "sum", "total",
];

/// A parameter as a signature shows it: `factor: float`, `func: aggFunc = \"average\"`, `nodes: nodeOrTag...`.
fn shown(param: &Param) -> String {
    let dots = if param.multiple { "..." } else { "" };
    let default = match param.default {
        _ if param.required => String::new(),
        Default::None => return format!("{}?: {}{dots}", param.name, param.kind.name()),
        Default::Integer(value) => format!(" = {value}"),
        Default::Float(value) => format!(" = {value}"),
        Default::Text(value) => format!(" = {value:?}"),
        Default::Boolean(value) => format!(" = {value}"),
    };
    format!("{}: {}{dots}{default}", param.name, param.kind.name())
}

fn entry(page: &mut String, function: &Function) -> std::fmt::Result {
    let params: Vec<String> = function.params.iter().map(shown).collect();
    write!(page, "\n### {}\n\n`{}({})`\n\n{}", function.name, function.name, params.join(", "), function.description)?;
    if !function.aliases.is_empty() {
        write!(page, " Also called {}.", quoted(function.aliases))?;
    }
    writeln!(page)?;
    for param in function.params.iter().filter(|param| !param.options.is_empty()) {
        writeln!(page, "\n- `{}`: {}", param.name, quoted(param.options))?;
    }
    Ok(())
}

fn quoted(words: &[&str]) -> String {
    words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
}

fn page() -> Result<String, std::fmt::Error> {
    let mut page = HEAD.replace("{aggregations}", &quoted(&AGGREGATIONS));
    for group in GROUPS {
        write!(page, "\n## {}\n", group.name())?;
        let mut functions: Vec<&Function> = all().filter(|function| function.group == group).collect();
        functions.sort_by_key(|function| function.name.to_lowercase());
        for function in functions {
            entry(&mut page, function)?;
        }
    }
    Ok(page)
}

#[tokio::test]
async fn the_reducers_of_the_page_are_those_that_work() {
    let (mut table, request) = (Table::default(), Request::new(NOW - 60, NOW, NOW));
    table.load("a.x", 10, vec![1.0; 6]);
    for name in AGGREGATIONS {
        let found = answer(&table, &[&format!("aggregate(a.x,'{name}')")], &request).await;
        assert!(found.is_ok(), "{name}");
    }
    let refused = answer(&table, &["aggregate(a.x,'nosuch')"], &request).await.unwrap_err().to_string();
    assert!(AGGREGATIONS.iter().all(|name| refused.contains(name)), "{refused}");
}

#[test]
fn the_reference_page_says_what_the_table_says() {
    let (made, path) = (page().unwrap(), concat!(env!("CARGO_MANIFEST_DIR"), "/FUNCTIONS.md"));
    for function in all() {
        assert!(made.contains(&format!("\n### {}\n", function.name)), "{} is in no group", function.name);
    }
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(path, &made).unwrap();
    }
    assert!(std::fs::read_to_string(path).is_ok_and(|kept| kept == made), "FUNCTIONS.md is stale; UPDATE_GOLDEN=1");
}
