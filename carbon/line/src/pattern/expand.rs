//! Spells out brace lists: `{a,b}c` becomes `ac` and `bc`.

use super::{DEEPEST_NESTING, MOST_ALTERNATIVES, PatternFault};

/// Most characters that all alternatives of a segment may have together.
const MOST_TEXT: usize = 1 << 20;

/// One character of a pattern.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Symbol {
    pub(super) c: char,
    /// A backslash stood before it, so it stands for itself.
    pub(super) escaped: bool,
}

impl Symbol {
    /// Whether this is the special character `c`.
    pub(super) fn is(self, c: char) -> bool {
        self.c == c && !self.escaped
    }
}

/// The characters of `text`; a backslash vanishes and marks what comes after it.
pub(super) fn symbols(text: &str) -> Vec<Symbol> {
    let (mut symbols, mut escaped) = (Vec::with_capacity(text.len()), false);
    for c in text.chars() {
        if c == '\\' && !escaped {
            escaped = true;
            continue;
        }
        symbols.push(Symbol { c, escaped });
        escaped = false;
    }
    symbols
}

/// Every text that `segment` stands for once its lists are spelled out; without lists itself.
pub(super) fn braces(segment: &[Symbol]) -> Result<Vec<Vec<Symbol>>, PatternFault> {
    let pairs = pair(segment)?;
    product(segment, &pairs, 0)
}

/// For each opening brace where its closing one is; braces without a partner stand for themselves.
fn pair(segment: &[Symbol]) -> Result<Vec<Option<usize>>, PatternFault> {
    let (mut pairs, mut open) = (vec![None; segment.len()], Vec::new());
    for (at, symbol) in segment.iter().enumerate() {
        if symbol.is('{') {
            open.push(at);
        } else if symbol.is('}')
            && let Some(start) = open.pop()
        {
            pairs[start] = Some(at);
        }
    }
    let mut ends = Vec::new();
    for (at, end) in pairs.iter().enumerate() {
        ends.retain(|end| *end > at);
        ends.extend(*end);
        if ends.len() > DEEPEST_NESTING {
            return Err(PatternFault::TooDeep);
        }
    }
    Ok(pairs)
}

/// Each way to read `symbols`, which begin at `offset` of the segment that `pairs` belongs to.
fn product(symbols: &[Symbol], pairs: &[Option<usize>], offset: usize) -> Result<Vec<Vec<Symbol>>, PatternFault> {
    let mut found = vec![Vec::new()];
    let mut at = 0;
    while at < symbols.len() {
        // Text up to the next list goes to the end of each alternative, in one step so that its size is known before.
        let plain = (at..symbols.len()).find(|at| pairs[offset + at].is_some()).unwrap_or(symbols.len());
        found = combine(&found, &[symbols[at..plain].to_vec()])?;
        at = plain;
        let Some(close) = pairs.get(offset + at).copied().flatten().filter(|_| at < symbols.len()) else { break };
        let close = close - offset;
        let choices = alternatives(&symbols[at + 1..close], pairs, offset + at + 1)?;
        found = combine(&found, &choices)?;
        at = close + 1;
    }
    bounded(found)
}

/// The alternatives of one list, without its braces.
fn alternatives(list: &[Symbol], pairs: &[Option<usize>], offset: usize) -> Result<Vec<Vec<Symbol>>, PatternFault> {
    let (mut found, mut start, mut at) = (Vec::new(), 0, 0);
    while at <= list.len() {
        if at == list.len() || list[at].is(',') {
            found.extend(product(&list[start..at], pairs, offset + start)?);
            found = bounded(found)?;
            start = at + 1;
        } else if let Some(close) = pairs[offset + at] {
            // A comma of an inner list parts nothing here.
            at = close - offset;
        }
        at += 1;
    }
    Ok(found)
}

fn combine(heads: &[Vec<Symbol>], tails: &[Vec<Symbol>]) -> Result<Vec<Vec<Symbol>>, PatternFault> {
    if heads.len().saturating_mul(tails.len()) > MOST_ALTERNATIVES {
        return Err(PatternFault::TooManyAlternatives);
    }
    let length = |texts: &[Vec<Symbol>]| texts.iter().map(Vec::len).sum::<usize>();
    if length(heads) * tails.len() + length(tails) * heads.len() > MOST_TEXT {
        return Err(PatternFault::TooManyAlternatives);
    }
    Ok(heads.iter().flat_map(|head| tails.iter().map(|tail| [&head[..], &tail[..]].concat())).collect())
}

fn bounded(texts: Vec<Vec<Symbol>>) -> Result<Vec<Vec<Symbol>>, PatternFault> {
    let too_many = texts.len() > MOST_ALTERNATIVES || texts.iter().map(Vec::len).sum::<usize>() > MOST_TEXT;
    if too_many { Err(PatternFault::TooManyAlternatives) } else { Ok(texts) }
}
