//! The functions of the query language, one file a group, and the one table that evaluation, argument coercion,
//! planning and `/functions` read.

mod args;
mod function;
mod idle;
mod literals;
mod param;
mod pattern;
pub(crate) mod reduce;
mod server_clock;

mod alias;
mod calculate;
mod combine;
mod filter_data;
mod filter_series;
mod graph;
mod holt_winters;
mod moving;
mod slide;
mod shift;
mod sort;
mod special;
mod summarize;
mod transform;

use std::collections::HashMap;
use std::sync::LazyLock;

pub(crate) use args::Args;
pub use function::{Function, Group};
pub(crate) use literals::Literals;
pub use param::{Default, Param, Type};
pub(crate) use pattern::{compile as compile_pattern, replace as replace_all};

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
