//! What functions and their evaluation share: the request with its limits, windows, values, faults, and the one door
//! ([`Evaluate`]) through which a function asks for more.

mod budget;
mod context;
mod error;
mod evaluate;
mod pulse;
mod replacements;
mod request;
mod trace;
mod value;

pub use budget::Budget;
pub(crate) use budget::Held;
pub(crate) use context::Context;
pub use error::EvalError;
pub(crate) use evaluate::{Evaluate, Stop};
pub(crate) use pulse::Pulse;
pub(crate) use replacements::Replacements;
pub use request::{Limits, Request};
pub(crate) use trace::{Stage, Tally, Trace, value_at};
pub(crate) use value::Value;
