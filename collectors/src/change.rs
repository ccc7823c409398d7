//! What a collector tells beside numbers: something changed, and a chart should show when.

/// Something that happened once, for the server's list of events.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What happened, in a few words: `osd.3 is down`.
    pub what: String,
    /// What it can be found by. Blanks part tags, so none holds one.
    pub tags: Vec<String>,
    /// More about it; may be empty.
    pub data: String,
    /// Another agent may have told the same.
    pub perhaps_told: bool,
}
