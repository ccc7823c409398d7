//! Whisper, the fixed-size time series file of Graphite, byte for byte.
//!
//! A Whisper file holds one metric. It never grows: each of its archives is a ring of slots, a fine one for the last
//! hours and coarser ones for the months before. Writing a point also renews the points of the coarser archives that
//! are made from it.
//!
//! Without features the crate is a vocabulary ([`Timestamp`], [`Interval`], [`Point`], [`Retention`],
//! [`AggregationMethod`], [`XFilesFactor`]); `file` adds the files ([`Whisper`]), `map` reading through a memory map,
//! `tools` what the command line verbs do and print.

mod aggregation;
mod error;
mod point;
mod retention;
mod time;
mod x_files_factor;

pub use aggregation::{AggregationMethod, UnknownAggregation};
pub use error::{Damage, Error};
pub use point::Point;
pub use retention::{Retention, RetentionError, Retentions, parse_precision};
pub use time::{Interval, Timestamp};
pub use x_files_factor::{InvalidFactor, XFilesFactor};

#[cfg(feature = "file")]
mod batch;
#[cfg(feature = "file")]
mod create;
#[cfg(feature = "file")]
mod diff;
#[cfg(feature = "file")]
mod fetch;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "file")]
mod fill;
#[cfg(feature = "file")]
mod fsck;
#[cfg(feature = "file")]
mod header;
#[cfg(feature = "file")]
pub mod layer;
#[cfg(feature = "file")]
mod merge;
#[cfg(feature = "file")]
mod propagate;
#[cfg(feature = "file")]
mod resize;
#[cfg(feature = "file")]
mod set;
#[cfg(feature = "file")]
mod update;

#[cfg(feature = "tools")]
pub mod tools;

#[cfg(feature = "file")]
pub use create::{Allocation, CreateOptions, sync_folder};
#[cfg(feature = "file")]
pub use diff::{ArchiveDiff, DiffOptions, Difference};
#[cfg(feature = "file")]
pub use fetch::{Fetched, FetchedSeconds, Seconds, Span};
#[cfg(feature = "file")]
pub use file::Whisper;
#[cfg(feature = "file")]
pub use fsck::{Finding, Salvaged};
#[cfg(feature = "file")]
pub use header::{ArchiveInfo, Header};
#[cfg(feature = "file")]
pub use merge::MergeWindow;
#[cfg(feature = "file")]
pub use resize::Resampled;
