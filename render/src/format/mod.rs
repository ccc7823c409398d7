//! Series on their way out: one function per format, each writing into an [`Output`] of bounded length.
//!
//! Nothing here knows HTTP, fetches or evaluates; the pictures are drawn by `draw`.

mod output;
mod number;
mod short;
mod clock;
mod consolidate;
mod value;
mod points;
mod json;
mod lines;
mod text;
mod pickle;
mod msgpack;

pub use consolidate::fit_to;
pub use json::{Layout, dygraph, json, rickshaw};
pub use lines::{Pieces, longest};
pub use msgpack::{nodes as msgpack_nodes, series as msgpack};
pub use output::{Output, TooLong};
pub use pickle::{nodes as pickle_nodes, series as pickle};
pub use text::{csv, raw};
pub(crate) use value::quote;

#[cfg(test)]
mod tests;
