//! What a metric may be called. Checked once, at the border; nobody inside checks again.

use std::fmt;
use std::sync::Arc;

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
    /// A `/`, which would leave the directory that the name stands for.
    #[error("the name holds a slash")]
    Slash,
    /// More than [`LONGEST_NAME`] bytes.
    #[error("the name is longer than {LONGEST_NAME} bytes")]
    TooLong,
    /// A part of more than [`LONGEST_PART`] bytes.
    #[error("a part of the name is longer than {LONGEST_PART} bytes")]
    PartTooLong,
}

impl MetricName {
    /// Checks `text` and keeps it in normal form: no dot at either end, no two dots in a row, as carbon's file paths
    /// have it (`a..b` and `a.b` are one file there).
    ///
    /// # Errors
    /// Names the first fault.
    pub fn parse(text: &str) -> Result<MetricName, NameFault> {
        if is_normal(text)? {
            return Ok(MetricName(text.into()));
        }
        let parts: Vec<&str> = text.split('.').filter(|part| !part.is_empty()).collect();
        if parts.is_empty() {
            return Err(NameFault::Empty);
        }
        Ok(MetricName(parts.join(".").into()))
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

/// Whether `text` may stand as it is; `false` asks for its dots to be put in order first.
fn is_normal(text: &str) -> Result<bool, NameFault> {
    if text.len() > LONGEST_NAME {
        return Err(NameFault::TooLong);
    }
    let (mut part, mut normal) = (0, true);
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
    fn a_name_cannot_leave_the_data_directory() {
        check("../../etc/passwd", Err(NameFault::Slash));
        check("a\0b", Err(NameFault::Control));
        check(&"x".repeat(252), Err(NameFault::PartTooLong));
        check(&"x.".repeat(2000), Err(NameFault::TooLong));
    }
}
