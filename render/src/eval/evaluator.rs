//! Walks a target's tree over data that has been read, and calls the functions it names.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::data::{Data, Span};
use super::plan;
use super::tagged;
use super::wanted::Wanted;
use crate::functions::{self, Args, Function};
use crate::query::{
    Context, EvalError, Evaluate, Held, Pulse, Replacements, Request, Stage, Stop, Tally, Trace, Value,
};
use crate::series::{LONGEST_NAME, Series};
use crate::target::{Call, Expression, Node, Place, Target};

/// Deepest nesting of calls when functions evaluate expressions that they made themselves.
const DEEPEST: usize = 100;

/// Functions may make this many times the points that a request may hold, one after the other.
const OVER_TIME: usize = 4;

/// What a round over all targets came to.
pub(super) enum Round {
    /// The series, and the memory of those that functions made.
    Done(Vec<Series>, Held),
    Missing(BTreeSet<(Wanted, Span)>),
}

/// The targets of a request on their way through the rounds.
pub(super) struct Run {
    targets: Vec<Target>,
    request: Request,
    positional: HashSet<Wanted>,
    done: Vec<Option<Vec<Series>>>,
    calls: usize,
    trace: Option<Trace>,
    /// What functions have made of the series that are done, and nobody read.
    held: Held,
}

impl Run {
    pub(super) fn new(targets: &[Target], request: &Request, positional: HashSet<Wanted>, trace: Option<Trace>) -> Run {
        let done = targets.iter().map(|_| None).collect();
        let held = Held::nothing_of(&request.budget);
        Run { targets: targets.to_vec(), request: request.clone(), positional, done, calls: 0, trace, held }
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
            number: 0,
            trace: self.trace.as_ref(),
            made: 0,
            held: Held::nothing_of(&self.request.budget),
            live: 0,
            depth: 0,
            in_keyword: 0,
        };
        let targets = self.targets.iter().zip(&mut self.done).enumerate().filter(|(_, (_, done))| done.is_none());
        for (number, (target, done)) in targets {
            evaluator.number = number;
            if let Some(trace) = &self.trace {
                trace.begin(number);
            }
            let live = evaluator.live;
            match evaluator.target(target, Context::of(&self.request)) {
                Ok(series) => *done = Some(series),
                Err(Stop::Missing) => evaluator.live = live,
                Err(Stop::Fault(error)) => return Err(*error),
            }
        }
        self.calls = evaluator.calls;
        let Evaluator { missing, held: made, .. } = evaluator;
        // Functions announce what they make; what has not become part of an answer is gone again.
        let values: usize = self.done.iter().flatten().flatten().map(|series| series.values.len()).sum();
        let held = std::mem::replace(&mut self.held, Held::nothing_of(&self.request.budget));
        let held = held.and(made).at_most(values.saturating_mul(size_of::<f64>()));
        if missing.is_empty() {
            return Ok(Round::Done(self.done.iter_mut().filter_map(Option::take).flatten().collect(), held));
        }
        self.held = held;
        for (target, done) in self.targets.iter().zip(&mut self.done) {
            if target.text().contains("stacked") {
                *done = None;
            }
        }
        Ok(Round::Missing(missing))
    }
}

/// One round's state.
struct Evaluator<'r> {
    request: &'r Request,
    data: &'r Data,
    stop: &'r AtomicBool,
    /// The expression that is being evaluated, for the places in errors.
    text: Arc<str>,
    /// Patterns that stand in positional arguments.
    positional: &'r mut HashSet<Wanted>,
    missing: BTreeSet<(Wanted, Span)>,
    /// Running totals of `stacked`, by stack name.
    stacks: HashMap<String, Vec<f64>>,
    calls: usize,
    /// Which target is evaluated.
    number: usize,
    trace: Option<&'r Trace>,
    /// Values that functions announced to make, and their memory.
    made: usize,
    held: Held,
    /// Bytes of values and names that functions have made and that are still there.
    live: usize,
    depth: usize,
    in_keyword: usize,
}

impl Evaluator<'_> {
    fn target(&mut self, target: &Target, mut context: Context) -> Result<Vec<Series>, Stop> {
        let outer = std::mem::replace(&mut self.text, target.text().clone());
        let value = self.node(target.root(), &mut context, None)?;
        let series = match value {
            Value::List(series) => series,
            Value::Lists(lists) if lists.is_empty() => Vec::new(),
            Value::Lists(_) => {
                return Err(self.refuse("mapSeries", "it gives lists for reduceSeries() and stands only inside it", 0));
            }
            other => return Err(self.refuse("target", &format!("expected series, found {}", other.describe()), 0)),
        };
        self.text = outer;
        Ok(series)
    }

    /// Copies the series that were read for a path, so that functions can change them in place.
    fn path(&mut self, path: &str, context: &Context, replacements: Option<&Replacements>) -> Result<Value, Stop> {
        if let Some(value) = replacements.and_then(|values| values.whole(path)) {
            return Ok(value);
        }
        let path = replacements.map_or_else(|| path.to_owned(), |values| values.path(path));
        self.read(Wanted::Pattern(path), context)
    }

    /// As [`Evaluator::path`], for series chosen by their tags.
    fn tagged(&mut self, node: &Node, call: &Call, context: &Context) -> Result<Value, Stop> {
        let wanted = tagged::wanted(&self.text, node, call);
        tagged::read(&wanted).map_err(|reason| self.refuse(tagged::FUNCTION, &reason, node.position))?;
        self.read(wanted, context)
    }

    fn read(&mut self, wanted: Wanted, context: &Context) -> Result<Value, Stop> {
        if self.in_keyword > 0 && !self.positional.contains(&wanted) {
            return Ok(Value::List(Vec::new()));
        }
        let span = Span { from: context.from, until: context.until };
        let Some(found) = self.data.get(&wanted, span) else {
            self.missing.insert((wanted, span));
            return Err(Stop::Missing);
        };
        let path = wanted.text();
        let value = Value::List(found.map(|stored| Series::fetched(path, stored, context.x_files_factor)).collect());
        self.note(None, path, context, Vec::new(), &value);
        Ok(value)
    }

    fn call(
        &mut self,
        position: usize,
        call: &Call,
        context: &mut Context,
        replacements: Option<&Replacements>,
    ) -> Result<Value, Stop> {
        self.enter()?;
        let function = self.function(&call.name, position)?;
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
        let given = self.trace.as_ref().map(|trace| values.iter().filter_map(|value| trace.tally_of(value)).collect());
        let (taken, live) =
            (values.iter().chain(keywords.iter().map(|(_, v)| v)).map(Value::own_bytes).sum(), self.live);
        let mut args =
            Args::new(function.signature(), position, Some(call), values, keywords, self, context, replacements)?;
        let is_idle = args.is_idle();
        let result = match function.body.call(&mut args) {
            Err(Stop::Fault(fault)) if is_idle && args.forgives(&fault) => Ok(Value::List(Vec::new())),
            result => result,
        };
        drop(args);
        self.depth -= 1;
        if let Ok(value) = &result {
            self.exchange(live, taken, value)?;
        }
        if let (Some(given), Ok(value)) = (given, &result) {
            let text = self.text.clone();
            self.note(Some(&call.name), text.get(position..).unwrap_or(&call.name), context, given, value);
        }
        if let Ok(Value::List(series)) = &result {
            EvalError::limit("points", self.request.limits.points, series.iter().map(|s| s.values.len()).sum())?;
            EvalError::limit("series", self.request.limits.series, series.len())?;
        }
        result
    }

    /// Enters what a call has made of its arguments, for what it announced while it worked.
    fn exchange(&mut self, live: usize, taken: usize, made: &Value) -> Result<(), EvalError> {
        let longest = made.series().map(|series| series.name.len().max(series.path_expression.len())).max();
        EvalError::limit("bytes of a name", LONGEST_NAME, longest.unwrap_or(0))?;
        self.live = live.saturating_sub(taken).saturating_add(made.own_bytes());
        self.held.set(self.live.saturating_sub(self.data.set_aside()))
    }

    fn function(&self, name: &str, position: usize) -> Result<&'static Function, EvalError> {
        functions::find(name).ok_or_else(|| EvalError::UnknownFunction {
            name: name.to_owned(),
            suggestion: functions::nearest(name),
            place: self.place(position),
        })
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

    /// Tells whoever takes notes what a path or a function gave.
    fn note(&self, function: Option<&str>, text: &str, context: &Context, given: Vec<Tally>, value: &Value) {
        let Some(trace) = self.trace else { return };
        let (series, text) = match value {
            Value::List(series) => (trace.shown(series), text.chars().take(200).collect()),
            _ => (Vec::new(), text.chars().take(200).collect()),
        };
        trace.note(Stage {
            target: self.number,
            function: function.map(str::to_owned),
            text,
            from: context.from,
            until: context.until,
            given,
            gave: trace.tally_of(value).unwrap_or_default(),
            series,
        });
    }

    fn refuse(&self, function: &str, reason: &str, position: usize) -> Stop {
        let place = self.place(position);
        EvalError::Refused { function: function.to_owned(), reason: reason.to_owned(), place }.into()
    }
}

impl<'r> Evaluate<'r> for Evaluator<'r> {
    fn request(&self) -> &'r Request {
        self.request
    }

    fn pulse(&self) -> Pulse<'r> {
        Pulse::new(self.stop)
    }

    fn spend(&mut self, points: usize) -> Result<(), Stop> {
        self.made = self.made.saturating_add(points);
        self.held.more(points.saturating_mul(size_of::<f64>()))?;
        let most = self.request.limits.points.saturating_mul(OVER_TIME);
        Ok(EvalError::limit("points made by functions", most, self.made)?)
    }

    fn node(&mut self, node: &Node, context: &mut Context, replacements: Option<&Replacements>) -> Result<Value, Stop> {
        let node = context.counted(node);
        match &node.expression {
            Expression::Path(path) => self.path(path, context, replacements),
            Expression::Call(call) if call.name == tagged::FUNCTION => self.tagged(node, call, context),
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

    fn expression(&mut self, text: &str, context: Context) -> Result<Vec<Series>, Stop> {
        let target = Target::parse(text).map_err(EvalError::from)?;
        let needs = plan::needs(std::slice::from_ref(&target), self.request)?;
        self.positional.extend(needs.patterns());
        self.target(&target, Context { again: false, ..context })
    }

    fn knows(&self, name: &str) -> bool {
        functions::find(name).is_some()
    }

    fn invoke(
        &mut self,
        name: &str,
        lists: Vec<Vec<Series>>,
        position: usize,
        context: &mut Context,
    ) -> Result<Value, Stop> {
        let function = self.function(name, position)?;
        let values = lists.into_iter().map(Value::List).collect();
        let mut args = Args::new(function.signature(), position, None, values, Vec::new(), self, context, None)?;
        function.body.call(&mut args)
    }

    fn events(&mut self, tags: Option<Vec<String>>, context: &Context) -> Result<Vec<i64>, Stop> {
        let wanted = Wanted::Events(tags);
        let span = Span { from: context.from, until: context.until };
        match self.data.events(&wanted, span) {
            Some(times) => Ok(times.to_vec()),
            None => {
                self.missing.insert((wanted, span));
                Err(Stop::Missing)
            }
        }
    }

    fn stack(&mut self, name: &str) -> &mut Vec<f64> {
        self.stacks.entry(name.to_owned()).or_default()
    }

    fn place(&self, position: usize) -> Place {
        Place { target: self.text.clone(), position }
    }
}
