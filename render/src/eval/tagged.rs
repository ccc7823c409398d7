//! Tag expressions: `tag=value`, `tag!=value`, `tag=~regex`, `tag!=~regex`. Source: graphite-web `tags/base.py` and
//! `tags/localdatabase.py`, 1.1.10.

use carbon_storage::{TagExpression, ValueTest};
use regex::Regex;

use super::wanted::Wanted;
use crate::functions;
use crate::target::{Call, Expression, Node};

/// What `seriesByTag` is called; it is no function of series, but a way to say which are read.
pub(super) const FUNCTION: &str = "seriesByTag";

/// Most expressions of one question.
const MOST: usize = 100;

/// What a call of `seriesByTag` in `target` asks for. Arguments that are no texts are ignored, as in graphite-web.
pub(super) fn wanted(target: &str, node: &Node, call: &Call) -> Wanted {
    let texts = call.args.iter().filter_map(|arg| match &arg.expression {
        Expression::Text(text) => Some(text.clone()),
        _ => None,
    });
    let written = target.get(node.position..node.end).unwrap_or(target);
    Wanted::Tagged { call: written.to_owned(), expressions: texts.collect() }
}

/// The expressions of a call.
///
/// # Errors
/// As [`narrowing`].
pub(super) fn read(wanted: &Wanted) -> Result<Vec<TagExpression>, String> {
    match wanted {
        Wanted::Tagged { expressions, .. } => narrowing(expressions.iter().map(String::as_str)),
        _ => Ok(Vec::new()),
    }
}

/// Whether [`read`] succeeds.
pub(super) fn readable(wanted: &Wanted) -> bool {
    read(wanted).is_ok()
}

/// Reads expressions that choose series.
///
/// # Errors
/// Names the first that cannot be read, or says that none of them would leave out a series without tags.
pub(crate) fn narrowing<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Vec<TagExpression>, String> {
    let expressions = parse(texts)?;
    if expressions.iter().all(TagExpression::holds_for_absent) {
        return Err("at least one tag expression must not match the empty string".to_owned());
    }
    Ok(expressions)
}

/// Reads expressions.
///
/// # Errors
/// Names the first that cannot be read.
pub(crate) fn parse<'t>(texts: impl Iterator<Item = &'t str>) -> Result<Vec<TagExpression>, String> {
    let expressions: Vec<TagExpression> = texts.take(MOST + 1).map(one).collect::<Result<_, _>>()?;
    if expressions.len() > MOST {
        return Err(format!("more than {MOST} tag expressions"));
    }
    Ok(expressions)
}

fn one(text: &str) -> Result<TagExpression, String> {
    let invalid = || format!("`{}` is no tag expression such as tag=value or tag=~regex", shown(text));
    let end = text.find(['=', '!', ';']).filter(|end| *end > 0).ok_or_else(invalid)?;
    let (tag, rest) = text.split_at(end);
    let (negated, rest) = match rest.strip_prefix('!') {
        Some(rest) => (true, rest),
        None => (false, rest),
    };
    let rest = rest.strip_prefix('=').filter(|rest| !rest.contains(';')).ok_or_else(invalid)?;
    let test = match rest.strip_prefix('~') {
        Some(regex) => ValueTest::Matches(anchored(regex)?),
        None => ValueTest::Equals(rest.to_owned()),
    };
    Ok(TagExpression { tag: tag.to_owned(), negated, test })
}

/// A Python expression that matches from the start of a text.
///
/// # Errors
/// Says what is wrong with it.
pub(crate) fn anchored(regex: &str) -> Result<Regex, String> {
    let regex = if regex.starts_with('^') { regex.to_owned() } else { format!("^({regex})") };
    functions::compile_pattern(&regex)
}

fn shown(text: &str) -> String {
    text.chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, yes: &[&str], no: &[&str]) {
        let expression = one(text).unwrap();
        assert!(yes.iter().all(|value| expression.holds_for(value)), "{text}");
        assert!(!no.iter().any(|value| expression.holds_for(value)), "{text}");
    }

    #[test]
    fn expressions_test_values() {
        check("a=b", &["b"], &["", "bb"]);
        check("a=", &[""], &["b"]);
        check("a!=b", &["", "c"], &["b"]);
        check("a=~b|c", &["b", "cd"], &["", "ab"]);
        check("a=~", &["", "x"], &[]);
        check("a!=~b.*", &["", "ab"], &["b", "bc"]);
        check("a b==~c", &["=~c"], &["c"]);
        assert_eq!(one("a b==~c").unwrap().tag, "a b");
    }

    #[test]
    fn what_is_no_expression_is_named() {
        for text in ["", "bogus", "=b", "!=b", "a!b", "a;b=c", "a=b;c", "a=~("] {
            assert!(one(text).is_err(), "{text}");
        }
        assert!(narrowing(["a!=b", "c="].into_iter()).is_err());
        assert!(narrowing(std::iter::empty()).is_err());
        assert!(narrowing(["a!=b", "c!="].into_iter()).is_ok());
        assert!(parse(std::iter::repeat_n("a=b", 101)).is_err());
    }
}
