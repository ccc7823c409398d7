//! Arguments that are one number, text or truth value.

use super::super::idle;
use super::super::param::{Default, Type};
use super::super::reduce::Reducer;
use super::{Args, describe};
use crate::query::{Stop, Value};
use crate::target::Number;

impl Args<'_, '_> {
    /// A number, made a float or kept whole as the parameter's type wants.
    pub(in crate::functions) fn number(&mut self, name: &str) -> Result<Number, Stop> {
        match self.optional_number(name)? {
            Some(number) => Ok(number),
            None => Err(self.wrong(name, "a number", "nothing")),
        }
    }

    pub(in crate::functions) fn optional_number(&mut self, name: &str) -> Result<Option<Number>, Stop> {
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

    pub(in crate::functions) fn float(&mut self, name: &str) -> Result<f64, Stop> {
        self.number(name).map(Number::as_f64)
    }

    pub(in crate::functions) fn optional_float(&mut self, name: &str) -> Result<Option<f64>, Stop> {
        Ok(self.optional_number(name)?.map(Number::as_f64))
    }

    /// A whole number; one with a fraction is refused.
    pub(in crate::functions) fn integer(&mut self, name: &str) -> Result<i64, Stop> {
        match self.number(name)? {
            Number::Integer(value) => Ok(value),
            float => Err(self.wrong(name, "a whole number", &format!("{float}"))),
        }
    }

    pub(in crate::functions) fn optional_text(&mut self, name: &str) -> Result<Option<String>, Stop> {
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

    pub(in crate::functions) fn text(&mut self, name: &str) -> Result<String, Stop> {
        match self.optional_text(name)? {
            Some(text) => Ok(text),
            None => Err(self.wrong(name, "a text in quotes", "nothing")),
        }
    }

    /// A truth value as Python's `if` sees it, which is all that most functions of graphite-web ask: zero and what is empty
    /// are false, all else is true.
    pub(in crate::functions) fn truth(&mut self, name: &str) -> bool {
        match self.take(name) {
            None => matches!(self.param(name).map(|param| param.default), Some(Default::Boolean(true))),
            Some(Value::Text(text)) if text.eq_ignore_ascii_case("false") => false,
            Some(value) => !idle::is_empty(&value),
        }
    }

    pub(in crate::functions) fn boolean(&mut self, name: &str) -> Result<bool, Stop> {
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

    /// A reducer's name as written, and the reducer.
    pub(in crate::functions) fn reducer(&mut self, name: &str) -> Result<(String, Reducer), Stop> {
        let text = self.text(name)?;
        match Reducer::parse(&text) {
            Some(reducer) => Ok((text, reducer)),
            None => Err(self.wrong(name, &format!("one of {}", Reducer::NAMES.join(", ")), &format!("`{text}`"))),
        }
    }
}

fn number_of(text: &str) -> Option<Number> {
    let text = text.trim();
    text.parse()
        .ok()
        .map(Number::Integer)
        .or_else(|| text.parse().ok().filter(|v: &f64| !v.is_nan()).map(Number::Float))
}
