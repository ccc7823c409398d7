//! Deleting and renaming series: what a store can do ([`Rearrange`]) and what a running daemon offers ([`Housekeeping`]),
//! which also knows what waits in memory and in a journal.

use carbon_line::{MetricName, Pattern};

use crate::{Answer, SeriesId, StorageError, TagExpression};

/// Removes and renames what is stored of a series. Everything here blocks.
pub trait Rearrange: Send + Sync {
    /// Whether anything is stored under `name`.
    fn has(&self, name: &MetricName) -> bool;

    /// Forgets `name`, and what is known of it as `series`; whether there was anything.
    ///
    /// # Errors
    /// When it is still there.
    fn remove(&self, series: Option<SeriesId>, name: &MetricName) -> Result<bool, StorageError>;

    /// Gives what is stored as `from`, which was known as `series`, the name `to`; whether there was anything.
    ///
    /// # Errors
    /// When `to` is taken, or the change cannot be made; all is as before then.
    fn rename(&self, series: Option<SeriesId>, from: &MetricName, to: &MetricName) -> Result<bool, StorageError>;
}

/// Changes which series there are while points arrive. A change that has begun is brought to its end, also when nobody
/// waits for it any more.
pub trait Housekeeping: Send + Sync {
    /// The names of the series that are `wanted`, sorted; `None` if there are more than `limit`.
    fn list<'a>(
        &'a self,
        wanted: &'a Selection,
        limit: usize,
    ) -> Answer<'a, Result<Option<Vec<MetricName>>, StorageError>>;

    /// Which of these series there are.
    fn present(&self, names: Vec<MetricName>) -> Answer<'_, Result<Vec<bool>, StorageError>>;

    /// Deletes series: what is stored, what waits, and their entries in indexes. Points that arrive later begin them anew.
    fn delete(&self, names: Vec<MetricName>) -> Answer<'_, Result<Changed, StorageError>>;

    /// Renames series; points that arrive later under an old name begin a series of that name.
    fn rename(&self, names: Vec<(MetricName, MetricName)>) -> Answer<'_, Result<Changed, StorageError>>;
}

/// Which series are meant.
#[derive(Clone, Debug)]
pub enum Selection {
    /// Those whose names match.
    Names(Pattern),
    /// Those that meet all expressions.
    Tagged(Vec<TagExpression>),
}

/// What became of a change of many series.
#[derive(Debug, Default)]
pub struct Changed {
    /// Those that were changed, by their names before.
    pub done: Vec<MetricName>,
    /// Those that were not, and why; they are as before.
    pub failed: Vec<(MetricName, StorageError)>,
}
