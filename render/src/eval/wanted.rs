//! What an evaluation may have to read.

/// Something that is read over windows.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Wanted {
    /// The series whose names match.
    Pattern(String),
    /// The series that meet all tag expressions.
    Tagged {
        /// The call as it was written, which the series are named after.
        call: String,
        /// Its arguments.
        expressions: Vec<String>,
    },
    /// The events with all of these tags, or all events.
    Events(Option<Vec<String>>),
}

impl Wanted {
    /// As it was written in the target.
    pub(crate) fn text(&self) -> &str {
        match self {
            Wanted::Pattern(pattern) => pattern,
            Wanted::Tagged { call, .. } => call,
            Wanted::Events(_) => "events",
        }
    }
}
