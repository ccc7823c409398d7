//! Allow and deny lists: which names come in at all. Source: carbon's whitelist.conf and blacklist.conf.
//!
//! Each line is a regular expression that is looked for anywhere in a name. All lines of a list are tried in one pass,
//! so a name costs about its length in nanoseconds, however long the list is.

use std::path::Path;

use regex::{RegexSet, RegexSetBuilder};

use super::{RuleError, read};

/// Bytes that a compiled list may take: some ten thousand lines.
const LARGEST: usize = 64 << 20;

/// One list.
#[derive(Clone, Debug)]
pub struct NameList {
    patterns: RegexSet,
    /// Lines that carbon passes over, each with the reason, for a warning at start.
    pub skipped: Vec<String>,
}

/// Both lists together.
#[derive(Clone, Debug, Default)]
pub struct NameLists {
    /// Names that stay outside. Asked first.
    pub deny: NameList,
    /// The only names that come in; an empty list lets all names in.
    pub allow: NameList,
}

/// What the lists say of a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It comes in.
    Welcome,
    /// The deny list has it; carbon's `blacklistMatches`.
    Denied,
    /// There is an allow list, and it lacks the name; carbon's `whitelistRejects`.
    NotAllowed,
}

impl NameList {
    /// Reads a list from its file.
    ///
    /// # Errors
    /// As [`NameList::parse`], and when the file cannot be read.
    pub fn read(path: &Path) -> Result<NameList, RuleError> {
        read(path, NameList::parse)
    }

    /// Reads the text of a list. White space around a pattern does not count; a `#` in the first column makes a comment.
    ///
    /// A line that is no regular expression is passed over, as carbon does.
    ///
    /// # Errors
    /// A line that carbon takes and we do not: look-around or back-references. To pass over it would let in what the
    /// list was made to keep out.
    pub fn parse(text: &str) -> Result<NameList, RuleError> {
        let (mut patterns, mut skipped) = (Vec::new(), Vec::new());
        for (index, line) in text.lines().enumerate() {
            let (number, pattern) = (index + 1, line.trim());
            if line.starts_with('#') || pattern.is_empty() {
                continue;
            }
            match regex::Regex::new(pattern) {
                Ok(_) => patterns.push(pattern),
                Err(fault) if is_beyond_us(&fault) => {
                    let finding = format!("`{pattern}` needs look-around or a back-reference, which we do not have");
                    return Err(RuleError::Line { line: number, finding });
                }
                Err(_) => skipped.push(format!("line {number}: `{pattern}` is no regular expression")),
            }
        }
        let set = RegexSetBuilder::new(&patterns).size_limit(LARGEST).build();
        let patterns =
            set.map_err(|fault| RuleError::Line { line: text.lines().count(), finding: fault.to_string() })?;
        Ok(NameList { patterns, skipped })
    }

    /// Whether a pattern of the list is found in `name`.
    pub fn contains(&self, name: &str) -> bool {
        self.patterns.is_match(name)
    }

    /// How many patterns are in force.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }
}

impl Default for NameList {
    /// No pattern at all.
    fn default() -> NameList {
        NameList { patterns: RegexSet::empty(), skipped: Vec::new() }
    }
}

impl NameLists {
    /// What becomes of `name`.
    pub fn judge(&self, name: &str) -> Verdict {
        if self.deny.contains(name) {
            Verdict::Denied
        } else if !self.allow.is_empty() && !self.allow.contains(name) {
            Verdict::NotAllowed
        } else {
            Verdict::Welcome
        }
    }

    /// Whether every name comes in.
    pub fn is_empty(&self) -> bool {
        self.deny.is_empty() && self.allow.is_empty()
    }
}

/// The parser of patterns tells these by its words alone.
fn is_beyond_us(fault: &regex::Error) -> bool {
    let fault = fault.to_string();
    fault.contains("look-around") || fault.contains("backreferences")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(deny: &str, allow: &str, name: &str, expected: Verdict) {
        let lists = NameLists { deny: NameList::parse(deny).unwrap(), allow: NameList::parse(allow).unwrap() };
        assert_eq!(lists.judge(name), expected);
    }

    #[test]
    fn the_deny_list_is_asked_first_and_an_empty_allow_list_lets_all_in() {
        check("noisy", "", "a.b", Verdict::Welcome);
        check("noisy", "", "a.noisy.b", Verdict::Denied);
        check("noisy", "^a", "a.noisy.b", Verdict::Denied);
        check("noisy", "^a", "b", Verdict::NotAllowed);
        check("# ^a", "", "a", Verdict::Welcome);
    }

    #[test]
    fn a_line_that_is_no_pattern_is_named_and_passed_over() {
        let list = NameList::parse("(\n ^pad \n\n#x").unwrap();
        assert_eq!(
            (list.len(), list.skipped.as_slice()),
            (1, &["line 1: `(` is no regular expression".to_owned()][..])
        );
    }

    #[test]
    fn a_line_that_only_carbon_understands_is_refused() {
        for pattern in ["^(?!servers)", "(?<=a)b", r"(a)\1"] {
            let fault = NameList::parse(&format!("a\n{pattern}")).unwrap_err().to_string();
            assert!(fault.starts_with("line 2: "), "{fault}");
        }
    }
}
