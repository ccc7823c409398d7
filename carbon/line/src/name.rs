//! What a metric may be called. Checked once, at the border; nobody inside checks again.
//!
//! A tagged name (`disk.used;dc=a`, see [`crate::tags`]) is one file named by a hash, so neither its dots nor the
//! length of its parts mean anything, and a slash may stand in the value of a tag. To any other name the question
//! whether it is tagged costs one search for `;`.

use std::fmt;
use std::sync::Arc;

use crate::tags::{self, Tagged};

/// Longest whole name, in bytes: a path below the data directory must stay under the kernel's 4 096.
pub const LONGEST_NAME: usize = 3_072;

/// Longest part between two dots, in bytes: a file name's 255 less `.wsp`.
pub const LONGEST_PART: usize = 251;

/// A checked metric name, cheap to clone and to share between cache, writer and answers.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct MetricName(Arc<str>);

/// Why a name is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NameFault {
    /// Nothing is left once the dots at both ends are gone.
    #[error("the name is empty")]
    Empty,
    /// Bytes that are not UTF-8.
    #[error("the name is not UTF-8")]
    NotUtf8,
    /// A control character, which no terminal, file system or URL shows as it is.
    #[error("the name holds a control character")]
    Control,
    /// A `/` outside the value of a tag: it would leave the directory that the name stands for.
    #[error("the name holds a slash")]
    Slash,
    /// More than [`LONGEST_NAME`] bytes.
    #[error("the name is longer than {LONGEST_NAME} bytes")]
    TooLong,
    /// A part of more than [`LONGEST_PART`] bytes in a name without tags.
    #[error("a part of the name is longer than {LONGEST_PART} bytes")]
    PartTooLong,
}

impl MetricName {
    /// Checks `text` and keeps it in normal form.
    ///
    /// A plain name loses the dots at its ends, doubled dots, as carbon's file paths have it (`a..b` and `a.b` are one
    /// file there), and the `~` it begins with. The tags of a tagged one are put in order; where that cannot be done, it
    /// is kept as it came, as carbon does.
    ///
    /// # Errors
    /// Names the first fault.
    pub fn parse(text: &str) -> Result<MetricName, NameFault> {
        if text.len() > LONGEST_NAME {
            return Err(NameFault::TooLong);
        }
        if !tags::may_be_tagged(text) {
            return plain(text);
        }
        match Tagged::parse(text) {
            Ok(tagged) if tagged.tags.is_empty() => plain(&tagged.name),
            Ok(tagged) => well_tagged(&tagged),
            Err(_) if tags::is_tagged(text) => badly_tagged(text),
            Err(_) => plain(text),
        }
    }

    /// A name from text that came out of a `MetricName` before, such as a table of names; it is not looked at again.
    pub fn from_checked(text: &str) -> MetricName {
        MetricName(text.into())
    }

    /// The name as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

fn plain(text: &str) -> Result<MetricName, NameFault> {
    if is_normal(text)? {
        return Ok(MetricName(text.into()));
    }
    let text = match text.trim_start_matches(['~', '.']) {
        // Carbon refuses to strip a name that is `~` alone, and stores it so.
        "" => text,
        rest => rest,
    };
    let parts: Vec<&str> = text.split('.').filter(|part| !part.is_empty()).collect();
    if parts.is_empty() {
        return Err(NameFault::Empty);
    }
    Ok(MetricName(parts.join(".").into()))
}

fn well_tagged(tagged: &Tagged) -> Result<MetricName, NameFault> {
    no_control(&tagged.name)?;
    no_slash(&tagged.name)?;
    let normal = tagged.to_string();
    no_control(&normal)?;
    Ok(MetricName(normal.into()))
}

fn badly_tagged(text: &str) -> Result<MetricName, NameFault> {
    no_control(text)?;
    no_slash(text)?;
    Ok(MetricName(text.into()))
}

fn no_control(text: &str) -> Result<(), NameFault> {
    if text.chars().any(char::is_control) { Err(NameFault::Control) } else { Ok(()) }
}

fn no_slash(text: &str) -> Result<(), NameFault> {
    if text.contains('/') { Err(NameFault::Slash) } else { Ok(()) }
}

/// Whether `text` may stand as it is; `false` asks for it to be put in order first.
fn is_normal(text: &str) -> Result<bool, NameFault> {
    let (mut part, mut normal) = (0, !text.starts_with('~'));
    for c in text.chars() {
        match c {
            '.' if part == 0 => normal = false,
            '.' => part = 0,
            '/' => return Err(NameFault::Slash),
            c if c.is_control() => return Err(NameFault::Control),
            c => part += c.len_utf8(),
        }
        if part > LONGEST_PART {
            return Err(NameFault::PartTooLong);
        }
    }
    if text.is_empty() {
        return Err(NameFault::Empty);
    }
    Ok(normal && part > 0)
}

impl std::ops::Deref for MetricName {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl std::borrow::Borrow<str> for MetricName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

impl fmt::Debug for MetricName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&str, NameFault>) {
        let parsed = MetricName::parse(text);
        assert_eq!(parsed.as_ref().map(MetricName::as_str).map_err(|fault| *fault), expected);
    }

    #[test]
    fn a_plain_name_stays_as_it_is() {
        check("servers.web01.cpu.total.user", Ok("servers.web01.cpu.total.user"));
        check("häuser.größe", Ok("häuser.größe"));
    }

    #[test]
    fn stray_dots_are_put_in_order() {
        check(".a..b.", Ok("a.b"));
        check("...", Err(NameFault::Empty));
        check("", Err(NameFault::Empty));
    }

    #[test]
    fn tags_are_put_in_order_and_what_cannot_be_is_kept() {
        check("a;z=1;b=2", Ok("a;b=2;z=1"));
        check("m{b=\"2\",a=\"/1\"}", Ok("m;a=/1;b=2"));
        check("a..b;t=..", Ok("a..b;t=.."));
        check("a;b", Ok("a;b"));
        check("m{a=\"\"}", Ok("m{a=\"\"}"));
        check("a/b;c=d", Err(NameFault::Slash));
        check("a;b/c", Err(NameFault::Slash));
        check("a;b=\u{85}", Err(NameFault::Control));
        check(&format!("a;b={}", "v".repeat(300)), Ok(&format!("a;b={}", "v".repeat(300))));
    }

    #[test]
    fn leading_tildes_go_unless_nothing_is_left() {
        check("~~a.b", Ok("a.b"));
        check(".~.a~", Ok("a~"));
        check("~", Ok("~"));
        check("~;b=c", Ok("~;b=c"));
    }

    #[test]
    fn a_name_cannot_leave_the_data_directory() {
        check("../../etc/passwd", Err(NameFault::Slash));
        check("a\0b", Err(NameFault::Control));
        check(&"x".repeat(252), Err(NameFault::PartTooLong));
        check(&"x.".repeat(2000), Err(NameFault::TooLong));
    }
}
