//! What the table of functions says about one of them.

use super::args::{Args, Outcome};
use super::literals::Literals;
use super::param::{Param, Signature};
use crate::query::{Context, Request, Stop, Value};
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
    /// Its name and parameters alone, as [`Args`] and [`Literals`] want them.
    pub(crate) const fn signature(&self) -> Signature {
        Signature { name: self.name, params: self.params }
    }

    pub(super) const fn new(
        name: &'static str,
        group: Group,
        params: &'static [Param],
        body: Body,
        says: &'static str,
    ) -> Function {
        let (aliases, aggregates, look_back) = (&[], false, None);
        Function { name, aliases, group, params, aggregates, description: says, body, look_back }
    }

    pub(super) const fn also(mut self, aliases: &'static [&'static str]) -> Function {
        self.aliases = aliases;
        self
    }

    pub(super) const fn aggregates(mut self) -> Function {
        self.aggregates = true;
        self
    }

    pub(super) const fn looks_back(mut self, windows: LookBack) -> Function {
        self.look_back = Some(windows);
        self
    }
}
