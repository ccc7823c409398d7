//! Which evaluations take no longer than handing them to another thread: they are done where they are asked for, as long
//! as nothing has to be waited for. With more requests than cores that is what their slowest answers wait for.

use crate::functions::{self, Function, Group, Type};
use crate::target::{Expression, Node, Target};

/// Series of such a request, and their values: some 0.1 ms of work, from the files to the written answer.
pub(super) const SERIES: usize = 8;
pub(super) const VALUES: usize = 4_096;

/// Parts of all targets.
const NODES: usize = 32;

/// Whether the targets make little of little: paths, and functions whose work is bounded by the values they are given.
pub(super) fn are_light(targets: &[Target]) -> bool {
    targets.iter().map(Target::nodes).sum::<usize>() <= NODES && targets.iter().all(|target| is_light(target.root()))
}

fn is_light(node: &Node) -> bool {
    match &node.expression {
        Expression::Call(call) => {
            let mut args = call.args.iter().chain(call.keywords.iter().map(|(_, arg)| arg));
            functions::find(&call.name).is_some_and(takes_little) && args.all(is_light)
        }
        Expression::Template(template) => is_light(&template.body),
        _ => true,
    }
}

/// What takes an interval may make finer steps than it is given, or read further back; what takes no series makes values
/// of nothing.
fn takes_little(function: &Function) -> bool {
    let kinds = || function.params.iter().map(|param| param.kind);
    !matches!(function.group, Group::Calculate | Group::Special)
        && kinds().any(|kind| matches!(kind, Type::SeriesList | Type::SeriesLists))
        && !kinds().any(|kind| matches!(kind, Type::Interval | Type::IntOrInterval))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_more_of_its_values_is_not_light() {
        let light = |text: &str| are_light(&[Target::parse(text).unwrap()]);
        for text in ["a.b", "alias(scale(a.b,2),'x')", "sumSeries(a.*)|perSecond()", "template(a.$x,x='b')"] {
            assert!(light(text), "{text}");
        }
        for text in [
            "summarize(a,'1s')",
            "alias(hitcount(a,'1s'),'x')",
            "movingMedian(a,1000)",
            "time('a',1)",
            "randomWalk('a')",
            "timeShift(a,'1d')",
            "holtWintersForecast(a)",
            "noSuchFunction(a)",
        ] {
            assert!(!light(text), "{text}");
        }
        assert!(!are_light(&vec![Target::parse("scale(a,2)").unwrap(); 12]), "they are many");
    }
}
