//! A series on its way through functions: values with a name, tags, and how it wants to be drawn.

mod values;

use carbon_line::MetricName;

use crate::tags::{self, SeriesTags};

pub use values::Values;

/// Longest name that functions may make, in bytes: sums over thousands of series name them all.
pub(crate) const LONGEST_NAME: usize = 4 << 20;

/// One line of an answer.
///
/// Times are whole seconds since the epoch, signed, because look-back windows may begin before 1970.
#[derive(Clone, Debug)]
pub struct Series {
    /// What the answer calls it; functions wrap it (`scale(a.b,10)`), aliases replace it.
    pub name: String,
    /// Tags as graphite-web gives them; an untagged series has `name` alone, set from its path at fetch time.
    pub tags: SeriesTags,
    /// The expression that the series came from, for functions that name their result after it.
    pub path_expression: String,
    /// Time of the first value.
    pub start: i64,
    /// Where the series ends: the time just after its last value, unless a function says otherwise.
    pub end: i64,
    /// Seconds between neighbouring values, at least 1.
    pub step: i64,
    /// The values in time order, NaN where nothing is known.
    pub values: Values,
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
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
    /// As `Average`, called by its short name, which `pickle` and `msgpack` tell.
    Avg,
}

impl Consolidation {
    /// As `consolidateBy` calls it.
    pub fn name(self) -> &'static str {
        match self {
            Consolidation::Average => "average",
            Consolidation::Avg => "avg",
            Consolidation::Sum => "sum",
            Consolidation::Min => "min",
            Consolidation::Max => "max",
            Consolidation::First => "first",
            Consolidation::Last => "last",
            Consolidation::AverageZero => "avg_zero",
        }
    }
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
    /// Counted by the stack but not drawn: the lower edge of a band.
    pub invisible: bool,
    /// Filled down to the axis or to the series below.
    pub stacked: bool,
    /// Which stack it belongs to; `__DEFAULT__` when the target names none.
    pub stack_name: Option<String>,
}

/// Values as a store gave them.
#[derive(Clone, Debug)]
pub(crate) struct Stored {
    pub(crate) name: MetricName,
    pub(crate) times: Times,
    pub(crate) values: Values,
}

impl From<carbon_storage::Series> for Stored {
    fn from(series: carbon_storage::Series) -> Stored {
        let (start, step) = (series.start.as_i64(), series.step.as_i64());
        let times = Times { start, end: start + step * series.values.len() as i64, step };
        Stored { name: series.name, times, values: series.values.into() }
    }
}

impl Series {
    /// What storage holds, found by `path_expression`; the values are shared with `stored`.
    pub(crate) fn fetched(path_expression: &str, stored: &Stored, x_files_factor: f64) -> Series {
        Series {
            tags: tags::parse(&stored.name),
            name: stored.name.to_string(),
            path_expression: path_expression.to_owned(),
            start: stored.times.start,
            end: stored.times.end,
            step: stored.times.step,
            values: stored.values.clone(),
            integers: false,
            consolidation: Consolidation::Average,
            values_per_point: 1,
            x_files_factor,
            style: Style::default(),
        }
    }

    /// A series that a function makes: its tags and its path expression come from its name.
    pub(crate) fn made(name: String, times: Times, values: impl Into<Values>, x_files_factor: f64) -> Series {
        Series {
            tags: tags::parse(&name),
            path_expression: name.clone(),
            name,
            start: times.start,
            end: times.end,
            step: times.step,
            values: values.into(),
            integers: false,
            consolidation: Consolidation::Average,
            values_per_point: 1,
            x_files_factor,
            style: Style::default(),
        }
    }

    /// Gives the series a new name that is also its path expression, as most functions do.
    pub(crate) fn rename(&mut self, name: String) {
        self.path_expression.clone_from(&name);
        self.name = name;
    }

    /// As [`Series::rename`], for functions that build a new series in graphite-web: what drawing functions asked for
    /// is forgotten.
    pub(crate) fn renew(&mut self, name: String) {
        self.rename(name);
        self.style = Style::default();
    }

    /// Sets a tag; tags are texts.
    pub(crate) fn tag(&mut self, key: &str, value: impl ToString) {
        self.tags.insert(key, value.to_string());
    }

    /// Where the series lies in time.
    /// Memory that nobody else holds: its names, and its values if it does not share them.
    pub(crate) fn own_bytes(&self) -> usize {
        self.name.len() + self.path_expression.len() + self.tags.bytes() + self.values.own_bytes()
    }

    pub(crate) fn times(&self) -> Times {
        Times { start: self.start, end: self.end, step: self.step }
    }

    /// Changes every known value in place.
    pub(crate) fn map(&mut self, change: impl Fn(f64) -> f64) {
        self.integers = false;
        for value in &mut self.values {
            // A gap is NaN and stays NaN through arithmetic, so the loop needs no branch.
            *value = change(*value);
        }
    }
}

/// Where values lie in time: the first at `start`, then each `step` seconds; `end` is the time after the last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Times {
    pub(crate) start: i64,
    pub(crate) end: i64,
    pub(crate) step: i64,
}
