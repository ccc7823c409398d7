//! A series on its way through functions: values with a name, tags, and how it wants to be drawn.

use std::collections::BTreeMap;

/// One line of an answer.
///
/// Times are whole seconds since the epoch, signed, because look-back windows may begin before 1970.
#[derive(Clone, Debug)]
pub struct Series {
    /// What the answer calls it; functions wrap it (`scale(a.b,10)`), aliases replace it.
    pub name: String,
    /// Tags as graphite-web gives them; an untagged series has `name` alone, set from its path at fetch time.
    pub tags: BTreeMap<String, String>,
    /// The expression that the series came from, for functions that name their result after it.
    pub path_expression: String,
    /// Time of the first value.
    pub start: i64,
    /// Where the series ends: the time just after its last value, unless a function says otherwise.
    pub end: i64,
    /// Seconds between neighbouring values, at least 1.
    pub step: i64,
    /// The values in time order, NaN where nothing is known.
    pub values: Vec<f64>,
    /// Whole numbers by nature (`countSeries`, `identity`): `format=raw` prints them without `.0`.
    pub integers: bool,
    /// How neighbouring values are joined when there are too many of them.
    pub consolidation: Consolidation,
    /// How many stored values one of `values` stands for, once consolidated for drawing.
    pub values_per_point: usize,
    /// Share of values that must be known for a consolidated value to be known, 0 to 1.
    pub x_files_factor: f64,
    /// What drawing functions have asked for.
    pub style: Style,
}

/// Reduces a run of values to one; the names are those of `consolidateBy`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Consolidation {
    /// Mean of the known values.
    #[default]
    Average,
    /// Sum of the known values.
    Sum,
    /// Smallest known value.
    Min,
    /// Largest known value.
    Max,
    /// First known value.
    First,
    /// Last known value.
    Last,
    /// Sum of the known values over the count of all.
    AverageZero,
    /// A name that is no method; the reference accepts it until consolidation happens.
    Unknown(String),
}

/// Marks set by functions such as `color`, `dashed`, `secondYAxis`; they change pictures, never numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Style {
    /// Colour as written in the target: a name or `rrggbb[aa]`, with or without `#`.
    pub color: Option<String>,
    /// Opacity, 0 to 1.
    pub alpha: Option<f64>,
    /// Line width in pixels.
    pub line_width: Option<f64>,
    /// Dash length in pixels.
    pub dashed: Option<f64>,
    /// Drawn against the right axis.
    pub second_y_axis: bool,
    /// Every non-zero value is a line from top to bottom.
    pub draw_as_infinite: bool,
    /// Filled down to the axis or to the series below.
    pub stacked: bool,
    /// Which stack it belongs to; `__DEFAULT__` when the target names none.
    pub stack_name: Option<String>,
    /// What drawing functions wrapped around the name, so that the legend can show the bare one.
    pub legend_name: Option<String>,
}
