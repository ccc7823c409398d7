//! Why a request cannot be answered.

use carbon_storage::StorageError;

use crate::target::{Place, TargetFault};

/// All but the storage variants are the client's to mend; the message is one line, [`EvalError::place`] points.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EvalError {
    /// A call of something that does not exist.
    #[error("unknown function {name}{}", hint(*suggestion))]
    UnknownFunction {
        /// As it was written.
        name: String,
        /// What may have been meant.
        suggestion: Option<&'static str>,
        /// Where.
        place: Place,
    },
    /// An argument of the wrong kind, missing, or too many.
    #[error("{function}(): {argument} wants {expected}, found {found}")]
    Argument {
        /// Whose argument.
        function: String,
        /// Its name in the manual.
        argument: String,
        /// What it takes.
        expected: String,
        /// What it was given.
        found: String,
        /// Where.
        place: Place,
    },
    /// Arguments that are well-formed but cannot be worked with.
    #[error("{function}(): {reason}")]
    Refused {
        /// Who refuses.
        function: String,
        /// Why.
        reason: String,
        /// Where.
        place: Place,
    },
    /// A limit of the request is passed.
    #[error("over the limit of {allowed} {limit}: this request has {found}; ask for less or raise the limit")]
    Limit {
        /// Its name in the configuration.
        limit: &'static str,
        /// Its value.
        allowed: usize,
        /// What the request would need; at least, when counting stopped.
        found: usize,
    },
    /// All requests together hold as much memory as they may.
    #[error(
        "requests hold the {allowed} bytes that they may together; ask for less, try again later, or raise memory.max"
    )]
    Memory {
        /// What they may hold.
        allowed: usize,
    },
    /// An expression that cannot be read: a target, or one that a function made from its arguments.
    #[error(transparent)]
    Target(#[from] TargetFault),
    /// A path that is no pattern.
    #[error("`{path}` is no pattern: {reason}")]
    Pattern {
        /// As it was written.
        path: String,
        /// Why.
        reason: String,
    },
    /// The store did not answer at all.
    #[error("the store did not answer")]
    Storage(#[from] StorageError),
    /// The thread that ran the functions ended early.
    #[error("the evaluation ended before it answered")]
    WorkerLost,
}

impl EvalError {
    /// Whether another request can do better: a 4xx, not a 5xx.
    pub fn is_clients(&self) -> bool {
        !matches!(self, EvalError::Storage(_) | EvalError::WorkerLost)
    }

    /// Where in which target, if one place is at fault.
    pub fn place(&self) -> Option<&Place> {
        match self {
            EvalError::UnknownFunction { place, .. }
            | EvalError::Argument { place, .. }
            | EvalError::Refused { place, .. }
            | EvalError::Target(TargetFault { place, .. }) => Some(place),
            _ => None,
        }
    }

    pub(crate) fn limit(limit: &'static str, allowed: usize, found: usize) -> Result<(), EvalError> {
        if found > allowed { Err(EvalError::Limit { limit, allowed, found }) } else { Ok(()) }
    }
}

fn hint(suggestion: Option<&'static str>) -> String {
    suggestion.map_or_else(String::new, |name| format!(", did you mean {name}?"))
}
