//! What a function takes.

use crate::query::Value;

/// Whether a value is refused even if there is no series to use it on.
pub(super) type Check = fn(&Value) -> bool;

/// What a function is called and what it takes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Signature {
    pub(super) name: &'static str,
    pub(super) params: &'static [Param],
}

/// One parameter, as the manual and `/functions` show it.
#[derive(Clone, Copy, Debug)]
pub struct Param {
    /// Its name; arguments may be given by it.
    pub name: &'static str,
    /// Its type.
    pub kind: Type,
    /// Whether it has to be given.
    pub required: bool,
    /// What it is when it is not given.
    pub default: Default,
    /// Whether all further arguments are its values; only the last parameter can.
    pub multiple: bool,
    /// The only values it takes; none means any.
    pub options: &'static [&'static str],
    /// Values that an editor may offer.
    pub suggestions: &'static [&'static str],
    /// Whether graphite-web refuses a value before it looks for series; without it, whatever stands there is no mistake as
    /// long as there are none.
    pub(super) at_once: Option<Check>,
}

/// The types of the manual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are the manual's")]
pub enum Type {
    SeriesList,
    SeriesLists,
    Float,
    Integer,
    Text,
    Boolean,
    Interval,
    IntOrInterval,
    IntOrInf,
    Date,
    Node,
    NodeOrTag,
    Tag,
    AggFunc,
    AggOrSeriesFunc,
    Any,
}

impl Type {
    /// As `/functions` spells it.
    pub const fn name(self) -> &'static str {
        match self {
            Type::SeriesList => "seriesList",
            Type::SeriesLists => "seriesLists",
            Type::Float => "float",
            Type::Integer => "integer",
            Type::Text => "string",
            Type::Boolean => "boolean",
            Type::Interval => "interval",
            Type::IntOrInterval => "intOrInterval",
            Type::IntOrInf => "intOrInf",
            Type::Date => "date",
            Type::Node => "node",
            Type::NodeOrTag => "nodeOrTag",
            Type::Tag => "tag",
            Type::AggFunc => "aggFunc",
            Type::AggOrSeriesFunc => "aggOrSeriesFunc",
            Type::Any => "any",
        }
    }
}

/// A parameter's value when it is not given.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Default {
    /// There is none.
    None,
    /// A whole number.
    Integer(i64),
    /// A number with a fraction, or infinity.
    Float(f64),
    /// A text.
    Text(&'static str),
    /// A truth value.
    Boolean(bool),
}

/// A parameter that has to be given.
pub(super) const fn required(name: &'static str, kind: Type) -> Param {
    Param { required: true, ..optional(name, kind) }
}

/// A parameter that may be left out.
pub(super) const fn optional(name: &'static str, kind: Type) -> Param {
    let default = Default::None;
    Param { name, kind, required: false, default, multiple: false, options: &[], suggestions: &[], at_once: None }
}

/// The series that most functions work on.
pub(super) const SERIES: Param = required("seriesList", Type::SeriesList);

/// Any number of lists.
pub(super) const LISTS: Param = required("seriesLists", Type::SeriesList).many();

impl Param {
    pub(super) const fn or(mut self, default: Default) -> Param {
        self.default = default;
        self
    }

    pub(super) const fn many(mut self) -> Param {
        self.multiple = true;
        self
    }

    pub(super) const fn of(mut self, options: &'static [&'static str]) -> Param {
        self.options = options;
        self
    }

    pub(super) const fn at_once(mut self, refuses: Check) -> Param {
        self.at_once = Some(refuses);
        self
    }

    pub(super) const fn such_as(mut self, suggestions: &'static [&'static str]) -> Param {
        self.suggestions = suggestions;
        self
    }
}
