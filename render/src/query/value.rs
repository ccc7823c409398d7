//! What an argument can be once it is evaluated.

use crate::series::Series;
use crate::target::Number;

/// An evaluated part of an expression.
#[derive(Clone, Debug)]
pub(crate) enum Value {
    /// What paths and nearly all functions give.
    List(Vec<Series>),
    /// What `mapSeries` gives.
    Lists(Vec<Vec<Series>>),
    Number(Number),
    Text(String),
    Boolean(bool),
    None,
}

impl Value {
    /// The series of all its lists.
    pub(crate) fn series(&self) -> impl Iterator<Item = &Series> {
        let lists = match self {
            Value::List(series) => std::slice::from_ref(series),
            Value::Lists(lists) => lists,
            _ => &[],
        };
        lists.iter().flatten()
    }

    /// Memory that its series share with nobody.
    pub(crate) fn own_bytes(&self) -> usize {
        self.series().map(Series::own_bytes).sum()
    }

    /// For messages: `the number 3`, `a list of 2 series`.
    pub(crate) fn describe(&self) -> String {
        match self {
            Value::List(series) => format!("a list of {} series", series.len()),
            Value::Lists(lists) => format!("{} lists of series", lists.len()),
            Value::Number(number) => format!("the number {number}"),
            Value::Text(text) => format!("the text `{}`", text.chars().take(60).collect::<String>()),
            Value::Boolean(value) => value.to_string(),
            Value::None => "none".to_owned(),
        }
    }
}
