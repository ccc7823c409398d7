//! Tags that a name carries: `disk.used;server=web01` or `disk.used{server="web01"}`.

use std::collections::BTreeMap;

/// The tags of a series called `name`. A name without readable tags has itself as `name`, whole.
///
/// Source: graphite-web `TimeSeries` and `TaggedSeries.parse`, 1.1.10: names that look like calls are never read.
pub(crate) fn parse(name: &str) -> BTreeMap<String, String> {
    let alone = || BTreeMap::from([("name".to_owned(), name.to_owned())]);
    if looks_like_call(name) || !name.contains([';', '{', '~']) {
        return alone();
    }
    let parsed = if name.ends_with("\"}") && name.contains('{') { openmetrics(name) } else { carbon(name) };
    parsed.unwrap_or_else(alone)
}

fn looks_like_call(name: &str) -> bool {
    let letters = name.bytes().take_while(u8::is_ascii_alphabetic).count();
    letters > 0 && name[letters..].starts_with('(') && name.ends_with(')') && name.len() > letters + 2
}

fn carbon(name: &str) -> Option<BTreeMap<String, String>> {
    let mut segments = name.split(';');
    let metric = segments.next()?;
    let mut tags = BTreeMap::new();
    for segment in segments {
        let (tag, value) = segment.split_once('=')?;
        insert(&mut tags, tag, value)?;
    }
    named(tags, metric)
}

fn openmetrics(name: &str) -> Option<BTreeMap<String, String>> {
    let (metric, mut rest) = name.strip_suffix('}')?.split_once('{')?;
    let mut tags = BTreeMap::new();
    while !rest.is_empty() {
        let (tag, after) = rest.split_once("=\"")?;
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next()? {
                (at, '"') => break at,
                (_, '\\') => value.push(chars.next().map(|(_, c)| c).filter(|c| matches!(c, '"' | '\\'))?),
                (_, c) => value.push(c),
            }
        };
        insert(&mut tags, tag, &value)?;
        rest = &after[end + 1..];
        rest = if rest.is_empty() { rest } else { rest.strip_prefix(',')? };
    }
    named(tags, metric)
}

fn insert(tags: &mut BTreeMap<String, String>, tag: &str, value: &str) -> Option<()> {
    let valid = !tag.is_empty() && !value.is_empty() && !tag.contains([';', '!', '^', '=']) && !value.starts_with('~');
    if !valid || value.contains(';') {
        return None;
    }
    tags.insert(tag.to_owned(), value.to_owned());
    Some(())
}

fn named(mut tags: BTreeMap<String, String>, metric: &str) -> Option<BTreeMap<String, String>> {
    let metric = metric.trim_start_matches('~');
    if metric.is_empty() {
        return None;
    }
    tags.insert("name".to_owned(), metric.to_owned());
    Some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &[(&str, &str)]) {
        let expected = expected.iter().map(|(tag, value)| ((*tag).to_owned(), (*value).to_owned())).collect();
        assert_eq!(parse(name), expected);
    }

    #[test]
    fn tags_are_read_from_both_spellings() {
        check("disk.used;server=web01;rack=a1", &[("name", "disk.used"), ("server", "web01"), ("rack", "a1")]);
        check(
            "disk.used{server=\"web01\",rack=\"a\\\"1\"}",
            &[("name", "disk.used"), ("server", "web01"), ("rack", "a\"1")],
        );
    }

    #[test]
    fn a_name_without_readable_tags_is_its_own_tag() {
        for name in ["a.b", "scale(a;b=c,10)", "a;b", "a;=c", "a;b=", ";b=c"] {
            check(name, &[("name", name)]);
        }
    }
}
