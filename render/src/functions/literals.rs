//! Arguments as they stand in the tree, before anything is evaluated: what planning can know.

use super::param::{Default, Signature};
use crate::target::{Call, Expression, Number};
use crate::time;

/// The literal arguments of a call.
pub(crate) struct Literals<'c> {
    signature: Signature,
    call: &'c Call,
}

impl<'c> Literals<'c> {
    pub(crate) fn new(signature: Signature, call: &'c Call) -> Literals<'c> {
        Literals { signature, call }
    }

    fn expression(&self, name: &str) -> Option<&'c Expression> {
        let index = self.signature.params.iter().position(|param| param.name == name)?;
        let keyword = self.call.keywords.iter().find(|(known, _)| known == name).map(|(_, node)| node);
        self.call.args.get(index).or(keyword).map(|node| &node.expression)
    }

    fn default(&self, name: &str) -> Default {
        self.signature.params.iter().find(|param| param.name == name).map_or(Default::None, |param| param.default)
    }

    pub(super) fn text(&self, name: &str) -> Option<&'c str> {
        match (self.expression(name), self.default(name)) {
            (Some(Expression::Text(text)), _) => Some(text),
            (None, Default::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn integer(&self, name: &str) -> Option<i64> {
        match (self.expression(name), self.default(name)) {
            (Some(Expression::Number(Number::Integer(value))), _) => Some(*value),
            (None, Default::Integer(value)) => Some(value),
            _ => None,
        }
    }

    pub(super) fn boolean(&self, name: &str) -> bool {
        matches!(self.expression(name), Some(Expression::Boolean(true)))
    }

    /// Seconds of an interval.
    pub(super) fn interval(&self, name: &str) -> Option<i64> {
        self.text(name).and_then(|text| time::offset(text).ok())
    }
}
