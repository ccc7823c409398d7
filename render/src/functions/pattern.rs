//! Regular expressions as Python's `re` reads them, on an engine whose time is linear in the text.

use regex::{Captures, Regex, RegexBuilder};

use crate::series::LONGEST_NAME;

/// Largest compiled expression, in bytes.
const LARGEST: usize = 1 << 20;

/// Compiles a Python expression.
///
/// # Errors
/// Says what is wrong; look-around and back-references have no linear-time engine and are refused.
pub(crate) fn compile(pattern: &str) -> Result<Regex, String> {
    let translated = translate(pattern);
    RegexBuilder::new(&translated).size_limit(LARGEST).build().map_err(|error| {
        if ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|look| pattern.contains(look)) {
            return format!("`{pattern}` looks around, which is not supported");
        }
        let text = error.to_string();
        let last = text.lines().rev().find(|line| !line.trim().is_empty()).unwrap_or("it is no regular expression");
        format!("`{pattern}`: {}", last.trim().trim_start_matches("error: "))
    })
}

/// Writes what Python means and our engine reads otherwise: `\Z`, `\<`, braces that are no repetition, and brackets or
/// doubled signs inside a class, which are set operations here.
fn translate(pattern: &str) -> String {
    let mut text = String::with_capacity(pattern.len());
    let mut rest = pattern.chars().peekable();
    let mut class_at: Option<usize> = None;
    let mut read = 0;
    while let Some(c) = rest.next() {
        read += c.len_utf8();
        match (c, class_at) {
            ('\\', _) => {
                let escaped = rest.next();
                read += escaped.map_or(0, char::len_utf8);
                match escaped {
                    Some('Z') => text.push_str("\\z"),
                    Some(sign @ ('<' | '>')) => text.push(sign),
                    Some(other) => text.extend(['\\', other]),
                    None => text.push('\\'),
                }
            }
            ('[', None) => {
                class_at = Some(text.len());
                text.push('[');
                for sign in ['^', ']'] {
                    if rest.next_if_eq(&sign).is_some() {
                        read += 1;
                        text.push_str(if sign == ']' { "\\]" } else { "^" });
                    }
                }
            }
            ('[', Some(_)) => text.push_str("\\["),
            ('&' | '~', Some(_)) => text.extend(['\\', c]),
            (']', Some(_)) => {
                class_at = None;
                text.push(']');
            }
            ('{', None) if !is_repetition(&pattern[read..]) => text.push_str("\\{"),
            _ => text.push(c),
        }
    }
    text
}

/// Whether `{` is followed by `3}`, `3,}`, `,3}` or `3,4}`.
fn is_repetition(after: &str) -> bool {
    let Some((inside, _)) = after.split_once('}') else { return false };
    let (low, high) = inside.split_once(',').unwrap_or((inside, "0"));
    let digits = |text: &str| text.bytes().all(|b| b.is_ascii_digit());
    digits(low) && digits(high) && !low.is_empty()
}

/// Python's `re.sub`: every match replaced, where an empty match may follow a match directly (since Python 3.7).
///
/// # Errors
/// When the replacement names a group that the pattern does not have, or makes more than a name may hold.
pub(crate) fn replace(regex: &Regex, replacement: &str, text: &str) -> Result<String, String> {
    let parts = template(regex, replacement)?;
    let mut result = String::with_capacity(text.len());
    let (mut at, mut copied) = (0, 0);
    let mut empty_at = None;
    while at <= text.len() {
        let Some(found) = regex.captures_at(text, at) else { break };
        let Some(whole) = found.get(0) else { break };
        if whole.is_empty() && empty_at == Some(whole.start()) {
            // The same empty match again: go on behind the next character.
            at = whole.start() + text[whole.start()..].chars().next().map_or(1, char::len_utf8);
            continue;
        }
        result.push_str(&text[copied..whole.start()]);
        expand(&parts, &found, &mut result)?;
        (at, copied) = (whole.end(), whole.end());
        empty_at = whole.is_empty().then_some(whole.start());
    }
    result.push_str(&text[copied..]);
    Ok(result)
}

enum Part {
    Text(String),
    Group(usize),
}

fn expand(parts: &[Part], found: &Captures<'_>, result: &mut String) -> Result<(), String> {
    for part in parts {
        match part {
            Part::Text(text) => result.push_str(text),
            Part::Group(group) => result.push_str(found.get(*group).map_or("", |group| group.as_str())),
        }
        if result.len() > LONGEST_NAME {
            return Err(format!("the replacement makes a name of more than {LONGEST_NAME} bytes"));
        }
    }
    Ok(())
}

/// Reads `\1`, `\g<1>`, `\g<name>`, `\n`, `\\` in a replacement.
fn template(regex: &Regex, replacement: &str) -> Result<Vec<Part>, String> {
    let group = |index: usize| match index < regex.captures_len() {
        true => Ok(Part::Group(index)),
        false => Err(format!("the replacement `{replacement}` names group {index}, which the pattern does not have")),
    };
    let mut parts = Vec::new();
    let mut text = String::new();
    let mut rest = replacement;
    while let Some(at) = rest.find('\\') {
        text.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        let digits = rest.bytes().take(2).take_while(u8::is_ascii_digit).count();
        if digits > 0 {
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(group(rest[..digits].parse().unwrap_or(usize::MAX))?);
            rest = &rest[digits..];
        } else if let Some((name, after)) = rest.strip_prefix("g<").and_then(|rest| rest.split_once('>')) {
            let index = match name.parse() {
                Ok(index) => index,
                Err(_) => regex.capture_names().position(|known| known == Some(name)).unwrap_or(usize::MAX),
            };
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(group(index).map_err(|_| format!("the replacement names group `{name}`, which is not there"))?);
            rest = after;
        } else {
            let (c, after) = rest.chars().next().map_or((None, ""), |c| (Some(c), &rest[c.len_utf8()..]));
            match c {
                Some('n') => text.push('\n'),
                Some('t') => text.push('\t'),
                Some('\\') | None => text.push('\\'),
                Some(c) if c.is_ascii_alphabetic() => return Err(format!("`\\{c}` means nothing in a replacement")),
                Some(c) => text.extend(['\\', c]),
            }
            rest = after;
        }
    }
    text.push_str(rest);
    parts.push(Part::Text(text));
    Ok(parts)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, replacement: &str, text: &str, expected: &str) {
        assert_eq!(replace(&compile(pattern).unwrap(), replacement, text).as_deref(), Ok(expected));
    }

    #[test]
    fn replacing_is_pythons() {
        check("(^.*$)", "\\1 A", "a.b", "a.b A");
        check("(.*)", "\\1!", "ab", "ab!!");
        check("x*", "-", "abxd", "-a-b--d-");
        check("(?P<h>web)(\\d+)", "\\g<h>-\\2", "web01.x", "web-01.x");
        check("a{b", "c", "a{b}", "c}");
        check("[[]x[]]", "-", "[x]", "-");
        check("\\.", "/", "a.b.c", "a/b/c");
    }

    #[test]
    fn a_replacement_makes_no_endless_name() {
        let regex = compile("(.*)").unwrap();
        let long = "x".repeat(LONGEST_NAME / 2 + 1);
        assert!(replace(&regex, r"\1\1", &long).is_err());
        assert!(replace(&regex, r"\1", &long).is_ok());
    }

    #[test]
    fn faults_are_named() {
        assert!(compile("(").is_err());
        assert!(compile("(?=a)").unwrap_err().contains("looks around"));
        assert!(replace(&compile("a").unwrap(), "\\1", "a").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_pattern_makes_us_panic(pattern in "\\PC{0,12}|[\\[\\]{}()\\\\a-c,0-9^&~*]{0,12}", text in "\\PC{0,12}") {
            if let Ok(regex) = compile(&pattern) {
                let _ = replace(&regex, &pattern, &text);
            }
        }
    }
}
