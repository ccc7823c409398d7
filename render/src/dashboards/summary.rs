//! What a list of dashboards tells of each.

use super::model::Dashboard;

/// Title and description.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Summary {
    pub(crate) title: String,
    pub(crate) description: String,
}

impl Summary {
    pub(crate) fn of(dashboard: &Dashboard) -> Summary {
        Summary { title: first(&dashboard.title, 200), description: first(&dashboard.description, 1_000) }
    }
}

/// The first characters of a text.
fn first(text: &str, most: usize) -> String {
    text.chars().take(most).collect()
}
