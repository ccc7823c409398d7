//! Finds out before evaluating which patterns are read over which windows, as far as arguments tell.

use super::data::{Needs, Span};
use super::tagged;
use super::wanted::Wanted;
use crate::functions;
use crate::query::{Context, EvalError, Replacements, Request};
use crate::target::{Call, Expression, Node, Target};

/// The patterns of all positional arguments, with the request's window and those of look-back functions.
///
/// Patterns in keyword arguments are left out, as in graphite-web: they give data only if they also stand elsewhere.
pub(super) fn needs<'r>(targets: &'r [Target], request: &'r Request) -> Result<Needs, EvalError> {
    let mut plan = Plan { request, text: "", needs: Needs::default(), steps: 0 };
    for target in targets {
        plan.text = target.text();
        plan.walk(target.root(), Context::of(request), None);
    }
    Ok(plan.needs)
}

pub(super) struct Plan<'r> {
    pub(super) request: &'r Request,
    /// The target that is walked.
    text: &'r str,
    pub(super) needs: Needs,
    pub(super) steps: usize,
}

impl Plan<'_> {
    pub(super) fn walk(&mut self, node: &Node, context: Context, replacements: Option<&Replacements>) {
        self.steps += 1;
        // Nested look-backs double the work at each level. What is not planned is fetched when it is missed, and the
        // evaluation has a limit of its own.
        if self.steps > self.request.limits.calls {
            return;
        }
        let node = context.counted(node);
        match &node.expression {
            // A window that ends before it begins is refused when its function is evaluated.
            Expression::Path(_) if context.from > context.until => {}
            Expression::Path(path) => {
                let path = replacements.map_or_else(|| path.clone(), |values| values.path(path));
                self.needs.add(Wanted::Pattern(path), Span { from: context.from, until: context.until });
            }
            Expression::Template(template) => {
                let values = Replacements::new(template, &self.request.template);
                self.walk(&template.body, context, Some(&values));
            }
            Expression::Call(call) if call.name == tagged::FUNCTION => {
                let wanted = tagged::wanted(self.text, node, call);
                // One that cannot be read is refused when it is evaluated.
                if context.from <= context.until && tagged::readable(&wanted) {
                    self.needs.add(wanted, Span { from: context.from, until: context.until });
                }
            }
            Expression::Call(call) => self.call(call, context, replacements),
            _ => {}
        }
    }

    fn call(&mut self, call: &Call, context: Context, replacements: Option<&Replacements>) {
        for arg in &call.args {
            self.walk(arg, context, replacements);
        }
        let Some(function) = functions::find(&call.name) else { return };
        let (Some(look_back), Some(first)) = (function.look_back, call.args.first()) else { return };
        let literals = functions::Literals::new(function.signature(), call);
        for context in look_back(&literals, context, self.request) {
            self.walk(first, Context { again: true, ..context }, replacements);
        }
    }
}
