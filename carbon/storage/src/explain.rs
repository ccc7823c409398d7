//! Where the values of a series come from: its file, each archive in it, and what still waits.

use carbon_line::MetricName;
use whisper::{AggregationMethod, Point, Retention, Timestamp, XFilesFactor};

use crate::{Answer, StorageError, Window};

/// Tells where a reader's values come from, for people who wonder why one is missing.
pub trait Explain: Send + Sync {
    /// What there is of each name for a window, in the order of `names`; with a time, also what there is at that time.
    fn origins<'a>(
        &'a self,
        names: &'a [MetricName],
        window: Window,
        at: Option<Timestamp>,
    ) -> Answer<'a, Result<Vec<Origin>, StorageError>>;
}

/// What there is of one series.
#[derive(Debug)]
pub struct Origin {
    /// Whose.
    pub name: MetricName,
    /// Its file; `None` when there is none.
    pub file: Option<Result<FileOrigin, StorageError>>,
    /// Points that are not in the file yet, in time order.
    pub waiting: Vec<Point>,
}

/// What a file has.
#[derive(Clone, Debug)]
pub struct FileOrigin {
    /// Where it lies below the tree.
    pub place: String,
    /// How coarse points are made.
    pub method: AggregationMethod,
    /// How many fine ones must be known for that.
    pub x_files_factor: XFilesFactor,
    /// Finest first.
    pub archives: Vec<ArchiveOrigin>,
}

/// What an archive has.
#[derive(Clone, Debug)]
pub struct ArchiveOrigin {
    /// Its step and its number of slots.
    pub retention: Retention,
    /// Whether it is the one that answers for the window.
    pub answers: bool,
    /// Slots of the window, as far as the archive reaches.
    pub slots: usize,
    /// How many of them are known.
    pub known: usize,
    /// The oldest and the newest time in the archive, wherever the window lies.
    pub times: Option<(Timestamp, Timestamp)>,
    /// The slot at the time that was asked for.
    pub at: Option<Slot>,
}

/// A slot of an archive at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Slot {
    /// It has this value.
    Value(f64),
    /// Nothing was ever written to it.
    Never,
    /// It has a value of another round of the ring, of this time.
    Other(Timestamp),
    /// The archive does not reach to that time, or the time is to come.
    Beyond,
}
