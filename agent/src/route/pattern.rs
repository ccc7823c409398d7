//! Patterns of whole metric names: globs as Graphite has them, or regular expressions behind a `~`.

use regex_lite::Regex;

/// No pattern is longer.
const LONGEST: usize = 1024;

/// A pattern, ready to be used.
#[derive(Debug)]
pub(crate) struct NamePattern(Regex);

impl NamePattern {
    /// Reads a glob, which has to match the whole name: `*` stands for anything within a part, `**` for anything, `?`
    /// for one character of a part, `[a-z]` for one of these, `{a,b}` for one of those. Or, behind a `~`, a regular
    /// expression, which may match anywhere in it. What a wildcard of a glob stands for is a group: `$1` is the first.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub(crate) fn parse(text: &str) -> Result<NamePattern, String> {
        if text.is_empty() || text.len() > LONGEST {
            return Err(format!("a pattern has 1 to {LONGEST} bytes"));
        }
        let expression = match text.strip_prefix('~') {
            Some(expression) => expression.to_owned(),
            None => expression(text)?,
        };
        Regex::new(&expression).map(NamePattern).map_err(|fault| format!("{text:?} is no pattern: {fault}"))
    }

    /// Whether `name` matches.
    pub(crate) fn matches(&self, name: &str) -> bool {
        self.0.is_match(name)
    }

    /// `name` with what matches replaced; `None` when nothing does.
    pub(crate) fn replace(&self, name: &str, by: &str) -> Option<String> {
        self.matches(name).then(|| self.0.replace(name, by).into_owned())
    }

    /// Groups that a replacement may speak of.
    pub(crate) fn groups(&self) -> usize {
        self.0.captures_len() - 1
    }
}

/// The regular expression of a glob.
fn expression(glob: &str) -> Result<String, String> {
    let mut text = String::from("^");
    let (mut rest, mut open) = (glob.chars().peekable(), false);
    while let Some(c) = rest.next() {
        match c {
            '*' if rest.next_if_eq(&'*').is_some() => text.push_str("(.*)"),
            '*' => text.push_str("([^.]*)"),
            '?' => text.push_str("([^.])"),
            '[' => {
                let class: String = rest.by_ref().take_while(|c| *c != ']').collect();
                let (not, class) = class.strip_prefix('!').map_or(("", class.as_str()), |class| ("^", class));
                if class.is_empty() {
                    return Err(format!("{glob:?}: an empty [ ]"));
                }
                let class = class.replace('\\', "\\\\").replace('[', "\\[").replace('^', "\\^");
                text.push_str(&format!("([{not}{class}])"));
            }
            '{' if !open => {
                open = true;
                text.push('(');
            }
            '}' if open => {
                open = false;
                text.push(')');
            }
            ',' if open => text.push('|'),
            '{' | '}' => return Err(format!("{glob:?}: braces do not nest, and come in pairs")),
            c => text.push_str(&regex_lite::escape(c.encode_utf8(&mut [0; 4]))),
        }
    }
    if open {
        return Err(format!("{glob:?}: a brace is not closed"));
    }
    text.push('$');
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(NamePattern::parse(pattern).unwrap().matches(name), expected, "{pattern} {name}");
    }

    #[test]
    fn a_glob_means_the_whole_name_and_a_star_one_part() {
        check("servers.*.cpu.**", "servers.a.cpu.total.user", true);
        check("servers.*.cpu", "servers.a.cpu.total", false);
        check("servers.*.cpu", "servers.a.b.cpu", false);
        check("**.cpu.total.{user,idle}", "servers.a.cpu.total.idle", true);
        check("servers.web[0-9].?pu", "servers.web1.cpu", true);
        check("servers.web[!0-9].cpu", "servers.web1.cpu", false);
        check("a.b", "axb", false);
        check("~cpu\\.total", "servers.a.cpu.total.idle", true);
    }

    #[test]
    fn what_wildcards_stand_for_can_be_used() {
        let pattern = NamePattern::parse("servers.*.cpu.**").unwrap();
        assert_eq!(
            pattern.replace("servers.a.cpu.total.user", "hosts.${1}.proc.$2").unwrap(),
            "hosts.a.proc.total.user"
        );
        assert_eq!(pattern.replace("servers.a.memory.free", "x"), None);
        assert_eq!(pattern.groups(), 2);
    }

    #[test]
    fn what_is_no_pattern_is_refused() {
        for wrong in ["", "a{b", "a}b", "{a,{b,c}}", "~(", "[]", &"x".repeat(2000)] {
            assert!(NamePattern::parse(wrong).is_err(), "{wrong}");
        }
    }
}
