//! What all new files of one layout begin with.

use std::sync::Arc;

use crate::{Allocation, CreateOptions, Header};

/// A layout, with its header as an object and as bytes: made once for files that are made by the thousand with
/// [`Whisper::create_filled`](crate::Whisper::create_filled), which then share the header.
#[derive(Debug)]
pub struct Template {
    pub(crate) header: Arc<Header>,
    pub(crate) bytes: Box<[u8]>,
    pub(crate) allocation: Allocation,
}

impl Template {
    /// That of files with these options.
    pub fn new(options: &CreateOptions) -> Template {
        let header = Header::of(options);
        Template { bytes: header.to_bytes().into(), header: Arc::new(header), allocation: options.allocation }
    }
}
