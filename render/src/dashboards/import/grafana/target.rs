//! Targets: letters of others resolved, variables in our way of writing.

use std::collections::HashMap;

use serde_json::Value;

use crate::dashboards::import::notes::Notes;

/// Bytes that a target may grow to when letters are resolved.
const LONGEST: usize = 64 << 10;

/// How deep letters may lead.
const DEEPEST: usize = 20;

/// The targets of a panel by their letters.
pub(super) fn by_letter(targets: &[Value]) -> HashMap<&str, &str> {
    targets.iter().filter_map(|target| Some((target["refId"].as_str()?, target["target"].as_str()?))).collect()
}

/// The text of a target, with `#A` replaced by the target of that letter. `None` if there is none, or if letters lead
/// in circles or too far.
pub(super) fn resolved(target: &Value, letters: &HashMap<&str, &str>) -> Option<String> {
    let text = target["target"].as_str().unwrap_or_default();
    let mut out = String::new();
    let text =
        expand(text, letters, 0, &mut out).map(|()| out).or_else(|| Some(target["targetFull"].as_str()?.to_owned()));
    text.filter(|text| !text.trim().is_empty())
}

/// Places of `#A` to `#Z`, with their letters.
fn references(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices('#').filter_map(|(at, _)| {
        let letter = text.get(at + 1..at + 2)?;
        letter.bytes().all(|b| b.is_ascii_uppercase()).then_some((at, letter))
    })
}

fn expand(text: &str, letters: &HashMap<&str, &str>, depth: usize, out: &mut String) -> Option<()> {
    let mut done = 0;
    for (at, letter) in references(text) {
        let Some(inner) = letters.get(letter) else { continue };
        out.push_str(&text[done..at]);
        done = at + 2;
        if depth == DEEPEST || out.len() > LONGEST {
            return None;
        }
        expand(inner, letters, depth + 1, out)?;
    }
    out.push_str(&text[done..]);
    (out.len() <= LONGEST).then_some(())
}

/// `[[x]]` and `${x:format}` as `${x}`, and Grafana's own variables as something that can be asked.
pub(super) fn in_our_way(text: &str, whose: &str, notes: &mut Notes) -> String {
    let text = brackets(text);
    let mut out = String::with_capacity(text.len());
    let mut rest = text.as_str();
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let (name, format, after) = name(&rest[at + 1..]);
        rest = after;
        let own = match name {
            "" => {
                out.push('$');
                continue;
            }
            "__interval" | "__rate_interval" | "__auto_interval" => Some("1min"),
            "__interval_ms" => Some("60000"),
            "__range_s" => Some("3600"),
            "__range" => Some("1hour"),
            _ => None,
        };
        if let Some(value) = own {
            notes.left_out(whose, &format!("`${name}`, which is `{value}` here"));
            out.push_str(value);
            continue;
        }
        if !matches!(format, "" | "glob" | "raw") {
            notes.left_out(whose, &format!("the form `{format}` of `${name}`"));
        }
        out.extend(["${", name, "}"]);
    }
    out.push_str(rest);
    out
}

/// `[[x]]` and `[[x:format]]` as `${x}` and `${x:format}`.
fn brackets(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_' || byte == b':';
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find("[[") {
        let inner = &rest[at + 2..];
        out.push_str(&rest[..at]);
        rest = match inner.bytes().position(|byte| !is_plain(byte)) {
            Some(end) if end > 0 && inner[end..].starts_with("]]") => {
                out.extend(["${", &inner[..end], "}"]);
                &inner[end + 2..]
            }
            _ => {
                out.push_str("[[");
                inner
            }
        };
    }
    out.push_str(rest);
    out
}

/// Name and format of what follows a dollar sign, and what comes after.
fn name(text: &str) -> (&str, &str, &str) {
    let word = |text: &str| text.bytes().take_while(|b| b.is_ascii_alphanumeric() || *b == b'_').count();
    if let Some(inner) = text.strip_prefix('{')
        && let Some((inside, after)) = inner.split_once('}')
    {
        let (name, format) = inside.split_once(':').unwrap_or((inside, ""));
        if !name.is_empty() && word(name) == name.len() {
            return (name, format, after);
        }
    }
    let end = word(text);
    (&text[..end], "", &text[end..])
}

/// Whether a text is a length of time, such as `7d`.
pub(super) fn is_length(text: &str) -> bool {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    digits > 0 && matches!(&text[digits..], "s" | "m" | "h" | "d" | "w" | "M" | "y")
}

/// Seconds of `30s`, `5m`, `1h`, `1d`.
pub(super) fn seconds(text: &str) -> Option<u32> {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    let count: u32 = text[..digits].parse().ok()?;
    let unit = match &text[digits..] {
        "s" => 1,
        "m" => 60,
        "h" => 3_600,
        "d" => 86_400,
        _ => return None,
    };
    count.checked_mul(unit)
}

/// An offset or a length as Graphite writes it: `5m` are minutes, `1M` is a month.
pub(super) fn offset(text: &str) -> String {
    let count = |unit: char| text.strip_suffix(unit).filter(|count| count.ends_with(|c: char| c.is_ascii_digit()));
    match (count('m'), count('M')) {
        (Some(count), _) => format!("{count}min"),
        (_, Some(count)) => format!("{count}mon"),
        _ => text.to_owned(),
    }
}
