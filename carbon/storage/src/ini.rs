//! The dialect of carbon's rule files: `[section]`, `key = value`, `#` and `;` comments. Order is meaning there, so
//! sections stay in file order, with their lines for messages.

/// One `[section]` with its options.
#[derive(Debug)]
pub(crate) struct Section<'a> {
    pub(crate) name: &'a str,
    pub(crate) line: usize,
    options: Vec<(String, &'a str, usize)>,
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
    pub(crate) fn get(&self, key: &str) -> Option<(&'a str, usize)> {
        self.options.iter().find(|(name, ..)| name.eq_ignore_ascii_case(key)).map(|(_, value, line)| (*value, *line))
    }
}

/// Splits `text` into its sections.
///
/// # Errors
/// A line that is neither section, option nor comment; an option before any section; two sections or two options of
/// one name, which carbon's parser refuses as well.
pub(crate) fn parse(text: &str) -> Result<Vec<Section<'_>>, IniFault> {
    let mut sections: Vec<Section<'_>> = Vec::new();
    for (line, raw) in text.lines().enumerate().map(|(at, raw)| (at + 1, raw)) {
        let content = raw.trim();
        if content.is_empty() || content.starts_with(['#', ';']) {
            continue;
        }
        let fault = |finding: String| Err(IniFault { line, finding });
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
        section.options.push((key.to_owned(), value.trim(), line));
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
    fn a_fault_names_its_line() {
        let line = |text| parse(text).unwrap_err().line;
        assert_eq!(line("[a]\nnothing"), 2);
        assert_eq!(line("x = 1"), 1);
        assert_eq!(line("[a]\n[b"), 2);
        assert_eq!(line("[a]\n[a]"), 2);
        assert_eq!(line("[a]\nx=1\nX=2"), 3);
    }
}
