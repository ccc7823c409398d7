//! Whisper, the fixed-size time series file of Graphite, byte for byte.

mod error;
mod point;
mod time;

pub use error::Error;
pub use point::Point;
pub use time::{Interval, Timestamp};
