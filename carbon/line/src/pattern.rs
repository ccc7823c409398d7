//! Glob patterns over dotted names.

/// A compiled pattern such as `servers.*.cpu.{user,idle}`.
#[derive(Clone, Debug)]
pub struct Pattern {
    text: String,
}

impl Pattern {
    /// The pattern as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}
