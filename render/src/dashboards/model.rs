//! What a dashboard holds. Fields that we do not know are kept, so that a newer version's file survives an older one.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Number, Value};

/// A dashboard: rows of panels, with variables and a window of time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Dashboard {
    /// What it is called on the page.
    pub title: String,
    /// A sentence about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// The window's start, in the grammar of `/render`.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The window's end, in the same.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub until: String,
    /// Seconds between two refreshes; 0 for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh: Option<u32>,
    /// What `$name` stands for, in this order.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub variables: Vec<Variable>,
    /// Rows from top to bottom.
    pub rows: Vec<Row>,
    /// What we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A value that the reader of a dashboard chooses.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Variable {
    /// `host` for `$host`.
    pub name: String,
    /// What stands beside its field.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    /// A pattern whose matches give the values; it may use variables defined before.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub query: String,
    /// Which part of a matching name is the value, counted from 0; the last one if left out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub node: Option<i64>,
    /// What of a value counts, as a browser's regular expression `/…/flags` or one for the whole value: the group `value`,
    /// or the first group, or all of it. What it does not find is no value.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub regex: String,
    /// Values in place of a query.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
    /// The value before anything is chosen; empty for the first one.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub default: String,
    /// Whether all values may be chosen at once.
    #[serde(skip_serializing_if = "is_false")]
    pub all: bool,
    /// What we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// Panels beside each other, twelve twelfths wide; further ones go below.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Row {
    /// A heading, or none.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// The variable for each of whose chosen values it is drawn.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repeat: String,
    /// From left to right.
    pub panels: Vec<Panel>,
    /// What we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// One chart, number, table or text.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Panel {
    /// `chart`, `number`, `table` or `text`; the page says so of any other.
    pub kind: String,
    /// What stands above it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// What it shows, for who asks.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Twelfths of the row.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub width: Option<u32>,
    /// Pixels.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub height: Option<u32>,
    /// Of its values, such as `%`, `B/s` or any short text.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// What is asked of `/render`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub targets: Vec<String>,
    /// Graph parameters of `/render`.
    #[serde(skip_serializing_if = "Map::is_empty")]
    pub options: Map<String, Value>,
    /// The start of its window, where it is not the dashboard's.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub from: String,
    /// The end of its window; with a start of its own it is `now` if left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub until: String,
    /// The variable for each of whose chosen values it is drawn.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub repeat: String,
    /// What a number is of its window: `avg`, `min`, `max` or `total`; the last value if left out.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub reduce: String,
    /// Digits after the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
    /// Whether a number has a small chart.
    #[serde(skip_serializing_if = "is_false")]
    pub spark: bool,
    /// From here on a number is a warning; a line across a chart.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn: Option<Number>,
    /// From here on it is an alarm; below `warn`, low numbers are bad.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Number>,
    /// What a table's rows are: the heading of its first column.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub row: String,
    /// Seconds without a value after which a row is silent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub silent: Option<u32>,
    /// Where a row leads; `$row` is its name.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub link: String,
    /// A table's further columns.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub columns: Vec<Column>,
    /// What a chart or number says while it has nothing to show; left out, that there is no data.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub empty: String,
    /// The words of a text; never HTML.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// What we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

/// A column of a table; its series fall into rows by their final names.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Column {
    /// Its heading.
    pub title: String,
    /// What is asked of `/render`.
    pub target: String,
    /// Of its values.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub unit: String,
    /// Whether each cell has a small chart.
    #[serde(skip_serializing_if = "is_false")]
    pub spark: bool,
    /// Digits after the point.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decimals: Option<u32>,
    /// From here on a cell is a warning.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warn: Option<Number>,
    /// From here on it is an alarm.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alarm: Option<Number>,
    /// What we do not know.
    #[serde(flatten)]
    pub other: Map<String, Value>,
}

impl Dashboard {
    /// All panels, row by row.
    pub fn panels(&self) -> impl Iterator<Item = &Panel> {
        self.rows.iter().flat_map(|row| &row.panels)
    }
}

impl Panel {
    /// All targets, those of columns too.
    pub fn every_target(&self) -> impl Iterator<Item = &str> {
        self.targets.iter().map(String::as_str).chain(self.columns.iter().map(|column| column.target.as_str()))
    }
}

fn is_false(value: &bool) -> bool {
    !value
}
