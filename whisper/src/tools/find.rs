//! `find`: the metrics of a tree, by pattern, with their retentions.

use std::path::Path;

use super::arguments::Arguments;
use super::info;
use super::json::Json;
use super::walk::{is_leftover, metric_of, walk};
use super::{DONE, FAILED, Failure, JSON, Session, Verb};
use crate::{Retention, Whisper};

pub(super) const VERB: Verb = Verb {
    name: "find",
    operands: "[options] folder [pattern]*",
    about: "Lists the metrics below a folder whose dotted name fits a pattern, with their retentions.
A pattern knows `*` and `?` within a part of the name, `[a-z]`, and `{one,other}`; without one all are listed.",
    options: &[JSON],
    run,
};

fn run(arguments: &Arguments, session: &mut Session) -> Result<u8, Failure> {
    let root = arguments.path(0).ok_or(Failure::Help)?;
    let patterns = arguments.operands[1..].iter().map(|pattern| Pattern::parse(&pattern.to_string_lossy()));
    let patterns: Vec<Pattern> = patterns.collect::<Result<_, _>>().map_err(Failure::Message)?;
    let json = arguments.has("json");
    let (mut found, mut code) = (Vec::new(), DONE);
    walk(&root, |path| -> Result<(), Failure> {
        let path = match path {
            Ok(path) if is_leftover(path) => return Ok(()),
            Ok(path) => path,
            Err(error) => {
                code = FAILED;
                return Ok(writeln!(session.err, "[ERROR] {error}")?);
            }
        };
        let metric = metric_of(&root, path);
        if !patterns.is_empty() && !patterns.iter().any(|pattern| pattern.fits(&metric)) {
            return Ok(());
        }
        match describe(path, &metric, json) {
            Ok(Listed::Line(line)) => writeln!(session.out, "{line}")?,
            Ok(Listed::Json(entry)) => found.push(entry),
            Err(error) => {
                code = FAILED;
                writeln!(session.err, "[ERROR] {error}")?;
            }
        }
        Ok(())
    })?;
    if json {
        writeln!(session.out, "{}", Json::List(found).to_text(": "))?;
    }
    Ok(code)
}

enum Listed {
    Line(String),
    Json(Json),
}

fn describe(path: &Path, metric: &str, json: bool) -> Result<Listed, crate::Error> {
    let file = Whisper::open_read_only(path)?;
    let header = file.header();
    if json {
        let mut fields = vec![("metric", Json::Text(metric.to_owned()))];
        if let Json::Map(header) = info::json(header, file.file_size()?) {
            fields.extend(header);
        }
        return Ok(Listed::Json(Json::Map(fields)));
    }
    let archives = header.archives.iter().map(|info| match Retention::new(info.step, info.points) {
        Some(retention) => retention.to_string(),
        None => format!("{}:{}", info.step, info.points),
    });
    let archives: Vec<String> = archives.collect();
    Ok(Listed::Line(format!("{metric}\t{}\t{}\t{}", archives.join(","), header.method, header.x_files_factor)))
}

/// A pattern over dotted names: each of its alternatives part by part.
struct Pattern(Vec<Vec<Vec<char>>>);

/// Braces multiply; more alternatives than this are a mistake.
const MOST_ALTERNATIVES: usize = 10_000;

impl Pattern {
    fn parse(text: &str) -> Result<Pattern, String> {
        let alternatives = expand(text)?;
        let parts = |text: String| text.split('.').map(|part| part.chars().collect()).collect();
        Ok(Pattern(alternatives.into_iter().map(parts).collect()))
    }

    fn fits(&self, metric: &str) -> bool {
        let names: Vec<Vec<char>> = metric.split('.').map(|part| part.chars().collect()).collect();
        self.0.iter().any(|parts| {
            parts.len() == names.len() && parts.iter().zip(&names).all(|(part, name)| part_fits(part, name))
        })
    }
}

/// `a.{b,c}` as `a.b` and `a.c`; inner braces first.
fn expand(text: &str) -> Result<Vec<String>, String> {
    let mut pending = vec![text.to_owned()];
    let mut done = Vec::new();
    while let Some(text) = pending.pop() {
        let Some(close) = text.find('}') else {
            if text.contains('{') {
                return Err(format!("pattern `{text}`: a `{{` is not closed"));
            }
            done.push(text);
            continue;
        };
        let open = text[..close].rfind('{').ok_or_else(|| format!("pattern `{text}`: a `}}` was not opened"))?;
        let (head, tail) = (&text[..open], &text[close + 1..]);
        pending.extend(text[open + 1..close].split(',').map(|middle| format!("{head}{middle}{tail}")));
        if pending.len() + done.len() > MOST_ALTERNATIVES {
            return Err(format!("a pattern has more than {MOST_ALTERNATIVES} alternatives"));
        }
    }
    Ok(done)
}

/// Tries a `*` shortest first and goes back to the last one only, so the time is bounded by the product of the lengths.
fn part_fits(pattern: &[char], name: &[char]) -> bool {
    let (mut at, mut star, mut index) = (0, None, 0);
    while index < name.len() {
        if pattern.get(at) == Some(&'*') {
            star = Some((at, index));
            at += 1;
        } else if let Some(length) = letter_fits(&pattern[at..], name[index]) {
            at += length;
            index += 1;
        } else if let Some((star_at, taken)) = star {
            (at, index) = (star_at + 1, taken + 1);
            star = Some((star_at, taken + 1));
        } else {
            return false;
        }
    }
    pattern[at..].iter().all(|letter| *letter == '*')
}

/// How many letters of the pattern stand for `letter`; `None` if they do not.
fn letter_fits(pattern: &[char], letter: char) -> Option<usize> {
    match pattern.first()? {
        '?' => Some(1),
        '[' => match pattern.iter().skip(2).position(|end| *end == ']') {
            Some(end) => class_fits(&pattern[1..end + 2], letter).then_some(end + 3),
            None => (letter == '[').then_some(1),
        },
        own => (*own == letter).then_some(1),
    }
}

fn class_fits(class: &[char], letter: char) -> bool {
    let (negated, mut class) = match class {
        ['!', rest @ ..] => (true, rest),
        class => (false, class),
    };
    let mut found = false;
    while let Some(first) = class.first() {
        match class {
            [low, '-', high, rest @ ..] => {
                found |= (*low..=*high).contains(&letter);
                class = rest;
            }
            _ => {
                found |= *first == letter;
                class = &class[1..];
            }
        }
    }
    found != negated
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(pattern: &str, metric: &str, fits: bool) {
        assert_eq!(Pattern::parse(pattern).unwrap().fits(metric), fits, "{pattern} {metric}");
    }

    #[test]
    fn stars_stay_within_a_part_of_the_name() {
        check("servers.*.cpu", "servers.a.cpu", true);
        check("servers.*.cpu", "servers.a.b.cpu", false);
        check("s*s.a?", "servers.ab", true);
        check("*a*b*", "xxaxxbxx", true);
        check("*a*b", "xxaxxbxx", false);
    }

    #[test]
    fn braces_and_classes_choose() {
        check("a.{b,c{d,e}}.x", "a.ce.x", true);
        check("a.{b,c{d,e}}.x", "a.c.x", false);
        check("host[0-3a]", "host2", true);
        check("host[!0-3a]", "hosta", false);
        assert!(Pattern::parse("a{b").is_err());
        assert!(Pattern::parse("a}b").is_err());
    }
}
