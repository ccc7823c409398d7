//! What a collector may ask of the server that its values go to: whether somebody else has been heard there.

use std::fmt::Debug;
use std::time::Duration;

use whisper::Timestamp;

/// Where values go, as something that can be asked.
pub trait Ears: Debug + Send + Sync {
    /// When each series whose name matches the glob `pattern` was heard of last, within the last minutes. `None` when
    /// nobody can say so within `patience`.
    fn last(&self, pattern: &str, patience: Duration) -> Option<Vec<Heard>>;
}

/// When a series was heard of last.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Heard {
    /// Its name.
    pub series: String,
    /// The beginning of the newest slot with a value.
    pub time: Timestamp,
    /// The length of that slot in seconds, anywhere in which the value may have come.
    pub step: u32,
}
