//! The files that take more, and what they are to take next.

use std::collections::VecDeque;
use std::sync::Arc;

use crate::chunk::Chunk;
use crate::disk::DiskFile;

/// The files that grow, and what they are to take next.
#[derive(Debug)]
pub(crate) struct Writer {
    /// Taken from the state, not yet in a file, in order.
    pub(crate) queue: VecDeque<Chunk>,
    pub(crate) points: Option<Growing>,
    pub(crate) names: Option<Growing>,
    /// Of the names file, which may not exist yet.
    pub(crate) generation: u32,
    /// The names file holds less than it should: all names go to one of a new generation.
    pub(crate) renew_names: bool,
    /// The next file of points has at least this number, because those below may have lost bytes.
    pub(crate) floor: u32,
}

/// A file that takes more.
#[derive(Debug)]
pub(crate) struct Growing {
    pub(crate) number: u32,
    pub(crate) file: Arc<dyn DiskFile>,
    pub(crate) seed: u32,
    pub(crate) offset: u64,
}

impl Writer {
    pub(crate) fn new(generation: u32) -> Writer {
        Writer { queue: VecDeque::new(), points: None, names: None, generation, renew_names: false, floor: 0 }
    }
}
