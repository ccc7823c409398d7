//! A call's arguments, coerced to what the function's parameters want.
//!
//! Coercion is as lenient as graphite-web's: `"3"` is a number, `1` is true, a text is a date. Where graphite-web lets
//! a wrong argument through and fails later with a trace, we name the argument and stop.

mod evaluation;
mod lists;
mod scalars;
mod times;
mod nodes;

pub(super) use nodes::NodeOrTag;
pub(super) use times::WindowSize;

use super::idle;
use super::param::{Param, Signature};
use crate::query::{Context, EvalError, Evaluate, Replacements, Request, Stop, Value};
use crate::series::Series;
use crate::target::{Call, Expression};

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

    /// A parameter's value without coercion; `None` if it is not given.
    pub(super) fn any(&mut self, name: &str) -> Option<Value> {
        self.take(name).filter(|value| !matches!(value, Value::None))
    }

    pub(super) fn is_given(&self, name: &str) -> bool {
        self.peek(name).is_some_and(|value| !matches!(value, Value::None))
    }

    /// A text argument without taking it; empty if it is none.
    pub(super) fn peek_text(&self, name: &str) -> String {
        match self.peek(name) {
            Some(Value::Text(text)) => text.clone(),
            _ => String::new(),
        }
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

fn describe(value: Option<&Value>) -> String {
    value.map_or_else(|| "nothing".to_owned(), Value::describe)
}
