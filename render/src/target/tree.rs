//! What an expression is made of. Pipes are gone: `x|f(y)` is `f(x,y)`.

use super::Number;

/// A part of an expression.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Bytes before it in the expression.
    pub position: usize,
    /// Bytes before what follows it.
    pub end: usize,
    /// What it is.
    pub expression: Expression,
}

/// What a part of an expression can be.
#[derive(Clone, Debug, PartialEq)]
pub enum Expression {
    /// A pattern over names, such as `servers.*.cpu.{user,idle}`; backslashes are gone.
    Path(String),
    /// `name(args, key=value)`.
    Call(Call),
    /// `template(expression, values)`.
    Template(Template),
    /// `3`, `-0.5`, `1e6`, `inf`.
    Number(Number),
    /// What stands between quotes, backslashes kept.
    Text(String),
    /// `true`, `false`.
    Boolean(bool),
    /// `none`.
    None,
}

/// A function's use.
#[derive(Clone, Debug, PartialEq)]
pub struct Call {
    /// Its name as written.
    pub name: String,
    /// Whether the first argument stands before a `|`.
    pub piped: bool,
    /// Arguments by position.
    pub args: Vec<Node>,
    /// Arguments by name.
    pub keywords: Vec<(String, Node)>,
}

/// An expression with values for the `$1` and `$name` in its paths.
#[derive(Clone, Debug, PartialEq)]
pub struct Template {
    /// The expression.
    pub body: Box<Node>,
    /// The values, by name or by place counted from 1; only numbers and texts.
    pub values: Vec<(String, Literal)>,
}

/// A value given to `template()`.
#[derive(Clone, Debug, PartialEq)]
pub enum Literal {
    /// A number.
    Number(Number),
    /// A text.
    Text(String),
}

impl std::fmt::Display for Literal {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Literal::Number(number) => number.fmt(f),
            Literal::Text(text) => text.fmt(f),
        }
    }
}
