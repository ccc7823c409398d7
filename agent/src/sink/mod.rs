//! Where lines go.

mod graphite;

pub use graphite::Graphite;
