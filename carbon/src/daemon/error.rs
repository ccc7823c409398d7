//! Why the daemon could not start, or could not stop cleanly.

use std::io;

use carbon_journal::JournalError;
use carbon_storage::RuleError;

use crate::listener::Address;

/// Why the daemon could not start, or could not stop cleanly.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// Options that make no sense, all of them.
    #[error("the configuration cannot be used: {}", .0.join("; "))]
    Config(Vec<String>),
    /// The allow or the deny list cannot be used.
    #[error(transparent)]
    Lists(#[from] RuleError),
    /// A listener's address cannot be had; mostly another daemon holds it.
    #[error("cannot listen on {address}; stop whatever holds it (`ss -lnp` shows it) or change carbon.{key}")]
    Listen {
        /// The address that was asked for.
        address: Address,
        /// The option that asked for it.
        key: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The journal cannot be used.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// No thread could be started.
    #[error("cannot start the writer threads")]
    Writers(#[source] io::Error),
    /// A writer thread ended by a panic, which is a bug.
    #[error("{0} ended by a panic")]
    WriterPanicked(String),
    /// The store refused points until `drain-for` was over.
    #[error(
        "{points} points could not be stored and are lost; see the refusals logged above, or raise carbon.drain-for"
    )]
    PointsLeft {
        /// How many.
        points: usize,
    },
}
