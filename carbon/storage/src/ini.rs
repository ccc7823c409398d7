//! The dialect of carbon's rule files: `[section]`, `key = value`, `#` and `;` comments. Order is meaning there, so
//! sections stay in file order, with their lines for messages. A line that stands further in than the option above it
//! goes on with its value, as in Python's parser, so that a list of retentions may take several lines.

use std::borrow::Cow;

/// One `[section]` with its options.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    options: Vec<(&'a str, Cow<'a, str>, usize)>,
}

/// What makes a text no rule file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {finding}")]
pub struct IniFault {
    /// Counted from 1.
    pub line: usize,
    /// What is wrong there.
    pub finding: String,
}

impl<'a> Section<'a> {
    /// The value and line of an option; names are compared without case.
    pub(crate) fn get(&self, key: &str) -> Option<(&str, usize)> {
        let found = self.options.iter().find(|(name, ..)| name.eq_ignore_ascii_case(key));
        found.map(|(_, value, line)| (&**value, *line))
    }

    /// As [`Section::get`], where an empty value counts as none.
    pub(crate) fn get_filled(&self, key: &str) -> Option<(&str, usize)> {
        self.get(key).filter(|(value, _)| !value.is_empty())
    }
}

/// Splits `text` into its sections.
///
/// # Errors
/// A line that is neither section, option nor comment; an option before any section; two sections or two options of
/// one name, which carbon's parser refuses as well.
pub(crate) fn parse(text: &str) -> Result<Vec<Section<'_>>, IniFault> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    let mut indent = 0;
    for (line, raw) in text.lines().enumerate().map(|(at, raw)| (at + 1, raw)) {
        let content = raw.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let fault = |finding: String| Err(IniFault { line, finding });
        let (further_in, option) = (raw.len() - raw.trim_start().len() > indent, sections.last_mut());
        if further_in && let Some((_, value, _)) = option.and_then(|section| section.options.last_mut()) {
            value.to_mut().push('\n');
            value.to_mut().push_str(content);
            continue;
        }
        indent = raw.len() - raw.trim_start().len();
        if let Some(name) = content.strip_prefix('[') {
            let Some((name, _)) = name.split_once(']') else {
                return fault(format!("`{content}` opens a section without closing its bracket"));
            };
            if let Some(first) = sections.iter().find(|section| section.name == name) {
                return fault(format!("section [{name}] stands in line {} already", first.line));
            }
            sections.push(Section { name, line, options: Vec::new() });
            continue;
        }
        let Some((key, value)) = content.split_once(['=', ':']) else {
            return fault(format!("`{content}` is neither `[section]` nor `key = value`"));
        };
        let Some(section) = sections.last_mut() else {
            return fault(format!("`{content}` stands before the first [section]"));
        };
        let key = key.trim();
        if section.get(key).is_some() {
            return fault(format!("`{key}` is set twice in [{}]", section.name));
        }
        section.options.push((key, value.trim().into(), line));
    }
    Ok(sections)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sections_keep_their_order_and_lines() {
        let sections = parse("# rules\n[b]\nPattern = ^x=\\d\n\n[a]\n; none\npattern:y\n").unwrap();
        let seen: Vec<_> =
            sections.iter().map(|section| (section.name, section.line, section.get("pattern"))).collect();
        assert_eq!(seen, [("b", 2, Some(("^x=\\d", 3))), ("a", 5, Some(("y", 7)))]);
    }

    #[test]
    fn a_line_further_in_goes_on_with_the_value_above() {
        let sections = parse(" [a]\n x = 1,\n\n  # half way\n    2:3\n y = 4\n").unwrap();
        assert_eq!(sections[0].get("x"), Some(("1,\n2:3", 2)));
        assert_eq!(sections[0].get("y"), Some(("4", 6)));
    }

    #[test]
    fn a_fault_names_its_line() {
        let line = |text| parse(text).unwrap_err().line;
        assert_eq!(line("[a]\nnothing"), 2);
        assert_eq!(line("x = 1"), 1);
        assert_eq!(line("[a]\n[b"), 2);
        assert_eq!(line("[a]\n[a]"), 2);
        assert_eq!(line("[a]\nx=1\nX=2"), 3);
    }
}
