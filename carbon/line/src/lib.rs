//! Graphite names and wire formats: bytes in, datapoints and rejects out. No socket, no clock, no peer.

pub mod carbonlink;
pub mod datagram;
pub mod decoder;
pub mod frame;
pub mod name;
mod number;
pub mod pattern;
pub mod pickle;
pub mod plain;
pub mod proxy;
pub mod reject;
pub mod rules;
pub mod tags;
pub mod simple;

pub use decoder::Decoder;
pub use name::{MetricName, NameFault};
pub use pattern::{Pattern, PatternFault, Segment};
pub use plain::Datapoint;
pub use reject::Reject;
pub use rules::Rules;
pub use simple::{Numbers, Simple};
pub use tags::Tagged;
