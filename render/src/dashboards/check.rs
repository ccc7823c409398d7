//! What a dashboard's author would want to know before somebody looks at it. None of it stops a dashboard from being kept.

use carbon_line::Pattern;

use super::model::{Dashboard, Panel, Variable};
use super::variables::{is_name, substitute};
use crate::functions;
use crate::target::{Expression, Node, Target};

/// Kinds of panels that the page draws.
const KINDS: [&str; 4] = ["chart", "number", "table", "text"];

/// What a number can be of its window.
const REDUCERS: [&str; 5] = ["", "avg", "min", "max", "total"];

/// Remarks at most; who has more has one mistake many times.
const MOST: usize = 100;

impl Dashboard {
    /// Everything that will not show as it was meant, a sentence each; empty for a sound dashboard.
    pub fn remarks(&self) -> Vec<String> {
        let mut remarks = Vec::new();
        if self.title.trim().is_empty() {
            remarks.push("it has no title".to_owned());
        }
        for (place, variable) in self.variables.iter().enumerate() {
            let remark = self.of_variable(variable, place);
            remarks.extend(remark.map(|why| format!("variable `{}`: {why}", variable.name)));
        }
        for (at, row) in self.rows.iter().enumerate() {
            remarks.extend(self.of_repeat(&row.repeat).map(|why| format!("row {}: {why}", at + 1)));
            for (place, panel) in row.panels.iter().enumerate() {
                let name = format!("row {}, panel {} `{}`", at + 1, place + 1, panel.title);
                remarks.extend(self.of_panel(panel).into_iter().map(|why| format!("{name}: {why}")));
            }
        }
        remarks.truncate(MOST);
        remarks
    }

    fn of_variable(&self, variable: &Variable, place: usize) -> Option<String> {
        if !is_name(&variable.name) {
            return Some("a name has letters, digits and `_`, and begins with no digit".to_owned());
        }
        let before = &self.variables[..place];
        if before.iter().any(|other| other.name == variable.name) {
            return Some("there is another of this name".to_owned());
        }
        if variable.query.is_empty() {
            return variable.values.is_empty().then(|| "it has neither a query nor values".to_owned());
        }
        let query = substitute(&variable.query, |name| sample(before, name));
        Pattern::parse(&query).err().map(|why| format!("query `{query}`: {why}"))
    }

    fn of_panel(&self, panel: &Panel) -> Vec<String> {
        let mut remarks = Vec::new();
        if !KINDS.contains(&panel.kind.as_str()) {
            remarks.push(format!("`{}` is none of {}", panel.kind, KINDS.join(", ")));
        }
        if panel.width.is_some_and(|width| !(1..=12).contains(&width)) {
            remarks.push("its width is not 1 to 12".to_owned());
        }
        let missing = match panel.kind.as_str() {
            "chart" | "number" if panel.targets.is_empty() => Some("it has no targets"),
            "table" if panel.columns.is_empty() => Some("it has no columns"),
            _ => None,
        };
        remarks.extend(missing.map(str::to_owned));
        if !REDUCERS.contains(&panel.reduce.as_str()) {
            remarks.push(format!("its `reduce` is `{}`, none of {}", panel.reduce, REDUCERS[1..].join(", ")));
        }
        remarks.extend(self.of_repeat(&panel.repeat));
        remarks.extend(panel.every_target().filter_map(|target| self.of_target(target)));
        remarks
    }

    fn of_repeat(&self, name: &str) -> Option<String> {
        let is_known = name.is_empty() || self.variables.iter().any(|variable| variable.name == name);
        (!is_known).then(|| format!("it is to be repeated for `{name}`, and there is no such variable"))
    }

    fn of_target(&self, target: &str) -> Option<String> {
        let mut unknown = None;
        let filled = substitute(target, |name| {
            let value = sample(&self.variables, name);
            if value.is_none() && name.starts_with(|c: char| !c.is_ascii_digit()) {
                unknown.get_or_insert_with(|| name.to_owned());
            }
            value
        });
        if let Some(name) = unknown {
            return Some(format!("there is no variable `{name}`, in {target}"));
        }
        match Target::parse(&filled) {
            Ok(parsed) => stranger(parsed.root()).map(|name| format!("there is no function `{name}`, in {target}")),
            Err(fault) => Some(format!("{fault}: {target}")),
        }
    }
}

/// A value that the variable may have.
fn sample(variables: &[Variable], name: &str) -> Option<String> {
    let variable = variables.iter().find(|variable| variable.name == name)?;
    let first = [&variable.default].into_iter().chain(&variable.values).find(|value| !value.is_empty());
    Some(first.map_or("x", String::as_str).to_owned())
}

/// The first function in it that nobody knows. The parser has bounded the nesting.
fn stranger(node: &Node) -> Option<&str> {
    match &node.expression {
        Expression::Call(call) if functions::find(&call.name).is_none() => Some(&call.name),
        Expression::Call(call) => call.args.iter().chain(call.keywords.iter().map(|(_, node)| node)).find_map(stranger),
        Expression::Template(template) => stranger(&template.body),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_mistake_is_named_with_its_place() {
        let text = r#"{"title":"T","variables":[{"name":"host","query":"servers.*"},{"name":"0"},{"name":"host"}],"rows":[{"panels":[
            {"kind":"chart","title":"A","targets":["servers.$host.cpu","scale(a,","nope(a)","$what.x"],"width":13},
            {"kind":"map","reduce":"mean","repeat":"disk"},{"kind":"table","title":"B"}]}]}"#;
        let remarks = Dashboard::parse(text.as_bytes()).unwrap().remarks();
        let expected = [
            "variable `0`",
            "another of this name",
            "not 1 to 12",
            "scale(a,",
            "no function `nope`",
            "no variable `what`",
            "`map` is none of",
            "`mean`, none of avg",
            "repeated for `disk`",
            "no columns",
        ];
        assert_eq!(remarks.len(), expected.len(), "{remarks:#?}");
        for (remark, expected) in remarks.iter().zip(expected) {
            assert!(remark.contains(expected), "{remark} / {expected}");
        }
    }
}
