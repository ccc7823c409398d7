//! Graphite names and wire formats: bytes in, datapoints and rejects out. No socket, no clock, no peer.

pub mod name;
pub mod pattern;

pub use name::{MetricName, NameFault};
pub use pattern::{Glob, Pattern, PatternFault, Segment};
