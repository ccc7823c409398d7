//! The functions of the query language, one file a group, and the one table that evaluation, argument coercion,
//! planning and `/functions` read.

mod args;
mod literals;
mod param;
mod pattern;
pub(crate) mod reduce;
mod tags;

mod alias;
mod calculate;
mod combine;
mod filter_data;
mod filter_series;
mod graph;
mod holt_winters;
mod moving;
mod shift;
mod sort;
mod special;
mod summarize;
mod transform;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use args::Args;
pub(crate) use literals::Literals;
pub use param::{Default, Param, Type};
pub(crate) use tags::parse as parse_tags;

use crate::eval::Request;
use crate::eval::evaluator::{Context, Stop};
use crate::eval::value::Value;
use crate::series::Series;

/// A function of the query language.
pub struct Function {
    /// The name that the manual uses.
    pub name: &'static str,
    /// Further names of the same function.
    pub aliases: &'static [&'static str],
    /// Its chapter in the manual.
    pub group: Group,
    /// What it takes, in order; the last may repeat.
    pub params: &'static [Param],
    /// Whether it makes one series of a list and may stand as a callback of `groupByNode` and its like.
    pub aggregates: bool,
    /// What it does, in one sentence.
    pub description: &'static str,
    pub(crate) body: Body,
    pub(crate) look_back: Option<LookBack>,
}

/// Windows over which a function evaluates its first argument again, as far as its literal arguments tell.
pub(crate) type LookBack = fn(&Literals<'_>, Context, &Request) -> Vec<Context>;

/// What a function's code gives.
pub(crate) type Outcome = Result<Vec<Series>, Stop>;

/// A function's code.
#[derive(Clone, Copy)]
pub(crate) enum Body {
    /// Gives a list of series.
    List(fn(&mut Args<'_, '_>) -> Outcome),
    /// Gives lists for `reduceSeries`.
    Lists(fn(&mut Args<'_, '_>) -> Result<Vec<Vec<Series>>, Stop>),
}

impl Body {
    pub(crate) fn call(self, args: &mut Args<'_, '_>) -> Result<Value, Stop> {
        match self {
            Body::List(code) => code(args).map(Value::List),
            Body::Lists(code) => code(args).map(Value::Lists),
        }
    }
}

/// A chapter of the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Group {
    /// Many series into fewer.
    Combine,
    /// Each series into another.
    Transform,
    /// Statistics and forecasts over time.
    Calculate,
    /// Some of the series.
    FilterSeries,
    /// Some of the values.
    FilterData,
    /// Order.
    Sorting,
    /// Names.
    Alias,
    /// Looks.
    Graph,
    /// The rest.
    Special,
}

impl Group {
    /// As `/functions` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Combine => "Combine",
            Group::Transform => "Transform",
            Group::Calculate => "Calculate",
            Group::FilterSeries => "Filter Series",
            Group::FilterData => "Filter Data",
            Group::Sorting => "Sorting",
            Group::Alias => "Alias",
            Group::Graph => "Graph",
            Group::Special => "Special",
        }
    }
}

impl Function {
    const fn new(
        name: &'static str,
        group: Group,
        params: &'static [Param],
        body: Body,
        says: &'static str,
    ) -> Function {
        let (aliases, aggregates, look_back) = (&[], false, None);
        Function { name, aliases, group, params, aggregates, description: says, body, look_back }
    }

    const fn also(mut self, aliases: &'static [&'static str]) -> Function {
        self.aliases = aliases;
        self
    }

    const fn aggregates(mut self) -> Function {
        self.aggregates = true;
        self
    }

    const fn looks_back(mut self, windows: LookBack) -> Function {
        self.look_back = Some(windows);
        self
    }
}

/// All functions, by group.
static TABLE: [&[Function]; 13] = [
    combine::FUNCTIONS,
    transform::FUNCTIONS,
    summarize::FUNCTIONS,
    shift::FUNCTIONS,
    calculate::FUNCTIONS,
    moving::FUNCTIONS,
    holt_winters::FUNCTIONS,
    filter_series::FUNCTIONS,
    filter_data::FUNCTIONS,
    sort::FUNCTIONS,
    alias::FUNCTIONS,
    graph::FUNCTIONS,
    special::FUNCTIONS,
];

/// Every function, group by group.
pub fn all() -> impl Iterator<Item = &'static Function> {
    TABLE.iter().copied().flatten()
}

/// The function called `name`, also by an alias.
pub fn find(name: &str) -> Option<&'static Function> {
    static BY_NAME: LazyLock<HashMap<&'static str, &'static Function>> = LazyLock::new(|| {
        let names =
            |f: &'static Function| std::iter::once(f.name).chain(f.aliases.iter().copied()).map(move |n| (n, f));
        all().flat_map(names).collect()
    });
    BY_NAME.get(name).copied()
}

/// The known name that is most like `name`, if any is.
pub fn nearest(name: &str) -> Option<&'static str> {
    const LONGEST: usize = 60;
    if name.len() > LONGEST {
        return None;
    }
    let written = name.to_ascii_lowercase();
    let names = all().flat_map(|f| std::iter::once(f.name).chain(f.aliases.iter().copied()));
    let measured = names.map(|known| (distance(&written, &known.to_ascii_lowercase()), known));
    let (distance, known) = measured.min_by_key(|(distance, _)| *distance)?;
    (distance <= name.len().div_ceil(3)).then_some(known)
}

/// Letters to change, add or drop to get from one name to the other.
fn distance(a: &str, b: &str) -> usize {
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.bytes().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.bytes().enumerate() {
            let above = row[j + 1];
            row[j + 1] = if x == y { diagonal } else { 1 + diagonal.min(above).min(row[j]) };
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests;
