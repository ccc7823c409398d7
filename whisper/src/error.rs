//! Why a Whisper file could not be used.

/// What is wrong with which file, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {}
