//! Bringing a store up to date on request.

use std::time::Duration;

use carbon_line::{MetricName, Pattern};

use crate::Answer;

/// Writes on request what waits in memory, for tools that read the store's files themselves.
pub trait Flush: Send + Sync {
    /// Writes the points that wait now, of the series that match `only` if it is given. Answers once they are in the
    /// store, or after `patience` with what is left.
    fn flush<'a>(&'a self, only: Option<&'a Pattern>, patience: Duration) -> Answer<'a, Flushed>;
}

/// What a flush has done.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Flushed {
    /// Series that had points waiting and have them in the store now.
    pub series: usize,
    /// Their points; a lower bound where more arrived meanwhile.
    pub points: usize,
    /// Series whose points still wait; 0 when all went well.
    pub left: usize,
    /// Some of these, to know where to look.
    pub examples: Vec<MetricName>,
}
