//! Walks a target's tree over data that has been read, and calls the functions it names.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::data::{Data, Span};
use super::value::Value;
use super::{EvalError, Request, plan};
use crate::functions::{self, Args};
use crate::series::Series;
use crate::target::tree::Literal;
use crate::target::{Call, Expression, Node, Number, Place, Target, Template};

/// Deepest nesting of calls when functions evaluate expressions that they made themselves.
const DEEPEST: usize = 100;

/// The window and the default that hold for a part of a target; look-back functions evaluate parts under another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) x_files_factor: f64,
}

impl Context {
    pub(crate) fn of(request: &Request) -> Context {
        Context { from: request.from, until: request.until, x_files_factor: request.x_files_factor }
    }

    /// Begins `secs` earlier.
    pub(crate) fn earlier(self, secs: i64) -> Context {
        Context { from: self.from.saturating_sub(secs), ..self }
    }

    /// Lies `secs` later, or earlier if negative.
    pub(crate) fn shifted(self, secs: i64) -> Context {
        Context { from: self.from.saturating_add(secs), until: self.until.saturating_add(secs), ..self }
    }
}

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

/// Values for the `$1` and `$name` in paths, in the order in which they are put in.
pub(crate) struct Replacements(Vec<(String, Literal)>);

impl Replacements {
    pub(crate) fn new(template: &Template, request: &[(String, String)]) -> Replacements {
        let mut values = template.values.clone();
        for (name, text) in request {
            let value = Literal::Text(text.clone());
            match values.iter_mut().find(|(known, _)| known == name) {
                Some((_, known)) => *known = value,
                None => values.push((name.clone(), value)),
            }
        }
        Replacements(values)
    }

    /// The path with all values put in.
    pub(crate) fn path(&self, path: &str) -> String {
        self.0.iter().fold(path.to_owned(), |path, (name, value)| match value {
            Literal::Number(number) => path.replace(&format!("${name}"), &number.to_string()),
            Literal::Text(text) => path.replace(&format!("${name}"), text),
        })
    }

    /// What a path that is nothing but `$name` stands for: a number if it looks like one, else a text.
    fn whole(&self, path: &str) -> Option<Value> {
        let name = path.strip_prefix('$')?;
        let (_, value) = self.0.iter().find(|(known, _)| known == name)?;
        Some(match value {
            Literal::Number(number) => Value::Number(*number),
            Literal::Text(text) => match number_like(text) {
                Some(number) => Value::Number(Number::Float(number)),
                None => Value::Text(text.clone()),
            },
        })
    }
}

fn number_like(text: &str) -> Option<f64> {
    let digits = text.strip_prefix('-').unwrap_or(text);
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if plain { text.parse().ok() } else { None }
}

/// What a round over all targets came to.
pub(super) enum Round {
    Done(Vec<Series>),
    Missing(BTreeSet<(String, Span)>),
}

/// The targets of a request on their way through the rounds.
pub(super) struct Run {
    targets: Vec<Target>,
    request: Request,
    positional: HashSet<String>,
    done: Vec<Option<Vec<Series>>>,
    calls: usize,
}

impl Run {
    pub(super) fn new(targets: &[Target], request: &Request, positional: HashSet<String>) -> Run {
        let done = targets.iter().map(|_| None).collect();
        Run { targets: targets.to_vec(), request: request.clone(), positional, done, calls: 0 }
    }

    /// Evaluates what is not done. A target that shares state with others (`stacked`) counts as done only with all.
    pub(super) fn round(&mut self, data: &Data, stop: &AtomicBool) -> Result<Round, EvalError> {
        let mut evaluator = Evaluator {
            request: &self.request,
            data,
            stop,
            text: Arc::from(""),
            positional: &mut self.positional,
            missing: BTreeSet::new(),
            stacks: HashMap::new(),
            calls: self.calls,
            depth: 0,
            in_keyword: 0,
        };
        for (target, done) in self.targets.iter().zip(&mut self.done).filter(|(_, done)| done.is_none()) {
            match evaluator.target(target, Context::of(&self.request)) {
                Ok(series) => *done = Some(series),
                Err(Stop::Missing) => {}
                Err(Stop::Fault(error)) => return Err(*error),
            }
        }
        self.calls = evaluator.calls;
        let Evaluator { missing, .. } = evaluator;
        if missing.is_empty() {
            return Ok(Round::Done(self.done.iter_mut().filter_map(Option::take).flatten().collect()));
        }
        for (target, done) in self.targets.iter().zip(&mut self.done) {
            if target.text().contains("stacked") {
                *done = None;
            }
        }
        Ok(Round::Missing(missing))
    }
}

/// One round's state.
pub(crate) struct Evaluator<'r> {
    pub(crate) request: &'r Request,
    data: &'r Data,
    stop: &'r AtomicBool,
    /// The expression that is being evaluated, for the places in errors.
    text: Arc<str>,
    /// Patterns that stand in positional arguments.
    positional: &'r mut HashSet<String>,
    missing: BTreeSet<(String, Span)>,
    /// Running totals of `stacked`, by stack name.
    pub(crate) stacks: HashMap<String, Vec<f64>>,
    calls: usize,
    depth: usize,
    in_keyword: usize,
}

impl Evaluator<'_> {
    fn target(&mut self, target: &Target, mut context: Context) -> Result<Vec<Series>, Stop> {
        let outer = std::mem::replace(&mut self.text, target.text().clone());
        let value = self.node(target.root(), &mut context, None)?;
        let series = match value {
            Value::List(series) => series,
            Value::Lists(_) => {
                return Err(self.refuse("mapSeries", "it gives lists for reduceSeries() and stands only inside it", 0));
            }
            other => return Err(self.refuse("target", &format!("expected series, found {}", other.describe()), 0)),
        };
        self.text = outer;
        Ok(series)
    }

    /// Evaluates an expression that a function has made from its arguments.
    pub(crate) fn expression(&mut self, text: &str, context: Context) -> Result<Vec<Series>, Stop> {
        let target = Target::parse(text).map_err(EvalError::from)?;
        let needs = plan::needs(std::slice::from_ref(&target), self.request)?;
        self.positional.extend(needs.patterns());
        self.target(&target, context)
    }

    pub(crate) fn node(
        &mut self,
        node: &Node,
        context: &mut Context,
        replacements: Option<&Replacements>,
    ) -> Result<Value, Stop> {
        match &node.expression {
            Expression::Path(path) => self.path(path, context, replacements),
            Expression::Call(call) => self.call(node.position, call, context, replacements),
            Expression::Template(template) => {
                let values = Replacements::new(template, &self.request.template);
                self.node(&template.body, context, Some(&values))
            }
            Expression::Number(number) => Ok(Value::Number(*number)),
            Expression::Text(text) => Ok(Value::Text(text.clone())),
            Expression::Boolean(value) => Ok(Value::Boolean(*value)),
            Expression::None => Ok(Value::None),
        }
    }

    /// Copies the series that were read for a path, so that functions can change them in place.
    fn path(&mut self, path: &str, context: &Context, replacements: Option<&Replacements>) -> Result<Value, Stop> {
        if let Some(value) = replacements.and_then(|values| values.whole(path)) {
            return Ok(value);
        }
        let path = replacements.map_or_else(|| path.to_owned(), |values| values.path(path));
        if self.in_keyword > 0 && !self.positional.contains(&path) {
            return Ok(Value::List(Vec::new()));
        }
        let span = Span { from: context.from, until: context.until };
        let Some(found) = self.data.get(&path, span) else {
            self.missing.insert((path, span));
            return Err(Stop::Missing);
        };
        Ok(Value::List(found.map(|stored| Series::fetched(&path, stored, context.x_files_factor)).collect()))
    }

    fn call(
        &mut self,
        position: usize,
        call: &Call,
        context: &mut Context,
        replacements: Option<&Replacements>,
    ) -> Result<Value, Stop> {
        self.enter()?;
        let function = functions::find(&call.name).ok_or_else(|| EvalError::UnknownFunction {
            name: call.name.clone(),
            suggestion: functions::nearest(&call.name),
            place: self.place(position),
        })?;
        let mut missing = false;
        let mut values = Vec::with_capacity(call.args.len());
        for arg in &call.args {
            match self.node(arg, context, replacements) {
                Ok(value) => values.push(value),
                Err(Stop::Missing) => missing = true,
                Err(fault) => return Err(fault),
            }
        }
        let mut keywords = Vec::with_capacity(call.keywords.len());
        self.in_keyword += 1;
        for (name, node) in &call.keywords {
            match self.node(node, context, replacements) {
                Ok(value) => keywords.push((name.as_str(), value)),
                Err(Stop::Missing) => missing = true,
                Err(fault) => return Err(fault),
            }
        }
        self.in_keyword -= 1;
        if missing {
            self.depth -= 1;
            return Err(Stop::Missing);
        }
        let mut args = Args::new(function, position, Some(call), values, keywords, self, context, replacements)?;
        let result = function.body.call(&mut args);
        self.depth -= 1;
        if let Ok(Value::List(series)) = &result {
            EvalError::limit("points", self.request.limits.points, series.iter().map(|s| s.values.len()).sum())?;
            EvalError::limit("series", self.request.limits.series, series.len())?;
        }
        result
    }

    fn enter(&mut self) -> Result<(), EvalError> {
        if self.stop.load(Ordering::Relaxed) {
            return Err(EvalError::WorkerLost);
        }
        self.calls += 1;
        self.depth += 1;
        EvalError::limit("calls", self.request.limits.calls, self.calls)?;
        EvalError::limit("nested calls", DEEPEST, self.depth)
    }

    pub(crate) fn place(&self, position: usize) -> Place {
        Place { target: self.text.clone(), position }
    }

    fn refuse(&self, function: &str, reason: &str, position: usize) -> Stop {
        let place = self.place(position);
        EvalError::Refused { function: function.to_owned(), reason: reason.to_owned(), place }.into()
    }
}
