//! Over which window a part of a target is evaluated.

use super::request::Request;
use crate::target::{Expression, Node};

/// The window and the default that hold for a part of a target; look-back functions evaluate parts under another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) x_files_factor: f64,
    /// Whether a look-back function evaluates its argument once more. As in graphite-web, whose first evaluation uses
    /// pipes up, what stands behind a `|` does not count then.
    pub(crate) again: bool,
}

impl Context {
    pub(crate) fn of(request: &Request) -> Context {
        let Request { from, until, x_files_factor, .. } = *request;
        Context { from, until, x_files_factor, again: false }
    }

    /// The part of `node` that counts.
    pub(crate) fn counted(self, mut node: &Node) -> &Node {
        while self.again
            && let Expression::Call(call) = &node.expression
            && let (true, Some(piped)) = (call.piped, call.args.first())
        {
            node = piped;
        }
        node
    }

    /// Begins `secs` earlier.
    pub(crate) fn earlier(self, secs: i64) -> Context {
        Context { from: self.from.saturating_sub(secs), ..self }
    }

    /// Lies `secs` later, or earlier if negative.
    pub(crate) fn shifted(self, secs: i64) -> Context {
        Context { from: self.from.saturating_add(secs), until: self.until.saturating_add(secs), ..self }
    }
}
