//! Arguments that repeat: positions in names, tags, texts.

use super::Args;
use crate::query::{Stop, Value};
use crate::target::Number;

/// A position in a dotted name, or a tag's name.
#[derive(Clone, Debug, PartialEq)]
pub(in crate::functions) enum NodeOrTag {
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

impl Args<'_, '_> {
    /// The values of the last parameter, which repeats.
    pub(in crate::functions) fn rest(&mut self) -> Vec<Value> {
        let from = self.signature.params.len().saturating_sub(1).min(self.values.len());
        self.values.drain(from..).map(|value| value.unwrap_or(Value::None)).collect()
    }

    pub(in crate::functions) fn nodes(&mut self) -> Result<Vec<NodeOrTag>, Stop> {
        let from = self.signature.params.len().saturating_sub(1);
        let rest = self.rest();
        rest.into_iter().enumerate().map(|(index, value)| self.node(from + index, value)).collect()
    }

    pub(in crate::functions) fn one_node(&mut self, name: &str) -> Result<NodeOrTag, Stop> {
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
    pub(in crate::functions) fn positions(&mut self) -> Result<Vec<i64>, Stop> {
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

    pub(in crate::functions) fn texts(&mut self) -> Result<Vec<String>, Stop> {
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
}
