//! A call's arguments, coerced to what the function's parameters want.
//!
//! Coercion is as lenient as graphite-web's: `"3"` is a number, `1` is true, a text is a date. Where graphite-web lets
//! a wrong argument through and fails later with a trace, we name the argument and stop.

use jiff::tz::TimeZone;

use super::idle;
use super::param::{Default, Param, Signature, Type};
use super::reduce::Reducer;
use crate::query::{Context, EvalError, Evaluate, Pulse, Replacements, Request, Stop, Value};
use crate::series::{Series, Times};
use crate::target::{Call, Expression, Number};
use crate::time;

/// What a function's code gives.
pub(crate) type Outcome = Result<Vec<Series>, Stop>;

/// The arguments of one call, and the way back to the evaluation.
pub(crate) struct Args<'a, 'r> {
    signature: Signature,
    position: usize,
    call: Option<&'a Call>,
    values: Vec<Option<Value>>,
    keywords: Vec<(&'a str, Option<Value>)>,
    evaluator: &'a mut dyn Evaluate<'r>,
    pub(super) context: &'a mut Context,
    replacements: Option<&'a Replacements>,
}

/// A position in a dotted name, or a tag's name.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum NodeOrTag {
    Node(i64),
    Tag(String),
}

impl std::fmt::Display for NodeOrTag {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NodeOrTag::Node(node) => node.fmt(f),
            NodeOrTag::Tag(tag) => tag.fmt(f),
        }
    }
}

/// Most points of a window; no archive holds as many.
const WIDEST: i64 = 1_000_000_000;

/// A length of a window: a number of points or a length of time.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum WindowSize {
    /// As written; what counts is its whole part.
    Points(Number),
    /// As written, and in seconds.
    Time(String, i64),
}

impl<'a, 'r> Args<'a, 'r> {
    /// Refuses arguments that are too many or have an unknown name.
    #[expect(clippy::too_many_arguments, reason = "called from the evaluator only")]
    pub(crate) fn new(
        signature: Signature,
        position: usize,
        call: Option<&'a Call>,
        values: Vec<Value>,
        keywords: Vec<(&'a str, Value)>,
        evaluator: &'a mut dyn Evaluate<'r>,
        context: &'a mut Context,
        replacements: Option<&'a Replacements>,
    ) -> Result<Args<'a, 'r>, Stop> {
        let values: Vec<Option<Value>> = values.into_iter().map(Some).collect();
        let keywords: Vec<_> = keywords.into_iter().map(|(name, value)| (name, Some(value))).collect();
        let args = Args { signature, position, call, values, keywords, evaluator, context, replacements };
        let params = signature.params;
        let open = params.last().is_some_and(|param| param.multiple);
        if !open && args.values.len() > params.len() {
            let place = args.place_of(params.len());
            let (expected, found) = (format!("at most {}", params.len()), args.values.len().to_string());
            return Err(args.wrong_at("the list of arguments", &expected, &found, place));
        }
        for (name, _) in &args.keywords {
            let index = params.iter().position(|param| param.name == spelled(name) && !param.multiple);
            match index {
                None => return Err(args.refuse(&format!("there is no argument named {name}"))),
                Some(index) if index < args.values.len() => {
                    return Err(args.refuse(&format!("{name} is given twice, by place and by name")));
                }
                Some(_) => {}
            }
        }
        Ok(args)
    }

    /// Whether there is no series to work on, and no argument that would be refused even so.
    pub(crate) fn is_idle(&self) -> bool {
        idle::is_idle(self.signature, |index| {
            let name = self.signature.params.get(index)?.name;
            self.peek(name)
        })
    }

    /// Whether a call that is idle gives an empty list in spite of `fault`.
    pub(crate) fn forgives(&self, fault: &EvalError) -> bool {
        idle::is_about(fault, self.signature)
    }

    pub(super) fn request(&self) -> &'r Request {
        self.evaluator.request()
    }

    pub(super) fn x_files_factor(&self) -> f64 {
        self.context.x_files_factor
    }

    pub(super) fn stack(&mut self, name: &str) -> &mut Vec<f64> {
        self.evaluator.stack(name)
    }

    /// The first argument evaluated again, over another window.
    pub(super) fn again(&mut self, mut context: Context) -> Outcome {
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
    pub(super) fn again_over(&mut self, contexts: &[Context]) -> Result<Vec<Vec<Series>>, Stop> {
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
    pub(super) fn evaluate(&mut self, expression: &str) -> Outcome {
        self.evaluator.expression(expression, *self.context)
    }

    /// When events with all of `tags` happened within the window, or all events: seconds since the epoch.
    pub(super) fn events(&mut self, tags: Option<Vec<String>>) -> Result<Vec<i64>, Stop> {
        self.evaluator.events(tags, self.context)
    }

    /// Whether there is a function called `name`.
    pub(super) fn knows(&self, name: &str) -> bool {
        self.evaluator.knows(name)
    }

    /// Another function, called with lists of series alone.
    pub(super) fn invoke(&mut self, name: &str, lists: Vec<Vec<Series>>) -> Outcome {
        match self.evaluator.invoke(name, lists, self.position, self.context)? {
            Value::List(series) => Ok(series),
            _ => Err(self.refuse(&format!("{name} gives no series"))),
        }
    }

    pub(super) fn series(&mut self) -> Outcome {
        let name = self.signature.params.first().map_or("seriesList", |param| param.name);
        self.list(name)
    }

    pub(super) fn list(&mut self, name: &str) -> Outcome {
        self.pulse().check()?;
        match self.take(name) {
            Some(Value::List(series)) => Ok(series),
            // Python finds no series in an empty text.
            Some(Value::Text(text)) if text.is_empty() => Ok(Vec::new()),
            found => Err(self.wrong(name, "a series list", &describe(found.as_ref()))),
        }
    }

    pub(super) fn optional_list(&mut self, name: &str) -> Result<Option<Vec<Series>>, Stop> {
        match self.take(name) {
            None | Some(Value::None) => Ok(None),
            Some(Value::List(series)) => Ok(Some(series)),
            found => Err(self.wrong(name, "a series list", &describe(found.as_ref()))),
        }
    }

    /// All lists of a parameter that repeats, end to end.
    pub(super) fn joined(&mut self) -> Outcome {
        Ok(self.all_lists()?.into_iter().flatten().collect())
    }

    pub(super) fn all_lists(&mut self) -> Result<Vec<Vec<Series>>, Stop> {
        let values = std::mem::take(&mut self.values);
        let mut lists = Vec::with_capacity(values.len());
        for (index, value) in values.into_iter().enumerate() {
            match value {
                Some(Value::List(series)) => lists.push(series),
                Some(Value::Text(text)) if text.is_empty() => lists.push(Vec::new()),
                other => {
                    let place = self.place_of(index);
                    return Err(self.wrong_at("seriesLists", "a series list", &describe(other.as_ref()), place));
                }
            }
        }
        Ok(lists)
    }

    pub(super) fn lists(&mut self, name: &str) -> Result<Vec<Vec<Series>>, Stop> {
        match self.take(name) {
            Some(Value::Lists(lists)) => Ok(lists),
            Some(Value::List(series)) if series.is_empty() => Ok(Vec::new()),
            found => Err(self.wrong(name, "lists of series, as mapSeries() gives", &describe(found.as_ref()))),
        }
    }

    /// A parameter's value without coercion; `None` if it is not given.
    pub(super) fn any(&mut self, name: &str) -> Option<Value> {
        self.take(name).filter(|value| !matches!(value, Value::None))
    }

    pub(super) fn is_given(&self, name: &str) -> bool {
        self.peek(name).is_some_and(|value| !matches!(value, Value::None))
    }

    /// Refuses windows that look at so many values, each many times, that a thread would be busy for minutes.
    pub(super) fn check_work(&self, values: usize) -> Result<(), Stop> {
        const MOST: usize = 4_000_000_000;
        self.pulse().check()?;
        Ok(EvalError::limit("values in the moving windows of one series", MOST, values)?)
    }

    /// A text argument without taking it; empty if it is none.
    pub(super) fn peek_text(&self, name: &str) -> String {
        match self.peek(name) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        }
    }

    /// Refuses to make more values than a request may hold.
    pub(super) fn check_points(&mut self, times: Times) -> Result<(), Stop> {
        self.pulse().check()?;
        let points = (times.end.saturating_sub(times.start) / times.step.max(1)).max(0);
        let points = usize::try_from(points).unwrap_or(usize::MAX);
        EvalError::limit("points", self.request().limits.points, points)?;
        self.evaluator.spend(points)
    }

    /// Counts bytes of names that are about to be made.
    pub(super) fn announce(&mut self, bytes: usize) -> Result<(), Stop> {
        self.evaluator.spend(bytes / size_of::<f64>())
    }

    /// Tells whether anybody still waits for the result.
    pub(super) fn pulse(&self) -> Pulse<'r> {
        self.evaluator.pulse()
    }

    /// A number, made a float or kept whole as the parameter's type wants.
    pub(super) fn number(&mut self, name: &str) -> Result<Number, Stop> {
        match self.optional_number(name)? {
            Some(number) => Ok(number),
            None => Err(self.wrong(name, "a number", "nothing")),
        }
    }

    pub(super) fn optional_number(&mut self, name: &str) -> Result<Option<Number>, Stop> {
        let param = self.param(name);
        let Some(value) = self.take(name) else {
            return Ok(match param.map(|param| param.default) {
                Some(Default::Integer(value)) => Some(Number::Integer(value)),
                Some(Default::Float(value)) => Some(Number::Float(value)),
                _ => None,
            });
        };
        let number = match &value {
            Value::None => return Ok(None),
            Value::Number(number) => Some(*number),
            Value::Boolean(value) => Some(Number::Integer(i64::from(*value))),
            Value::Text(text) => number_of(text),
            Value::List(_) | Value::Lists(_) => None,
        };
        let Some(number) = number else {
            return Err(self.wrong(name, "a number", &value.describe()));
        };
        let is_float = param.is_some_and(|param| param.kind == Type::Float);
        Ok(Some(if is_float { Number::Float(number.as_f64()) } else { number }))
    }

    pub(super) fn float(&mut self, name: &str) -> Result<f64, Stop> {
        self.number(name).map(Number::as_f64)
    }

    pub(super) fn optional_float(&mut self, name: &str) -> Result<Option<f64>, Stop> {
        Ok(self.optional_number(name)?.map(Number::as_f64))
    }

    /// A whole number; one with a fraction is refused.
    pub(super) fn integer(&mut self, name: &str) -> Result<i64, Stop> {
        match self.number(name)? {
            Number::Integer(value) => Ok(value),
            float => Err(self.wrong(name, "a whole number", &format!("{float}"))),
        }
    }

    pub(super) fn optional_text(&mut self, name: &str) -> Result<Option<String>, Stop> {
        match self.take(name) {
            None => Ok(match self.param(name).map(|param| param.default) {
                Some(Default::Text(text)) => Some(text.to_owned()),
                _ => None,
            }),
            Some(Value::None) => Ok(None),
            Some(Value::Text(text)) => Ok(Some(text)),
            Some(Value::Number(number)) => Ok(Some(number.to_string())),
            found => Err(self.wrong(name, "a text in quotes", &describe(found.as_ref()))),
        }
    }

    pub(super) fn text(&mut self, name: &str) -> Result<String, Stop> {
        match self.optional_text(name)? {
            Some(text) => Ok(text),
            None => Err(self.wrong(name, "a text in quotes", "nothing")),
        }
    }

    pub(super) fn boolean(&mut self, name: &str) -> Result<bool, Stop> {
        let value = match self.take(name) {
            None => match self.param(name).map(|param| param.default) {
                Some(Default::Boolean(value)) => return Ok(value),
                _ => return Ok(false),
            },
            Some(value) => value,
        };
        match &value {
            Value::Boolean(value) => Ok(*value),
            Value::None => Ok(false),
            Value::Number(number) if number.as_f64() == 0.0 => Ok(false),
            Value::Number(number) if number.as_f64() == 1.0 => Ok(true),
            Value::Text(text) if text.eq_ignore_ascii_case("true") => Ok(true),
            Value::Text(text) if text.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(self.wrong(name, "true or false", &value.describe())),
        }
    }

    /// Seconds of a length of time, with its text; signs are kept.
    pub(super) fn interval(&mut self, name: &str) -> Result<(String, i64), Stop> {
        let text = self.text(name)?;
        match time::offset(&text) {
            Ok(secs) => Ok((text, secs)),
            Err(fault) => {
                Err(self.wrong(name, "a length of time such as 5min", &format!("`{text}`: {}", fault.reason)))
            }
        }
    }

    /// As [`Args::interval`], but at least a second long.
    pub(super) fn bucket(&mut self, name: &str) -> Result<(String, i64), Stop> {
        let (text, secs) = self.interval(name)?;
        if secs < 1 {
            return Err(self.wrong(name, "a length of at least one second", &format!("`{text}`")));
        }
        Ok((text, secs))
    }

    pub(super) fn window(&mut self, name: &str) -> Result<WindowSize, Stop> {
        let size = match self.take(name) {
            Some(Value::Number(number)) => WindowSize::Points(number),
            Some(Value::Text(text)) => match time::offset(&text) {
                Ok(secs) => WindowSize::Time(text, secs.abs()),
                Err(fault) => return Err(self.wrong(name, "a length of time such as 5min", &fault.to_string())),
            },
            found => {
                let expected = "a number of points, or a length of time in quotes";
                return Err(self.wrong(name, expected, &describe(found.as_ref())));
            }
        };
        match &size {
            WindowSize::Points(points) if points.truncated() < 1 => {
                Err(self.wrong(name, "at least 1", &points.to_string()))
            }
            WindowSize::Points(points) if points.truncated() > WIDEST => {
                Err(self.wrong(name, &format!("at most {WIDEST}"), &points.to_string()))
            }
            WindowSize::Time(text, 0) => Err(self.wrong(name, "at least a second", &format!("`{text}`"))),
            _ => Ok(size),
        }
    }

    /// An instant, read in the server's zone and seen from the request's clock.
    pub(super) fn date(&mut self, name: &str) -> Result<i64, Stop> {
        self.date_in(name, &self.request().server_tz)
    }

    pub(super) fn date_in(&mut self, name: &str, tz: &TimeZone) -> Result<i64, Stop> {
        let text = self.text(name)?;
        match time::parse(&text, self.request().now, tz) {
            Ok(secs) => Ok(secs),
            Err(fault) => Err(self.wrong(name, "a time", &fault.to_string())),
        }
    }

    pub(super) fn optional_date(&mut self, name: &str) -> Result<Option<i64>, Stop> {
        if self.peek(name).is_none_or(|value| matches!(value, Value::None)) {
            return Ok(None);
        }
        self.date(name).map(Some)
    }

    /// A reducer's name as written, and the reducer.
    pub(super) fn reducer(&mut self, name: &str) -> Result<(String, Reducer), Stop> {
        let text = self.text(name)?;
        match Reducer::parse(&text) {
            Some(reducer) => Ok((text, reducer)),
            None => Err(self.wrong(name, &format!("one of {}", Reducer::NAMES.join(", ")), &format!("`{text}`"))),
        }
    }

    /// The values of the last parameter, which repeats.
    pub(super) fn rest(&mut self) -> Vec<Value> {
        let from = self.signature.params.len().saturating_sub(1).min(self.values.len());
        self.values.drain(from..).map(|value| value.unwrap_or(Value::None)).collect()
    }

    pub(super) fn nodes(&mut self) -> Result<Vec<NodeOrTag>, Stop> {
        let from = self.signature.params.len().saturating_sub(1);
        let rest = self.rest();
        rest.into_iter().enumerate().map(|(index, value)| self.node(from + index, value)).collect()
    }

    pub(super) fn one_node(&mut self, name: &str) -> Result<NodeOrTag, Stop> {
        let index = self.signature.params.iter().position(|param| param.name == name).unwrap_or(0);
        let value = self.take(name).unwrap_or(Value::None);
        self.node(index, value)
    }

    fn node(&self, index: usize, value: Value) -> Result<NodeOrTag, Stop> {
        match value {
            Value::Number(Number::Integer(node)) => Ok(NodeOrTag::Node(node)),
            Value::Number(Number::Float(node)) if node.fract() == 0.0 => Ok(NodeOrTag::Node(node as i64)),
            // What is no position is the name of a tag.
            Value::Number(node) => Ok(NodeOrTag::Tag(node.to_string())),
            Value::Boolean(node) => Ok(NodeOrTag::Node(i64::from(node))),
            Value::Text(tag) => Ok(NodeOrTag::Tag(tag)),
            other => {
                let place = self.place_of(index);
                Err(self.wrong_at("node", "a position in the name, or a tag in quotes", &other.describe(), place))
            }
        }
    }

    /// Positions in names: whole numbers only.
    pub(super) fn positions(&mut self) -> Result<Vec<i64>, Stop> {
        let from = self.signature.params.len().saturating_sub(1);
        let mut positions = Vec::new();
        for (index, value) in self.rest().into_iter().enumerate() {
            match value {
                Value::Number(Number::Integer(position)) => positions.push(position),
                Value::Number(Number::Float(position)) if position.fract() == 0.0 => positions.push(position as i64),
                Value::Text(text) if text.parse::<i64>().is_ok() => positions.push(text.parse().unwrap_or_default()),
                other => {
                    let place = self.place_of(from + index);
                    return Err(self.wrong_at("position", "a whole number", &other.describe(), place));
                }
            }
        }
        Ok(positions)
    }

    pub(super) fn texts(&mut self) -> Result<Vec<String>, Stop> {
        let from = self.signature.params.len().saturating_sub(1);
        let mut texts = Vec::new();
        for (index, value) in self.rest().into_iter().enumerate() {
            match value {
                Value::Text(text) => texts.push(text),
                Value::Number(number) => texts.push(number.to_string()),
                other => {
                    let place = self.place_of(from + index);
                    return Err(self.wrong_at("list", "texts in quotes", &other.describe(), place));
                }
            }
        }
        Ok(texts)
    }

    /// An argument that cannot be worked with.
    pub(super) fn wrong(&self, name: &str, expected: &str, found: &str) -> Stop {
        let index = self.signature.params.iter().position(|param| param.name == name).unwrap_or(0);
        let keyword = self.call.and_then(|call| call.keywords.iter().find(|(known, _)| spelled(known) == name));
        let node = keyword.map_or_else(|| self.call.and_then(|call| call.args.get(index)), |(_, node)| Some(node));
        let place = node.map_or(self.position, |node| node.position);
        match node.map(|node| &node.expression) {
            // A text without its quotes is a path; how many series it found would not tell that.
            Some(Expression::Path(path)) if found.starts_with("a list of") => {
                let path: String = path.chars().take(60).collect();
                self.wrong_at(name, expected, &format!("the path `{path}`"), place)
            }
            _ => self.wrong_at(name, expected, found, place),
        }
    }

    fn wrong_at(&self, name: &str, expected: &str, found: &str, position: usize) -> Stop {
        EvalError::Argument {
            function: self.signature.name.to_owned(),
            argument: name.to_owned(),
            expected: expected.to_owned(),
            found: found.to_owned(),
            place: self.evaluator.place(position),
        }
        .into()
    }

    /// Arguments that do not fit together.
    pub(super) fn refuse(&self, reason: &str) -> Stop {
        let (function, place) = (self.signature.name.to_owned(), self.evaluator.place(self.position));
        EvalError::Refused { function, reason: reason.to_owned(), place }.into()
    }

    fn param(&self, name: &str) -> Option<&'static Param> {
        self.signature.params.iter().find(|param| param.name == name)
    }

    fn place_of(&self, index: usize) -> usize {
        self.call.and_then(|call| call.args.get(index)).map_or(self.position, |node| node.position)
    }

    fn peek(&self, name: &str) -> Option<&Value> {
        let index = self.signature.params.iter().position(|param| param.name == name)?;
        match self.values.get(index) {
            Some(value) => value.as_ref(),
            None => self.keywords.iter().find(|(known, _)| spelled(known) == name).and_then(|(_, v)| v.as_ref()),
        }
    }

    fn take(&mut self, name: &str) -> Option<Value> {
        let index = self.signature.params.iter().position(|param| param.name == name)?;
        if let Some(value) = self.values.get_mut(index) {
            return value.take();
        }
        self.keywords.iter_mut().find(|(known, _)| spelled(known) == name).and_then(|(_, value)| value.take())
    }
}

/// The manual's name of an argument that graphite-web's code calls otherwise; both are taken.
fn spelled(name: &str) -> &str {
    match name {
        "stackName" => "stack",
        "alignDST" => "alignDst",
        other => other,
    }
}

fn number_of(text: &str) -> Option<Number> {
    let text = text.trim();
    text.parse()
        .ok()
        .map(Number::Integer)
        .or_else(|| text.parse().ok().filter(|v: &f64| !v.is_nan()).map(Number::Float))
}

fn describe(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::describe)
}
