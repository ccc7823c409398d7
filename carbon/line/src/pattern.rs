//! Glob patterns over dotted names, as graphite-web's finder understands them.
//!
//! A pattern is cut at its dots into [`Segment`]s; each matches one part of a name. Inside a segment `*` is any run of
//! characters, `?` one character, `[a-c]` and `[!a-c]` one out of a set, and `{a,b*}` one of several, nested at will.
//! A segment `**` matches any number of parts, at the end of a pattern at least one. A backslash takes the meaning from
//! the character after it. Braces do not reach over a dot: `{a.b,c}` is the two segments `{a` and `b,c}`.
//!
//! Lists are spelled out when the pattern is compiled, so a segment is a sorted list of plain words, which a directory
//! walk can ask for by name, and some globs. Matching never allocates. A glob goes back only to its last `*`, so the
//! worst case is the product of both lengths, never exponential.

mod expand;
mod glob;

use std::str::Split;

use glob::Glob;

/// Longest pattern, in bytes; a list of some thousand hosts fits.
pub const LONGEST_PATTERN: usize = 64 * 1024;

/// Most braces inside each other.
pub const DEEPEST_NESTING: usize = 16;

/// Most alternatives that the lists of one segment may multiply to.
pub const MOST_ALTERNATIVES: usize = 8_192;

/// A compiled pattern such as `servers.*.cpu.{user,idle}`.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: Box<str>,
    segments: Box<[Segment]>,
}

/// What one part of a name has to look like.
#[derive(Clone, Debug)]
pub struct Segment {
    any_depth: bool,
    /// Sorted, each once.
    literals: Box<[Box<str>]>,
    globs: Box<[Glob]>,
}

/// Why a text is no pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternFault {
    /// Nothing is left once the dots are gone.
    #[error("the pattern is empty")]
    Empty,
    /// More than [`LONGEST_PATTERN`] bytes.
    #[error("the pattern is longer than {LONGEST_PATTERN} bytes")]
    TooLong,
    /// More than [`DEEPEST_NESTING`] braces inside each other.
    #[error("the pattern nests braces more than {DEEPEST_NESTING} deep")]
    TooDeep,
    /// The lists multiply to more than [`MOST_ALTERNATIVES`], or to too much text.
    #[error("the pattern's lists multiply to more than {MOST_ALTERNATIVES} alternatives; ask in several patterns")]
    TooManyAlternatives,
}

impl Pattern {
    /// Compiles `text`. Empty segments (`a..b`, `.a`) count as absent, as they do in names.
    ///
    /// # Errors
    /// Names the limit that the pattern exceeds. Anything else is a pattern: an unclosed brace or bracket stands for
    /// itself, as in graphite-web.
    pub fn parse(text: &str) -> Result<Pattern, PatternFault> {
        if text.len() > LONGEST_PATTERN {
            return Err(PatternFault::TooLong);
        }
        let mut segments = Vec::new();
        for segment in expand::symbols(text).split(|symbol| symbol.c == '.') {
            match segment {
                [] => {}
                [a, b] if a.is('*') && b.is('*') => segments.push(Segment::any_depth()),
                symbols => segments.push(Segment::compile(symbols)?),
            }
        }
        match segments.last() {
            None => return Err(PatternFault::Empty),
            Some(last) if last.any_depth => segments.push(Segment::anything()),
            Some(_) => {}
        }
        Ok(Pattern { text: text.into(), segments: segments.into() })
    }

    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// What the parts of a name have to look like. A `**` at the end is given as `**` followed by `*`.
    pub fn segments(&self) -> &[Segment] {
        &self.segments
    }

    /// Whether the pattern can match one name only, because it holds no wildcard and no list of several.
    pub fn is_exact(&self) -> bool {
        self.segments.iter().all(|segment| segment.literal().is_some())
    }

    /// The one text that an exact pattern matches; `None` for a pattern with wildcards or lists. It need not be a name
    /// that a metric can have.
    pub fn exact(&self) -> Option<String> {
        let parts: Option<Vec<&str>> = self.segments.iter().map(Segment::literal).collect();
        Some(parts?.join("."))
    }

    /// Whether the whole dotted `name` matches; an empty name never does.
    pub fn matches(&self, name: &str) -> bool {
        let mut parts = name.split('.');
        let mut at = 0;
        // Where to go on when a later segment fails: just behind the last `**`, one part further each time.
        let mut retry: Option<(usize, Split<'_, char>)> = None;
        loop {
            if self.segments.get(at).is_some_and(|segment| segment.any_depth) {
                at += 1;
                retry = Some((at, parts.clone()));
                continue;
            }
            match (self.segments.get(at), parts.next()) {
                (None, None) => return true,
                (Some(segment), Some(part)) if segment.matches(part) => at += 1,
                // No part is left, and skipping more of them cannot bring one back.
                (Some(_), None) => return false,
                (_, Some(_)) => {
                    let Some((behind, skipped)) = &mut retry else { return false };
                    if skipped.next().is_none() {
                        return false;
                    }
                    (at, parts) = (*behind, skipped.clone());
                }
            }
        }
    }
}

impl std::fmt::Display for Pattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

impl Segment {
    fn compile(symbols: &[expand::Symbol]) -> Result<Segment, PatternFault> {
        let (mut literals, mut globs) = (Vec::new(), Vec::new());
        for variant in expand::braces(symbols)? {
            match Glob::compile(&variant) {
                glob::Compiled::Literal(word) => literals.push(word.into_boxed_str()),
                glob::Compiled::Glob(glob) => globs.push(glob),
            }
        }
        literals.sort_unstable();
        literals.dedup();
        Ok(Segment { any_depth: false, literals: literals.into(), globs: globs.into() })
    }

    fn any_depth() -> Segment {
        Segment { any_depth: true, ..Segment::anything() }
    }

    fn anything() -> Segment {
        Segment { any_depth: false, literals: Box::default(), globs: Box::new([Glob::anything()]) }
    }

    /// Whether this is `**`, which stands for any number of parts; [`Segment::matches`] looks at one of them.
    pub fn is_any_depth(&self) -> bool {
        self.any_depth
    }

    /// The plain words among the alternatives, sorted, each once.
    pub fn literals(&self) -> &[Box<str>] {
        &self.literals
    }

    /// Whether there are wildcards beside the [`literals`](Segment::literals), so that a directory has to be listed.
    pub fn has_wildcards(&self) -> bool {
        !self.globs.is_empty()
    }

    /// The only word that matches, if there is exactly one.
    pub fn literal(&self) -> Option<&str> {
        match (&*self.literals, self.has_wildcards()) {
            ([word], false) => Some(word),
            _ => None,
        }
    }

    /// What each matching part begins with, as far as it is known; empty when nothing is.
    pub fn prefix(&self) -> &str {
        let words = self.literals.iter().map(|word| &**word);
        let begins = words.chain(self.globs.iter().map(Glob::prefix));
        begins.reduce(common).unwrap_or_default()
    }

    /// Whether every part matches, as with `*`.
    pub fn matches_all(&self) -> bool {
        self.globs.iter().any(Glob::is_anything)
    }

    /// Whether one part of a name, without dots, matches.
    pub fn matches(&self, part: &str) -> bool {
        self.literals.binary_search_by(|word| (**word).cmp(part)).is_ok()
            || self.globs.iter().any(|glob| glob.matches(part))
    }
}

/// What both begin with.
fn common<'t>(a: &'t str, b: &str) -> &'t str {
    let same = a.bytes().zip(b.bytes()).take_while(|(a, b)| a == b).count();
    // Two characters may share their first bytes.
    let end = (0..=same).rev().find(|end| a.is_char_boundary(*end)).unwrap_or(0);
    &a[..end]
}

#[cfg(test)]
mod tests;
