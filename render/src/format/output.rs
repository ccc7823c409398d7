//! The body of an answer while it grows, with an end to its growth.

/// Bytes of an answer, at most as many as the limit.
#[derive(Debug)]
pub struct Output {
    bytes: Vec<u8>,
    limit: usize,
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
        Output { bytes: Vec::new(), limit }
    }

    /// What has been written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// The place to write to. Writers call [`Output::check`] after every piece whose length nobody else bounds.
    pub(super) fn bytes(&mut self) -> &mut Vec<u8> {
        &mut self.bytes
    }

    pub(super) fn text(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// # Errors
    /// When more has been written than allowed.
    pub(super) fn check(&self) -> Result<(), TooLong> {
        if self.bytes.len() > self.limit { Err(TooLong { limit: self.limit }) } else { Ok(()) }
    }
}
