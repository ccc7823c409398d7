//! The body of an answer while it grows, with an end to its growth.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

/// What is believed of an answer's length before it is there.
const MOST_EXPECTED: usize = 256 * 1024;

/// Bytes of an answer, at most as many as the limit.
#[derive(Debug)]
pub struct Output {
    bytes: Vec<u8>,
    limit: usize,
    /// Set when nobody waits for it any more.
    stop: Arc<AtomicBool>,
}

/// Stops the writing of an answer when it is dropped.
#[derive(Debug)]
pub(crate) struct StopWriting(Arc<AtomicBool>);

impl Drop for StopWriting {
    fn drop(&mut self) {
        self.0.store(true, Relaxed);
    }
}

/// An answer would have been longer than allowed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the answer is longer than {limit} bytes, the `output-bytes` limit; ask for fewer series, a shorter time or a smaller `maxDataPoints`"
)]
pub struct TooLong {
    /// How long it may be, in bytes.
    pub limit: usize,
}

impl Output {
    /// Empty, to hold `limit` bytes at most.
    pub fn with_limit(limit: usize) -> Output {
        Output { bytes: Vec::new(), limit, stop: Arc::default() }
    }

    /// Something whose drop makes the next [`check`](Output::check) fail.
    pub(crate) fn stopped_on_drop(&mut self) -> StopWriting {
        StopWriting(Arc::clone(&self.stop))
    }

    /// Empty, without a limit, with room for `bytes` bytes: for pieces whose length their writer knows.
    pub(super) fn with_room(bytes: usize) -> Output {
        Output { bytes: Vec::with_capacity(bytes), ..Output::with_limit(usize::MAX) }
    }

    /// Bytes that it may hold.
    pub(crate) fn limit(&self) -> usize {
        self.limit
    }

    /// What has been written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The place to write to. Writers call [`Output::check`] after every piece whose length nobody else bounds.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    /// Makes room for about so many bytes, so that an answer of usual length is not moved while it grows.
    pub(super) fn expect(&mut self, bytes: usize) {
        self.bytes.reserve(bytes.min(self.limit).min(MOST_EXPECTED));
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// # Errors
    /// When more has been written than allowed, or nobody waits for it.
    pub(super) fn check(&self) -> Result<(), TooLong> {
        if self.bytes.len() > self.limit || self.stop.load(Relaxed) {
            Err(TooLong { limit: self.limit })
        } else {
            Ok(())
        }
    }
}
