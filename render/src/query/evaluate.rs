//! How functions ask for parts of a target to be evaluated, without knowing who evaluates.

use super::context::Context;
use super::error::EvalError;
use super::pulse::Pulse;
use super::replacements::Replacements;
use super::request::Request;
use super::value::Value;
use crate::series::Series;
use crate::target::{Node, Place};

/// Why an evaluation did not come to its end.
pub(crate) enum Stop {
    /// Data is needed that was not read yet; it has been noted.
    Missing,
    Fault(Box<EvalError>),
}

impl From<EvalError> for Stop {
    fn from(error: EvalError) -> Stop {
        Stop::Fault(Box::new(error))
    }
}

/// An evaluation under way, as a function's arguments see it.
pub(crate) trait Evaluate<'r> {
    /// What holds for all targets.
    fn request(&self) -> &'r Request;

    /// Tells whether anybody still waits.
    fn pulse(&self) -> Pulse<'r>;

    /// Counts values that a function is about to make, over all targets.
    ///
    /// # Errors
    /// When they are more than the request may make.
    fn spend(&mut self, points: usize) -> Result<(), Stop>;

    /// Evaluates a part of a target over a window.
    fn node(&mut self, node: &Node, context: &mut Context, replacements: Option<&Replacements>) -> Result<Value, Stop>;

    /// Evaluates an expression that a function has made from its arguments.
    fn expression(&mut self, text: &str, context: Context) -> Result<Vec<Series>, Stop>;

    /// Whether there is a function called `name`.
    fn knows(&self, name: &str) -> bool;

    /// Calls the function called `name` with lists of series alone, for the call at `position`.
    fn invoke(
        &mut self,
        name: &str,
        lists: Vec<Vec<Series>>,
        position: usize,
        context: &mut Context,
    ) -> Result<Value, Stop>;

    /// When the events with all of these tags happened, or all events, within the window: seconds since the epoch, in
    /// time order.
    fn events(&mut self, tags: Option<Vec<String>>, context: &Context) -> Result<Vec<i64>, Stop>;

    /// The running totals of the stack called `name`.
    fn stack(&mut self, name: &str) -> &mut Vec<f64>;

    /// A position in the expression that is being evaluated, for errors.
    fn place(&self, position: usize) -> Place;
}
