//! Over which window a part of a target is evaluated.

use super::request::Request;

/// The window and the default that hold for a part of a target; look-back functions evaluate parts under another one.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Context {
    pub(crate) from: i64,
    pub(crate) until: i64,
    pub(crate) x_files_factor: f64,
}

impl Context {
    pub(crate) fn of(request: &Request) -> Context {
        Context { from: request.from, until: request.until, x_files_factor: request.x_files_factor }
    }

    /// Begins `secs` earlier.
    pub(crate) fn earlier(self, secs: i64) -> Context {
        Context { from: self.from.saturating_sub(secs), ..self }
    }

    /// Lies `secs` later, or earlier if negative.
    pub(crate) fn shifted(self, secs: i64) -> Context {
        Context { from: self.from.saturating_add(secs), until: self.until.saturating_add(secs), ..self }
    }
}
