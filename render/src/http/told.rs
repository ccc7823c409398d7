//! What `/explain` knows before it is put into words.

use carbon_storage::Origin;

use crate::eval::Held;
use crate::query::Stage;
use crate::series::Series;

/// All that is known about an answer.
pub(super) struct Told {
    pub(super) at: Option<i64>,
    pub(super) now: i64,
    pub(super) answer: Answered,
    pub(super) stages: Vec<Stage>,
    pub(super) origins: Vec<Origin>,
    /// Series that were read, told or not.
    pub(super) read: usize,
}

/// The series of an answer.
pub(super) struct Answered {
    /// Before points are joined, and after.
    pub(super) before: Vec<Series>,
    pub(super) after: Vec<Series>,
    /// Series that are not told of.
    pub(super) beside: usize,
    /// Parts of the store that did not contribute.
    pub(super) unreadable: usize,
    /// Counts their points as memory of queries.
    pub(super) _held: Held,
}
