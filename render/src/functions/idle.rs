//! Arguments over lists without series. Graphite-web looks at most arguments only when it comes to a first series, so that
//! `scale(nosuch.x,"ten")` is no mistake there but an empty list; a dashboard whose hosts are gone keeps its panel.
//!
//! What Python itself refuses is refused all the same: too many arguments, unknown names, one that has to be given. So are
//! the arguments that graphite-web reads before its loop; [`Param::at_once`](super::param::Param) marks those, with one of
//! the checks below.

use super::param::{Signature, Type};
use super::pattern;
use super::reduce::Reducer;
use crate::query::{EvalError, Value};
use crate::target::Number;
use crate::time::{self, Unit};

/// Whether a call has no series to work on, and graphite-web would have looked at no argument that is wrong.
pub(super) fn is_idle<'v>(signature: Signature, argument: impl Fn(usize) -> Option<&'v Value>) -> bool {
    let mut params = signature.params.iter().enumerate();
    let has_none = match params.next().map(|(index, param)| (param.kind, argument(index))) {
        Some((Type::SeriesList | Type::SeriesLists, Some(Value::List(series)))) => series.is_empty(),
        Some((Type::SeriesList, Some(Value::Text(text)))) => text.is_empty(),
        Some((Type::SeriesLists, Some(Value::Lists(lists)))) => lists.is_empty(),
        _ => false,
    };
    has_none
        && params.all(|(index, param)| match (argument(index), param.at_once) {
            (None, _) => !param.required || param.multiple,
            (Some(value), Some(refuses)) => !refuses(value),
            (Some(_), None) => true,
        })
}

/// Whether `fault` is about an argument that was given to the function itself and is no list of series.
pub(super) fn is_about(fault: &EvalError, signature: Signature) -> bool {
    let EvalError::Argument { function, argument, found, .. } = fault else { return false };
    let is_list = |kind| matches!(kind, Type::SeriesList | Type::SeriesLists);
    let is_given = !matches!(found.as_str(), "none" | "nothing");
    is_given
        && function == signature.name
        && !signature.params.iter().any(|param| param.name == argument && is_list(param.kind))
}

/// Nothing, for Python: `0`, `""`, `false`, an empty list.
pub(super) fn is_empty(value: &Value) -> bool {
    match value {
        Value::List(series) => series.is_empty(),
        Value::Lists(lists) => lists.is_empty(),
        Value::Number(number) => number.as_f64() == 0.0,
        Value::Text(text) => text.is_empty(),
        Value::Boolean(value) => !value,
        Value::None => true,
    }
}

fn number(value: &Value) -> Option<f64> {
    match value {
        Value::Number(number) => Some(number.as_f64()),
        Value::Boolean(value) => Some(f64::from(u8::from(*value))),
        Value::Text(text) => text.trim().parse().ok(),
        Value::List(_) | Value::Lists(_) | Value::None => None,
    }
}

/// No length of time; nothing is one.
pub(super) fn no_interval(value: &Value) -> bool {
    !is_empty(value) && no_interval_text(value)
}

/// No length of time in quotes.
pub(super) fn no_interval_text(value: &Value) -> bool {
    !matches!(value, Value::Text(text) if !text.is_empty() && time::offset(text).is_ok())
}

/// No instant in quotes.
pub(super) fn no_date(value: &Value) -> bool {
    let is_date = |text: &str| time::parse(text, 0, &jiff::tz::TimeZone::UTC).is_ok();
    !matches!(value, Value::Text(text) if is_date(text))
}

/// As [`no_date`], where none may be given.
pub(super) fn no_date_or_none(value: &Value) -> bool {
    !matches!(value, Value::None) && no_date(value)
}

/// No name of a reducer.
pub(super) fn no_reducer(value: &Value) -> bool {
    !matches!(value, Value::Text(name) if Reducer::parse(name).is_some())
}

/// No regular expression in quotes.
pub(super) fn no_pattern(value: &Value) -> bool {
    !matches!(value, Value::Text(text) if pattern::compile(text).is_ok())
}

/// Nothing that could be rounded to a whole number.
pub(super) fn no_whole_number(value: &Value) -> bool {
    match value {
        Value::Text(text) => text.trim().parse::<i64>().is_err(),
        other => number(other).is_none_or(f64::is_infinite),
    }
}

/// Nothing that could say how many of a list are wanted.
pub(super) fn no_count(value: &Value) -> bool {
    let is_fraction = matches!(value, Value::Number(Number::Float(_)));
    is_fraction || !matches!(value, Value::None) && no_whole_number(value)
}

/// Nothing that could be compared with a number.
pub(super) fn no_number(value: &Value) -> bool {
    number(value).is_none()
}

/// No number above 0.
pub(super) fn not_above_zero(value: &Value) -> bool {
    number(value).is_none_or(|number| number <= 0.0)
}

/// Zero, or nothing.
pub(super) fn is_zero(value: &Value) -> bool {
    is_empty(value)
}

/// Nothing that Python's `sorted` takes for a direction.
pub(super) fn no_direction(value: &Value) -> bool {
    match value {
        Value::Text(text) => !text.eq_ignore_ascii_case("true") && !text.eq_ignore_ascii_case("false"),
        Value::Number(Number::Float(number)) => *number != 0.0 && *number != 1.0,
        Value::None => true,
        _ => false,
    }
}

/// No unit of the calendar; a truth value stands for none.
pub(super) fn no_unit(value: &Value) -> bool {
    match value {
        Value::Text(text) => Unit::parse(text).is_none(),
        Value::Boolean(_) | Value::None => false,
        _ => true,
    }
}

/// No comparison.
pub(super) fn no_operator(value: &Value) -> bool {
    !matches!(value, Value::Text(sign) if ["=", "!=", ">", ">=", "<", "<="].contains(&sign.as_str()))
}

/// A list where a word should be.
pub(super) fn is_list(value: &Value) -> bool {
    matches!(value, Value::List(_) | Value::Lists(_))
}
