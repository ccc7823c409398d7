//! Times as people write them in `from=`, `until=` and inside functions: `-1h`, `noon yesterday`, `20261031`.
//!
//! Nothing here owns a clock: `now` is always an argument, in seconds since the epoch.

pub mod at;
pub mod offset;

pub use at::parse;
pub use offset::{Unit, offset};

/// Why a time cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the time `{text}`: {reason}")]
pub struct TimeFault {
    /// The time as it was written.
    pub text: String,
    /// What is wrong with it.
    pub reason: String,
}

impl TimeFault {
    fn new(text: &str, reason: impl Into<String>) -> TimeFault {
        // The text may be as long as a request; the message stays readable.
        TimeFault { text: text.chars().take(80).collect(), reason: reason.into() }
    }
}
