//! What a dashboard is called, and so its file.

use std::fmt;

/// A name that is safe as a file's: 1 to 100 of `a-z 0-9 - _ .`, not starting with a dot.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct DashboardName(String);

/// Why a text is no name of a dashboard.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a dashboard's name has 1 to 100 of `a-z 0-9 - _ .`, does not start with a dot, and is not `import`")]
pub struct NameFault;

/// What `/dashboards/import` is for.
const TAKEN: &str = "import";

/// How files of dashboards end.
const SUFFIX: &str = ".json";

impl DashboardName {
    /// # Errors
    /// The text is no name.
    pub fn parse(text: &str) -> Result<DashboardName, NameFault> {
        let is_plain = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b"-_.".contains(&b);
        let is_name = (1..=100).contains(&text.len()) && !text.starts_with('.') && text != TAKEN;
        if is_name && text.bytes().all(is_plain) { Ok(DashboardName(text.to_owned())) } else { Err(NameFault) }
    }

    /// The name that is closest to a title: `Web servers (Berlin)` gives `web-servers-berlin`. Without a usable letter it
    /// is `dashboard`.
    pub fn of_title(title: &str) -> DashboardName {
        let mut name = String::new();
        for c in title.chars().flat_map(char::to_lowercase) {
            match c {
                'a'..='z' | '0'..='9' | '_' => name.push(c),
                '.' if !name.is_empty() => name.push(c),
                _ if name.is_empty() || name.ends_with('-') => {}
                _ => name.push('-'),
            }
            if name.len() == 100 {
                break;
            }
        }
        let name = name.trim_end_matches(['-', '.']);
        DashboardName(if name.is_empty() || name == TAKEN { "dashboard" } else { name }.to_owned())
    }

    /// The name in the file's name, if it is one.
    pub(super) fn of_file(file: &str) -> Option<DashboardName> {
        DashboardName::parse(file.strip_suffix(SUFFIX)?).ok()
    }

    pub(super) fn file(&self) -> String {
        format!("{}{SUFFIX}", self.0)
    }

    /// As text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for DashboardName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere_else() {
        for name in ["", ".", "..", ".hidden", "a/b", "../a", "A", "a b", "ä", "a\0", "import", &"a".repeat(101)] {
            assert!(DashboardName::parse(name).is_err(), "{name:?}");
        }
        for name in ["a", "host-2", "a..b", "0_", &"a".repeat(100)] {
            assert!(DashboardName::parse(name).is_ok(), "{name:?}");
        }
    }

    #[test]
    fn a_title_gives_a_name() {
        for (title, name) in
            [("Web servers (Berlin)", "web-servers-berlin"), ("…", "dashboard"), ("../etc", "etc"), ("v1.2", "v1.2")]
        {
            let made = DashboardName::of_title(title);
            assert_eq!(made.as_str(), name);
            assert!(DashboardName::parse(made.as_str()).is_ok());
        }
        assert_eq!(DashboardName::of_title(&"x".repeat(500)).as_str().len(), 100);
    }
}
