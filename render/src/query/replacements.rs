//! What `template()` puts into the paths of its expression.

use super::value::Value;
use crate::target::tree::Literal;
use crate::target::{LONGEST, Number, Template};

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

    /// The path with all values put in. A value that would make it longer than an expression may be is left out, since no
    /// name is as long.
    pub(crate) fn path(&self, path: &str) -> String {
        self.0.iter().fold(path.to_owned(), |path, (name, value)| {
            let (name, value) = (format!("${name}"), value.to_string());
            let added = path.matches(&name).count().saturating_mul(value.len());
            if path.len().saturating_add(added) > LONGEST { path } else { path.replace(&name, &value) }
        })
    }

    /// What a path that is nothing but `$name` stands for: a number if it looks like one, else a text.
    pub(crate) fn whole(&self, path: &str) -> Option<Value> {
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
