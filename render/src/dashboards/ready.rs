//! The dashboards that come with the program. A file of the same name takes the place of one.

use std::sync::LazyLock;

use carbon_line::Pattern;

use super::model::Dashboard;
use super::name::DashboardName;
use super::summary::Summary;

/// A dashboard in the binary.
pub(crate) struct Ready {
    pub(crate) name: DashboardName,
    /// As in its file.
    pub(crate) text: &'static str,
    pub(crate) summary: Summary,
    /// Without a name that matches it has nothing to show.
    pub(crate) needs: Option<Pattern>,
}

const FILES: [(&str, &str); 4] = [
    ("ceph", include_str!("ready/ceph.json")),
    ("host", include_str!("ready/host.json")),
    ("hosts", include_str!("ready/hosts.json")),
    ("plumbago", include_str!("ready/plumbago.json")),
];

impl Ready {
    /// All of them, by name.
    pub(crate) fn all() -> &'static [Ready] {
        static ALL: LazyLock<Vec<Ready>> =
            LazyLock::new(|| FILES.iter().filter_map(|(name, text)| Ready::read(name, text)).collect());
        &ALL
    }

    pub(crate) fn called(name: &DashboardName) -> Option<&'static Ready> {
        Ready::all().iter().find(|ready| ready.name == *name)
    }

    /// Tests see that none is left out.
    fn read(name: &str, text: &'static str) -> Option<Ready> {
        let dashboard = Dashboard::parse(text.as_bytes()).ok()?;
        let needs = dashboard.other.get("needs").and_then(|pattern| Pattern::parse(pattern.as_str()?).ok());
        let summary = Summary::of(&dashboard);
        Some(Ready { name: DashboardName::parse(name).ok()?, text, summary, needs })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_are_sound() {
        assert_eq!(Ready::all().len(), FILES.len());
        for ready in Ready::all() {
            let dashboard = Dashboard::parse(ready.text.as_bytes()).unwrap();
            assert_eq!(dashboard.remarks(), Vec::<String>::new(), "{}", ready.name);
            assert!(ready.needs.is_some(), "{} must say what it needs", ready.name);
            assert!(!dashboard.description.is_empty(), "{}", ready.name);
        }
    }
}
