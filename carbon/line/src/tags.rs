//! Tagged names: the two ways to write one, the normal form under which it is kept, and where carbon puts its file.
//!
//! ```text
//! disk.used;dc=dc1;server=web01              carbon's form
//! disk.used{dc="dc1",server="web01"}         the form of OpenMetrics, with \" and \\ inside values
//! disk.used;dc=dc1;server=web01              normal form of both: sorted by the whole of `tag=value`
//! _tagged/e9a/90f/e9a90f9a...                its file, named by the SHA-256 of the normal form
//! _tagged/e9a/90f/disk_DOT_used;dc=dc1;...   its file where TAG_HASH_FILENAMES is off
//! ```
//!
//! Source: carbon's `TaggedSeries`. A name without a `;` that does not end in `"}` is never brought here.

use std::collections::BTreeMap;
use std::fmt::{self, Write as _};

use sha2::{Digest, Sha256};

/// The directory that holds all files of tagged series.
pub const DIRECTORY: &str = "_tagged";

/// Longest file name without its ending; readable names above it exist nowhere.
const LONGEST_FILE_NAME: usize = 251;

/// A name taken apart. Shown ([`fmt::Display`]), it is in normal form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tagged {
    /// What stands before the tags, without leading `~`; also the value of the tag `name`.
    pub name: String,
    /// The tags but `name`, each with its last value.
    pub tags: BTreeMap<String, String>,
}

/// Why a name is no tagged name. Carbon then keeps it as it came.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum TagFault {
    /// Nothing, or nothing but `~`, stands before the tags.
    #[error("there is no name before the tags")]
    NoName,
    /// A part that is not `tag=value`, or not `tag="value"` in braces.
    #[error("expected tag=value")]
    NotAPair,
    /// The tag is empty or holds one of `; ! ^ =`.
    #[error("the tag is empty or holds one of ; ! ^ =")]
    Tag,
    /// The value is empty, holds a `;`, or begins with `~`.
    #[error("the value is empty, holds a ; or begins with ~")]
    Value,
}

/// Whether `name`, as it is kept, belongs to a tagged series. Carbon goes by the `;` alone.
pub fn is_tagged(name: &str) -> bool {
    memchr::memchr(b';', name.as_bytes()).is_some()
}

/// The metric's own name and the tags of a text that is in normal form, without copying it; `None` for any other.
pub fn normal(text: &str) -> Option<(&str, Vec<(&str, &str)>)> {
    if text.ends_with("\"}") || text.starts_with('~') || text.chars().any(char::is_control) {
        return None;
    }
    let mut parts = text.split(';');
    let name = parts.next().filter(|name| !name.is_empty() && !name.contains('/'))?;
    let (mut pairs, mut before) = (Vec::with_capacity(8), "");
    for part in parts {
        let (tag, value) = part.split_once('=')?;
        let sound = !tag.is_empty() && !tag.contains(['!', '^']) && !value.is_empty() && !value.starts_with('~');
        // In this order, pairs of the same tag are neighbours.
        let repeated = pairs.last().is_some_and(|(last, _)| *last == tag);
        if !sound || tag == "name" || part <= before || repeated {
            return None;
        }
        pairs.push((tag, value));
        before = part;
    }
    (!pairs.is_empty()).then_some((name, pairs))
}

/// Whether `text`, as a peer sent it, may be a tagged name in one of the two forms.
pub fn may_be_tagged(text: &str) -> bool {
    is_tagged(text) || text.ends_with("\"}")
}

impl Tagged {
    /// Takes a name apart. One without tags is fine, too.
    ///
    /// # Errors
    /// The first fault.
    pub fn parse(text: &str) -> Result<Tagged, TagFault> {
        match text.strip_suffix('}').filter(|rest| rest.ends_with('"')).and_then(|rest| rest.split_once('{')) {
            Some((name, pairs)) => Tagged::from_open_metrics(name, pairs),
            None => Tagged::from_carbon(text),
        }
    }

    fn from_carbon(text: &str) -> Result<Tagged, TagFault> {
        let mut parts = text.split(';');
        let mut tagged = Tagged::untagged(parts.next().unwrap_or_default())?;
        for part in parts {
            let (tag, value) = part.split_once('=').ok_or(TagFault::NotAPair)?;
            tagged.add(tag, value)?;
        }
        Ok(tagged)
    }

    /// Reads `a="b",c="d"`. Carbon's own pattern lets a colon stand before the comma, and so do we.
    fn from_open_metrics(name: &str, mut pairs: &str) -> Result<Tagged, TagFault> {
        if pairs.contains('{') {
            return Err(TagFault::NotAPair);
        }
        let mut tagged = Tagged::untagged(name)?;
        while !pairs.is_empty() {
            let (tag, rest) = pairs.split_once('=').ok_or(TagFault::NotAPair)?;
            let (value, rest) = rest.strip_prefix('"').and_then(quoted).ok_or(TagFault::NotAPair)?;
            tagged.add(tag, &value)?;
            let comma = rest.strip_prefix(":,").or_else(|| rest.strip_prefix(','));
            pairs = comma.or_else(|| rest.is_empty().then_some("")).ok_or(TagFault::NotAPair)?;
        }
        Ok(tagged)
    }

    fn untagged(name: &str) -> Result<Tagged, TagFault> {
        let name = name.trim_start_matches('~');
        if name.is_empty() {
            return Err(TagFault::NoName);
        }
        Ok(Tagged { name: name.to_owned(), tags: BTreeMap::new() })
    }

    fn add(&mut self, tag: &str, value: &str) -> Result<(), TagFault> {
        if tag.is_empty() || tag.contains([';', '!', '^', '=']) {
            return Err(TagFault::Tag);
        }
        if value.is_empty() || value.starts_with('~') || value.contains(';') {
            return Err(TagFault::Value);
        }
        // The metric's own name takes the place of a tag called so.
        if tag != "name" {
            self.tags.insert(tag.to_owned(), value.to_owned());
        }
        Ok(())
    }
}

impl fmt::Display for Tagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)?;
        // The order is that of the whole text, in which `a1=` comes before `a=`; by tag alone it would be the other way.
        let mut pairs: Vec<String> = self.tags.iter().map(|(tag, value)| format!(";{tag}={value}")).collect();
        pairs.sort_unstable();
        pairs.iter().try_for_each(|pair| f.write_str(pair))
    }
}

/// A value up to its closing quote, of one character at least, and what follows.
fn quoted(text: &str) -> Option<(String, &str)> {
    let (mut value, mut chars) = (String::new(), text.char_indices());
    loop {
        match chars.next()? {
            (end, '"') => return (!value.is_empty()).then(|| (value, &text[end + 1..])),
            (_, '\\') => value.push(chars.next().map(|(_, c)| c).filter(|c| matches!(c, '"' | '\\'))?),
            (_, c) => value.push(c),
        }
    }
}

/// Where the file of a tagged series lies below the data directory, without its ending, named by its hash. `name` is in
/// normal form.
pub fn hashed_path(name: &str) -> String {
    let hash = hash(name);
    format!("{DIRECTORY}/{}/{}/{hash}", &hash[..3], &hash[3..6])
}

/// As [`hashed_path`], but named in words, as carbon has it where TAG_HASH_FILENAMES is off; `None` when such a name
/// cannot be that of a file. There is no dot in it, so it cannot lead upwards.
pub fn readable_path(name: &str) -> Option<String> {
    let words = name.replace('.', "_DOT_");
    let fits = words.len() <= LONGEST_FILE_NAME && !words.contains(['/', '\0']);
    let hash = hash(name);
    fits.then(|| format!("{DIRECTORY}/{}/{}/{words}", &hash[..3], &hash[3..6]))
}

/// The name that carbon reads from a path below the data directory, without its ending: exact for a
/// [readable](readable_path) one, whose dots are spelled out, and the path with dots for any other.
pub fn name_of_path(path: &str) -> String {
    let below = path.strip_prefix(DIRECTORY).and_then(|rest| rest.strip_prefix('/'));
    match below {
        Some(below) => below.splitn(3, '/').last().unwrap_or_default().replace("_DOT_", "."),
        None => path.replace('/', "."),
    }
}

fn hash(name: &str) -> String {
    Sha256::digest(name.as_bytes()).iter().fold(String::with_capacity(64), |mut hex, byte| {
        // Writing to a String cannot fail.
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, TagFault>) {
        let found = Tagged::parse(text).map(|tagged| tagged.to_string());
        assert_eq!(found.as_deref(), expected.as_ref().map(|text| *text), "{text}");
    }

    #[test]
    fn tags_are_sorted_by_tag_and_value_together() {
        check("a;b=c;a1=x;a=y", Ok("a;a1=x;a=y;b=c"));
        check("a;a-b=1;a=2;a.b=3;a_b=4;aB=5", Ok("a;a-b=1;a.b=3;a=2;aB=5;a_b=4"));
    }

    #[test]
    fn a_normal_form_is_known_when_it_is_met() {
        let texts = [
            "a;b=c",
            "a;a1=x;a=y;b=c",
            "a;b=c;a=y",
            "a;b=1;b=2",
            "a;b=2=3",
            "~a;b=c",
            "a;b=~c",
            "a;name=x",
            "a",
            "a;b",
        ];
        for text in
            texts.into_iter().chain(["a;b=", ";b=c", "a;!=c", "a;b=c;", "a/b;c=d", "a;b=c/d", "a;b=\n", "m{a=\"b\"}"])
        {
            let parsed =
                Tagged::parse(text).ok().filter(|tagged| !tagged.tags.is_empty() && tagged.to_string() == text);
            let parsed = parsed.filter(|tagged| !tagged.name.contains('/') && !text.contains('\n'));
            let found = normal(text).map(|(name, pairs)| Tagged {
                name: name.to_owned(),
                tags: pairs.into_iter().map(|(tag, value)| (tag.to_owned(), value.to_owned())).collect(),
            });
            assert_eq!(found, parsed, "{text}");
        }
    }

    #[test]
    fn the_last_value_of_a_tag_stays_and_a_tag_called_name_gives_way() {
        check("~a;b=1;name=x;b=2=3", Ok("a;b=2=3"));
        check("a;name=~x", Err(TagFault::Value));
    }

    #[test]
    fn both_forms_say_the_same() {
        check(r#"m{c="d",a="b"}"#, Ok("m;a=b;c=d"));
        check(r#"m{a="q\"\\"}"#, Ok(r#"m;a=q"\"#));
        check(r#"m{a="b":,c="d"}"#, Ok("m;a=b;c=d"));
        check(r#"m{a="b"}{c="d"}"#, Err(TagFault::NotAPair));
        check(r#"m{a="b\n"}"#, Err(TagFault::NotAPair));
        check(r#"m{a=""}"#, Err(TagFault::NotAPair));
        check(r#"m{"}"#, Err(TagFault::NotAPair));
        check(r#"{a="b"}"#, Err(TagFault::NoName));
        check(r#"m{a="b;c"}"#, Err(TagFault::Value));
    }

    #[test]
    fn faults_are_told_apart() {
        check("a;b", Err(TagFault::NotAPair));
        check("a;=b", Err(TagFault::Tag));
        check("a;b!=c", Err(TagFault::Tag));
        check("a;b=", Err(TagFault::Value));
        check("~;b=c", Err(TagFault::NoName));
    }

    #[test]
    fn a_readable_path_leads_back_to_its_name_and_never_upwards() {
        let path = readable_path("x.y;t=../..").unwrap_or_default();
        assert_eq!(path, "", "a slash is no part of a file name");
        let path = readable_path("x.y;t=..").unwrap();
        assert!(path.ends_with("/x_DOT_y;t=_DOT__DOT_"), "{path}");
        assert_eq!(name_of_path(&path), "x.y;t=..");
        assert_eq!(name_of_path("a/b"), "a.b");
        assert_eq!(readable_path(&format!("x;t={}", "v".repeat(300))), None);
    }
}
