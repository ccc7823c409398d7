//! Target expressions: `alias(scale(servers.*.cpu.user,8),"bits")`, read into a tree that knows where each part stood.

pub mod number;
mod parser;
pub mod tree;

use std::fmt;
use std::sync::Arc;

pub use number::Number;
pub use tree::{Call, Expression, Node, Template};

/// Deepest nesting of calls.
pub const DEEPEST: usize = 64;

/// Longest expression, in bytes.
pub const LONGEST: usize = 256 * 1024;

/// A parsed expression, cheap to clone.
#[derive(Clone, Debug)]
pub struct Target(Arc<Parsed>);

#[derive(Debug)]
struct Parsed {
    text: Arc<str>,
    root: Node,
    nodes: usize,
}

impl Target {
    /// Reads a whole expression: a path, a call, or `template()`, each perhaps piped through further calls.
    ///
    /// # Errors
    /// At the first fault, with its place. graphite-web reads what it can and ignores the rest; we refuse.
    pub fn parse(text: &str) -> Result<Target, TargetFault> {
        let text: Arc<str> = text.into();
        let (root, nodes) = parser::parse(&text)?;
        Ok(Target(Arc::new(Parsed { text, root, nodes })))
    }

    /// The expression as it was written.
    pub fn text(&self) -> &Arc<str> {
        &self.0.text
    }

    /// The outermost part.
    pub fn root(&self) -> &Node {
        &self.0.root
    }

    /// How many paths, calls and literals it is made of.
    pub fn nodes(&self) -> usize {
        self.0.nodes
    }
}

/// The first path inside `name`, as if it were an expression: `a.b` of `scale(a.b,10)`. `None` where there is none.
///
/// Names are often expressions with something after them (`a.b (avg: 3.0)`), so what follows the longest readable part
/// is ignored, as graphite-web does.
pub fn first_path(name: &str) -> Option<String> {
    let root = parser::parse_prefix(name)?;
    let mut node = &root;
    loop {
        match &node.expression {
            Expression::Path(path) => return Some(path.clone()),
            Expression::Call(call) => node = call.args.first()?,
            Expression::Template(template) => node = &template.body,
            _ => return None,
        }
    }
}

/// The longest part at the front of `text` that is an expression; all of it where no part is one.
pub(crate) fn readable(text: &str) -> &str {
    parser::parse_prefix(text).and_then(|root| text.get(..root.end)).unwrap_or(text)
}

/// A place in an expression.
#[derive(Clone, PartialEq, Eq)]
pub struct Place {
    /// The whole expression.
    pub target: Arc<str>,
    /// Bytes before the place.
    pub position: usize,
}

impl Place {
    /// Two lines: the expression (a part of it, when it is long) and a caret below the place.
    pub fn caret(&self) -> String {
        const BEFORE: usize = 60;
        const AFTER: usize = 40;
        let text = &*self.target;
        let at = (0..=self.position.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        let visible = |c: char| if c.is_control() { ' ' } else { c };
        let skipped = text[..at].chars().count().saturating_sub(BEFORE);
        let before: String = text[..at].chars().skip(skipped).map(visible).collect();
        let after: String = text[at..].chars().take(AFTER).map(visible).collect();
        let blanks = " ".repeat(before.chars().count());
        format!("{before}{after}\n{blanks}^")
    }
}

impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "byte {} of {:?}", self.position, self.target)
    }
}

/// Why an expression cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{reason} at byte {} of the target", place.position)]
pub struct TargetFault {
    /// What was expected and what was found.
    pub reason: String,
    /// Where.
    pub place: Place,
}

#[cfg(test)]
mod tests;
