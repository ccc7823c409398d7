//! The way from a function back to the evaluation: other windows, other expressions, and what may be spent.

use super::{Args, Outcome};
use crate::query::{Context, EvalError, Pulse, Stop, Value};
use crate::series::{Series, Times};

impl<'r> Args<'_, 'r> {
    /// The first argument evaluated again, over another window.
    pub(in crate::functions) fn again(&mut self, mut context: Context) -> Outcome {
        context.again = true;
        let Some(first) = self.call.and_then(|call| call.args.first()) else {
            return Err(self.refuse("it looks back and cannot be used as a callback"));
        };
        if context.from > context.until {
            let (from, until) = (context.from, context.until);
            return Err(self.refuse(&format!("it would read from {from}, which is later than its end at {until}")));
        }
        match self.evaluator.node(first, &mut context, self.replacements)? {
            Value::List(series) => Ok(series),
            other => Err(self.wrong("seriesList", "a series list", &other.describe())),
        }
    }

    /// The first argument over several windows; all are noted before one that is missing stops us.
    pub(in crate::functions) fn again_over(&mut self, contexts: &[Context]) -> Result<Vec<Vec<Series>>, Stop> {
        let mut missing = false;
        let mut lists = Vec::with_capacity(contexts.len());
        for context in contexts {
            match self.again(*context) {
                Ok(series) => lists.push(series),
                Err(Stop::Missing) => missing = true,
                Err(fault) => return Err(fault),
            }
        }
        if missing { Err(Stop::Missing) } else { Ok(lists) }
    }

    /// An expression made by the function.
    pub(in crate::functions) fn evaluate(&mut self, expression: &str) -> Outcome {
        self.evaluator.expression(expression, *self.context)
    }

    /// When events with all of `tags` happened within the window, or all events: seconds since the epoch.
    pub(in crate::functions) fn events(&mut self, tags: Option<Vec<String>>) -> Result<Vec<i64>, Stop> {
        self.evaluator.events(tags, self.context)
    }

    /// Whether there is a function called `name`.
    pub(in crate::functions) fn knows(&self, name: &str) -> bool {
        self.evaluator.knows(name)
    }

    /// Another function, called with lists of series alone.
    pub(in crate::functions) fn invoke(&mut self, name: &str, lists: Vec<Vec<Series>>) -> Outcome {
        match self.evaluator.invoke(name, lists, self.position, self.context)? {
            Value::List(series) => Ok(series),
            _ => Err(self.refuse(&format!("{name} gives no series"))),
        }
    }

    /// Refuses windows that look at so many values, each many times, that a thread would be busy for minutes.
    pub(in crate::functions) fn check_work(&self, values: usize) -> Result<(), Stop> {
        const MOST: usize = 4_000_000_000;
        self.pulse().check()?;
        Ok(EvalError::limit("values in the moving windows of one series", MOST, values)?)
    }

    /// Refuses to make more values than a request may hold.
    pub(in crate::functions) fn check_points(&mut self, times: Times) -> Result<(), Stop> {
        self.pulse().check()?;
        let points = (times.end.saturating_sub(times.start) / times.step.max(1)).max(0);
        let points = usize::try_from(points).unwrap_or(usize::MAX);
        EvalError::limit("points", self.request().limits.points, points)?;
        self.evaluator.spend(points)
    }

    /// Counts bytes of names that are about to be made.
    pub(in crate::functions) fn announce(&mut self, bytes: usize) -> Result<(), Stop> {
        self.evaluator.spend(bytes / size_of::<f64>())
    }

    /// Tells whether anybody still waits for the result.
    pub(in crate::functions) fn pulse(&self) -> Pulse<'r> {
        self.evaluator.pulse()
    }
}
