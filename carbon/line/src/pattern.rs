//! Glob patterns over dotted names, one part between two dots at a time.
//!
//! `*` any run of characters, `?` one character, `[a-z]` one of a set, `[!a-z]` one outside it, `{a,b*}` either of
//! several patterns, a part that is `**` any number of parts. No pattern crosses a dot but `**`. Backslashes are
//! dropped, as graphite-web's finder drops them. Source: graphite-web's `finders/standard.py` and `match_entries`.

/// Longest pattern in bytes.
pub const LONGEST_PATTERN: usize = 8_192;

/// Most alternatives that the braces of one part may stand for.
pub const MOST_ALTERNATIVES: usize = 4_096;

/// A compiled pattern such as `servers.*.cpu.{user,idle}`.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
    segments: Vec<Segment>,
}

/// Why a pattern is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternFault {
    /// Nothing to look for.
    #[error("the pattern is empty")]
    Empty,
    /// More than [`LONGEST_PATTERN`] bytes.
    #[error("the pattern is longer than {LONGEST_PATTERN} bytes")]
    TooLong,
    /// Braces that multiply beyond [`MOST_ALTERNATIVES`].
    #[error("the braces of one part stand for more than {MOST_ALTERNATIVES} alternatives")]
    TooManyAlternatives,
}

/// What one part of a name must look like.
#[derive(Clone, Debug)]
pub enum Segment {
    /// Exactly this.
    Exact(String),
    /// `**`: any number of parts, none included.
    Deep,
    /// One of several alternatives.
    Glob(Glob),
}

/// The alternatives of one part, braces resolved.
#[derive(Clone, Debug)]
pub struct Glob {
    /// Alternatives without wildcards, sorted.
    exact: Vec<String>,
    wild: Vec<Vec<Token>>,
}

#[derive(Clone, Debug)]
enum Token {
    Char(char),
    One,
    Run,
    Set { ranges: Vec<(char, char)>, negated: bool },
}

impl Pattern {
    /// Compiles `text`; parts without a letter in them (`a..b`, a dot at an end) are left out, as in names.
    ///
    /// # Errors
    /// Names the limit that `text` exceeds.
    pub fn parse(text: &str) -> Result<Pattern, PatternFault> {
        if text.len() > LONGEST_PATTERN {
            return Err(PatternFault::TooLong);
        }
        let clean = text.replace('\\', "");
        let parts = clean.split('.').filter(|part| !part.is_empty());
        let segments = parts.map(Segment::parse).collect::<Result<Vec<_>, _>>()?;
        if segments.is_empty() {
            return Err(PatternFault::Empty);
        }
        Ok(Pattern { text: text.to_owned(), segments })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The parts in order, at least one.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// The one name that the pattern stands for, if it has no wildcard.
    pub fn exact(&self) -> Option<String> {
        let parts = self.segments.iter().map(|segment| match segment {
            Segment::Exact(part) => Some(part.as_str()),
            Segment::Deep | Segment::Glob(_) => None,
        });
        Some(parts.collect::<Option<Vec<_>>>()?.join("."))
    }

    /// Whether `name` as a whole matches; allocates nothing.
    pub fn matches(&self, name: &str) -> bool {
        matches_parts(&self.segments, Some(name))
    }
}

/// `rest` is what follows the last dot taken, `None` once the name has ended.
fn matches_parts(mut segments: &[Segment], mut rest: Option<&str>) -> bool {
    // The latest `**` and where the name stood when it was met: on a mismatch it swallows one part more. Only the
    // latest needs to be remembered, so the time is the product of the lengths at worst.
    let mut retry: Option<(&[Segment], &str)> = None;
    loop {
        let advanced = match (segments.split_first(), rest) {
            (Some((Segment::Deep, after)), _) => {
                retry = rest.map(|rest| (after, rest));
                segments = after;
                continue;
            }
            (None, None) => return true,
            (Some((segment, after)), Some(name)) => {
                let (part, behind) = split_part(name);
                segment.matches(part).then_some((after, behind))
            }
            (None, Some(_)) | (Some(_), None) => None,
        };
        if let Some(advanced) = advanced {
            (segments, rest) = advanced;
            continue;
        }
        let Some((after, name)) = retry else { return false };
        let (_, behind) = split_part(name);
        (segments, rest) = (after, behind);
        retry = behind.map(|behind| (after, behind));
    }
}

fn split_part(name: &str) -> (&str, Option<&str>) {
    name.split_once('.').map_or((name, None), |(part, behind)| (part, Some(behind)))
}

impl Segment {
    fn parse(part: &str) -> Result<Segment, PatternFault> {
        if part == "**" {
            return Ok(Segment::Deep);
        }
        let (mut exact, mut wild) = (Vec::new(), Vec::new());
        for alternative in alternatives(part)? {
            if alternative.contains(['*', '?', '[']) {
                wild.push(tokens(&alternative));
            } else {
                exact.push(alternative);
            }
        }
        if wild.is_empty() && exact.len() == 1 {
            return Ok(Segment::Exact(exact.swap_remove(0)));
        }
        exact.sort_unstable();
        exact.dedup();
        Ok(Segment::Glob(Glob { exact, wild }))
    }

    /// Whether one part of a name matches; `**` matches any one part here.
    pub fn matches(&self, part: &str) -> bool {
        match self {
            Segment::Exact(text) => text == part,
            Segment::Deep => true,
            Segment::Glob(glob) => {
                glob.exact.binary_search_by(|text| text.as_str().cmp(part)).is_ok()
                    || glob.wild.iter().any(|tokens| matches_tokens(tokens, part))
            }
        }
    }

    /// The only texts that match, when there are finitely many: lets a finder look them up instead of listing.
    pub fn literals(&self) -> Option<&[String]> {
        match self {
            Segment::Exact(text) => Some(std::slice::from_ref(text)),
            Segment::Glob(glob) if glob.wild.is_empty() => Some(&glob.exact),
            Segment::Deep | Segment::Glob(_) => None,
        }
    }
}

/// Resolves braces, outermost first; a brace without its partner stands for itself.
fn alternatives(part: &str) -> Result<Vec<String>, PatternFault> {
    let (mut open, mut done) = (vec![part.to_owned()], Vec::new());
    while let Some(text) = open.pop() {
        let Some((before, choices, after)) = split_braces(&text) else {
            done.push(text);
            continue;
        };
        if open.len() + done.len() + choices.len() > MOST_ALTERNATIVES {
            return Err(PatternFault::TooManyAlternatives);
        }
        // The last choice is looked at first, so pushing in reverse keeps the written order.
        open.extend(choices.iter().rev().map(|choice| format!("{before}{choice}{after}")));
    }
    Ok(done)
}

/// The first pair of braces with what stands before, its choices, and what stands after.
fn split_braces(text: &str) -> Option<(&str, Vec<&str>, &str)> {
    for (start, _) in text.match_indices('{') {
        let (mut depth, mut from, mut choices) = (0_usize, start + 1, Vec::new());
        for (at, c) in text[start..].char_indices().map(|(at, c)| (start + at, c)) {
            match c {
                '{' => depth += 1,
                ',' if depth == 1 => {
                    choices.push(&text[from..at]);
                    from = at + 1;
                }
                '}' if depth == 1 => {
                    choices.push(&text[from..at]);
                    return Some((&text[..start], choices, &text[at + 1..]));
                }
                '}' => depth -= 1,
                _ => {}
            }
        }
    }
    None
}

fn tokens(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let (mut tokens, mut at) = (Vec::new(), 0);
    while at < chars.len() {
        match chars[at] {
            '*' if matches!(tokens.last(), Some(Token::Run)) => {}
            '*' => tokens.push(Token::Run),
            '?' => tokens.push(Token::One),
            '[' => match set(&chars[at + 1..]) {
                Some((token, length)) => {
                    tokens.push(token);
                    at += length;
                }
                None => tokens.push(Token::Char('[')),
            },
            c => tokens.push(Token::Char(c)),
        }
        at += 1;
    }
    tokens
}

/// Reads a set from behind its `[`; gives it with the number of characters up to and including its `]`, or nothing
/// when there is no `]`. A `]` in first place is a member, as for the shell.
fn set(chars: &[char]) -> Option<(Token, usize)> {
    let negated = chars.first() == Some(&'!');
    let first = usize::from(negated);
    let close = first + 1 + chars.get(first + 1..)?.iter().position(|c| *c == ']')?;
    let (mut ranges, mut at) = (Vec::new(), first);
    while at < close {
        let is_range = at + 2 < close && chars[at + 1] == '-';
        let last = if is_range { at + 2 } else { at };
        ranges.push((chars[at], chars[last]));
        at = last + 1;
    }
    Some((Token::Set { ranges, negated }, close + 1))
}

/// As for parts: only the latest `*` is ever tried again.
fn matches_tokens(tokens: &[Token], part: &str) -> bool {
    let (mut at, mut rest, mut retry) = (0, part.chars(), None);
    loop {
        let mut ahead = rest.clone();
        let matched = match (tokens.get(at), ahead.next()) {
            (Some(Token::Run), _) => {
                at += 1;
                retry = Some((at, rest.clone()));
                continue;
            }
            (None, None) => return true,
            (Some(token), Some(c)) => token.matches(c),
            (None, Some(_)) | (Some(_), None) => false,
        };
        if matched {
            at += 1;
            rest = ahead;
            continue;
        }
        let Some((after, mut from)) = retry.take() else { return false };
        if from.next().is_none() {
            return false;
        }
        (at, rest) = (after, from.clone());
        retry = Some((after, from));
    }
}

impl Token {
    fn matches(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::One | Token::Run => true,
            Token::Set { ranges, negated } => ranges.iter().any(|(low, high)| (*low..=*high).contains(&c)) != *negated,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, name: &str, expected: bool) {
        assert_eq!(Pattern::parse(pattern).unwrap().matches(name), expected, "{pattern} against {name}");
    }

    #[test]
    fn a_wildcard_stays_within_its_part() {
        check("a.*.c", "a.b.c", true);
        check("a.*.c", "a.b.b.c", false);
        check("a.*", "a", false);
        check("*b*", "abc", true);
        check("*.b?", "a.bc", true);
        check("a*b*c", "axxbxbc", true);
        check("a*b*c", "axxbxbd", false);
    }

    #[test]
    fn sets_and_braces_choose() {
        check("web0[1-3].x", "web02.x", true);
        check("web0[!1-3].x", "web02.x", false);
        check("a.{b,c*}.d", "a.cool.d", true);
        check("a.{b,{c,d}e}", "a.de", true);
        check("a.{b,{c,d}e}", "a.d", false);
        check("a.{b", "a.{b", true);
        check("a.[b", "a.[b", true);
        check("a.[]b]", "a.]", true);
    }

    #[test]
    fn two_stars_cross_dots() {
        check("a.**", "a", true);
        check("a.**", "a.b.c", true);
        check("a.**.c", "a.x.y.c", true);
        check("**.c", "a.b.c.d", false);
        check("**.b.**.d", "a.b.c.b.d", true);
    }

    #[test]
    fn a_pattern_without_wildcards_is_one_name() {
        assert_eq!(Pattern::parse(".a..b").unwrap().exact().as_deref(), Some("a.b"));
        assert_eq!(Pattern::parse("a.b?").unwrap().exact(), None);
    }

    #[test]
    fn braces_that_multiply_are_refused() {
        assert!(matches!(Pattern::parse(&"{a,b}".repeat(20)), Err(PatternFault::TooManyAlternatives)));
        assert!(matches!(Pattern::parse("..."), Err(PatternFault::Empty)));
        check(&"*a".repeat(1000), &"a".repeat(3000), true);
    }
}
