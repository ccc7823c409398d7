//! One alternative with wildcards, matched against one part of a name. Sets and ranges read as Python's `fnmatch` does.

use super::expand::Symbol;

/// Characters at the front that are known, then single characters, sets and runs.
#[derive(Clone, Debug)]
pub(super) struct Glob {
    prefix: Box<str>,
    tokens: Box<[Token]>,
    /// Known characters at the end, behind the last token.
    suffix: Box<str>,
}

#[derive(Clone, Debug)]
enum Token {
    Char(char),
    One,
    Run,
    /// Ranges in order, without overlap.
    Set {
        inside: bool,
        ranges: Box<[(char, char)]>,
    },
}

/// What an alternative turned out to be.
pub(super) enum Compiled {
    Literal(String),
    Glob(Glob),
}

impl Glob {
    pub(super) fn compile(symbols: &[Symbol]) -> Compiled {
        let tokens = tokens(symbols);
        let known = |token: &Token| if let Token::Char(c) = token { Some(*c) } else { None };
        let prefix: String = tokens.iter().map_while(known).collect();
        let front = tokens.iter().take_while(|token| known(token).is_some()).count();
        if front == tokens.len() {
            return Compiled::Literal(prefix);
        }
        let back = tokens.iter().rev().take_while(|token| known(token).is_some()).count();
        let suffix: String = tokens[tokens.len() - back..].iter().filter_map(known).collect();
        let middle = tokens[front..tokens.len() - back].into();
        Compiled::Glob(Glob { prefix: prefix.into(), tokens: middle, suffix: suffix.into() })
    }

    /// `*`.
    pub(super) fn anything() -> Glob {
        Glob { prefix: "".into(), tokens: Box::new([Token::Run]), suffix: "".into() }
    }

    pub(super) fn is_anything(&self) -> bool {
        self.prefix.is_empty() && self.suffix.is_empty() && matches!(*self.tokens, [Token::Run])
    }

    pub(super) fn prefix(&self) -> &str {
        &self.prefix
    }

    pub(super) fn matches(&self, part: &str) -> bool {
        let Some(rest) = part.strip_prefix(&*self.prefix) else { return false };
        let Some(middle) = rest.strip_suffix(&*self.suffix) else { return false };
        matches!(*self.tokens, [Token::Run]) || matches_tokens(&self.tokens, middle)
    }
}

/// Takes as little as possible for each run; on a mismatch the last run takes one character more.
fn matches_tokens(tokens: &[Token], text: &str) -> bool {
    let (mut at, mut rest) = (0, text.chars());
    let mut retry = None;
    loop {
        if matches!(tokens.get(at), Some(Token::Run)) {
            at += 1;
            if at == tokens.len() {
                return true;
            }
            retry = Some((at, rest.clone()));
            continue;
        }
        match (tokens.get(at), rest.next()) {
            (None, None) => return true,
            (Some(token), Some(c)) if token.matches(c) => at += 1,
            (Some(_), None) => return false,
            (_, Some(_)) => {
                let Some((behind, taken)) = &mut retry else { return false };
                if taken.next().is_none() {
                    return false;
                }
                (at, rest) = (*behind, taken.clone());
            }
        }
    }
}

impl Token {
    fn matches(&self, c: char) -> bool {
        match self {
            Token::Char(own) => *own == c,
            Token::One | Token::Run => true,
            Token::Set { inside, ranges } => {
                let behind = ranges.partition_point(|(low, _)| *low <= c);
                (behind > 0 && c <= ranges[behind - 1].1) == *inside
            }
        }
    }
}

fn tokens(symbols: &[Symbol]) -> Vec<Token> {
    let (mut tokens, mut at) = (Vec::with_capacity(symbols.len()), 0);
    // Behind the last closing bracket no set is looked for, or each of many open ones would search to the end.
    let last_close = symbols.iter().rposition(|symbol| symbol.is(']')).unwrap_or(0);
    while let Some(symbol) = symbols.get(at) {
        at += 1;
        if symbol.is('*') {
            if !matches!(tokens.last(), Some(Token::Run)) {
                tokens.push(Token::Run);
            }
        } else if symbol.is('?') {
            tokens.push(Token::One);
        } else if symbol.is('[')
            && at <= last_close
            && let Some((token, length)) = set(&symbols[at..])
        {
            tokens.push(token);
            at += length;
        } else {
            tokens.push(Token::Char(symbol.c));
        }
    }
    tokens
}

/// Reads a set behind its opening bracket, and says how many symbols it took; `None` if it is never closed.
fn set(symbols: &[Symbol]) -> Option<(Token, usize)> {
    let negated = symbols.first()?.is('!');
    let start = usize::from(negated);
    // A bracket in the first place belongs to the set.
    let close = start + 1 + symbols.get(start + 1..)?.iter().position(|symbol| symbol.is(']'))?;
    let (mut members, mut ranges) = (&symbols[start..close], Vec::new());
    loop {
        match members {
            [] => break,
            [low, dash, high, rest @ ..] if dash.is('-') => {
                // A range that runs backwards holds nothing.
                if low.c <= high.c {
                    ranges.push((low.c, high.c));
                }
                members = rest;
            }
            [one, rest @ ..] => {
                ranges.push((one.c, one.c));
                members = rest;
            }
        }
    }
    Some((Token::Set { inside: !negated, ranges: merged(ranges).into() }, close + 1))
}

/// The same characters in order and without overlap, so that a long set is searched by halves.
fn merged(mut ranges: Vec<(char, char)>) -> Vec<(char, char)> {
    ranges.sort_unstable();
    let mut merged: Vec<(char, char)> = Vec::new();
    for (low, high) in ranges {
        match merged.last_mut() {
            Some(last) if low <= last.1 => last.1 = last.1.max(high),
            _ => merged.push((low, high)),
        }
    }
    merged
}
