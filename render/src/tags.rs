//! Tags that a name carries: `disk.used;server=web01` or `disk.used{server="web01"}`.

/// Tags of a series in the order in which they were set, which is the order in which graphite-web writes them.
#[derive(Clone, Debug, Default)]
pub struct SeriesTags(Vec<(String, String)>);

impl SeriesTags {
    /// The value of a tag.
    pub fn get(&self, tag: &str) -> Option<&str> {
        self.0.iter().find(|(known, _)| known == tag).map(|(_, value)| value.as_str())
    }

    /// All tags with their values.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(tag, value)| (tag.as_str(), value.as_str()))
    }

    /// Sets a tag; one that is there keeps its place.
    pub(crate) fn insert(&mut self, tag: &str, value: String) {
        match self.0.iter_mut().find(|(known, _)| known == tag) {
            Some((_, known)) => *known = value,
            None => self.0.push((tag.to_owned(), value)),
        }
    }

    pub(crate) fn remove(&mut self, tag: &str) {
        self.retain(|known, _| known != tag);
    }

    pub(crate) fn retain(&mut self, mut keep: impl FnMut(&str, &str) -> bool) {
        self.0.retain(|(tag, value)| keep(tag, value));
    }

    /// Memory that they take.
    pub(crate) fn bytes(&self) -> usize {
        self.iter().map(|(tag, value)| tag.len() + value.len() + size_of::<(String, String)>()).sum()
    }
}

/// The tags of a series called `name`. A name without readable tags has itself as `name`, whole.
///
/// Source: graphite-web `TimeSeries` and `TaggedSeries.parse`, 1.1.10: names that look like calls are never read.
pub(crate) fn parse(name: &str) -> SeriesTags {
    let alone = || SeriesTags(vec![("name".to_owned(), name.to_owned())]);
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

fn carbon(name: &str) -> Option<SeriesTags> {
    let mut segments = name.split(';');
    let metric = segments.next()?;
    let mut tags = SeriesTags::default();
    for segment in segments {
        let (tag, value) = segment.split_once('=')?;
        insert(&mut tags, tag, value)?;
    }
    named(tags, metric)
}

fn openmetrics(name: &str) -> Option<SeriesTags> {
    let (metric, mut rest) = name.strip_suffix('}')?.split_once('{')?;
    let mut tags = SeriesTags::default();
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

fn insert(tags: &mut SeriesTags, tag: &str, value: &str) -> Option<()> {
    let valid = !tag.is_empty() && !value.is_empty() && !tag.contains([';', '!', '^', '=']) && !value.starts_with('~');
    if !valid || value.contains(';') {
        return None;
    }
    tags.insert(tag, value.to_owned());
    Some(())
}

fn named(mut tags: SeriesTags, metric: &str) -> Option<SeriesTags> {
    let metric = metric.trim_start_matches('~');
    if metric.is_empty() {
        return None;
    }
    tags.insert("name", metric.to_owned());
    Some(tags)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(name: &str, expected: &[(&str, &str)]) {
        assert_eq!(parse(name).iter().collect::<Vec<_>>(), expected);
    }

    #[test]
    fn tags_are_read_from_both_spellings() {
        check("disk.used;server=web01;rack=a1", &[("server", "web01"), ("rack", "a1"), ("name", "disk.used")]);
        check(
            "disk.used{server=\"web01\",rack=\"a\\\"1\"}",
            &[("server", "web01"), ("rack", "a\"1"), ("name", "disk.used")],
        );
    }

    #[test]
    fn a_name_without_readable_tags_is_its_own_tag() {
        for name in ["a.b", "scale(a;b=c,10)", "a;b", "a;=c", "a;b=", ";b=c"] {
            check(name, &[("name", name)]);
        }
    }
}
