//! Whisper, the fixed-size time series file of Graphite, byte for byte.
//!
//! A Whisper file holds one metric. It never grows: each of its archives is a ring of slots, a fine one for the last
//! hours and coarser ones for the months before. Writing a point also renews the points of the coarser archives that
//! are made from it. What this crate writes, Python's `whisper` 1.1.10 and everything built on it reads, and the other
//! way round; the bytes are the same.
//!
//! # The file
//!
//! All numbers are big-endian; nothing is padded. A file with two archives of 5 and 12 points:
//!
//! ```text
//! byte  0        4               8              12          16
//!       ┌────────┬───────────────┬──────────────┬───────────┐
//!       │ method │ max retention │ xFilesFactor │ archives  │   header, 16 bytes
//!       │  u32   │ u32, seconds  │     f32      │ u32 = 2   │
//!  16   ├────────┼───────────────┼──────────────┼───────────┘
//!       │ offset │ step, seconds │    points    │               archive table, 12 bytes each:
//!       │ u32=40 │    u32 = 60   │   u32 = 5    │               60 s x 5 points, from byte 40
//!  28   ├────────┼───────────────┼──────────────┤
//!       │ u32=100│    u32 = 300  │   u32 = 12   │               300 s x 12 points, from byte 100
//!  40   ├────────┼───────────────┴──────────────┤
//!       │ time   │            value             │               archive 0, slot 0
//!       │  u32   │             f64              │               12 bytes
//!  52   ├────────┼──────────────────────────────┤
//!       │  ...   │                              │               slots 1 to 4
//! 100   ├────────┼──────────────────────────────┤
//!       │ time   │            value             │               archive 1, slot 0
//!       │  ...   │                              │               slots 1 to 11, the file ends at byte 244
//! ```
//!
//! - **method**: 1 average, 2 sum, 3 last, 4 max, 5 min, 6 avg_zero, 7 absmax, 8 absmin ([`AggregationMethod`]).
//! - **max retention**: the longest `step x points` of the archives, in seconds.
//! - **xFilesFactor**: which share of finer points must be known for a coarser one, as 32 bits keep it
//!   ([`XFilesFactor`] tells why 3 of 10 are not enough for 0.3).
//! - **archives**: finest first, each step a multiple of the one before ([`Retentions`] has the five rules).
//! - **slots**: time 0 marks an empty one. A NaN with a time is a known value.
//!
//! # Where a time belongs
//!
//! A time is cut down to a multiple of the step. The time in slot 0 is the *base* of its archive; a time `t` lies in slot
//! `(t - base) / step mod points`, rounding towards minus infinity, so older times than the base are normal. When the ring
//! has gone round, slot 0 gets a time exactly one round later, and every place stays what it was. A slot whose time is
//! not the one expected is left over from an earlier round and counts as unknown.
//!
//! ```text
//! step 60, 5 points, base 1200          slot   0      1      2      3      4
//!                                       time   1200   1260   1320   1080   1140
//! now 1320: 1380 will overwrite 1080                                ^ next
//! ```
//!
//! # Operations
//!
//! Create a file, write points in any order, read them back:
//!
//! ```
//! # #[cfg(feature = "file")] fn main() -> Result<(), Box<dyn std::error::Error>> {
//! use whisper::{AggregationMethod, CreateOptions, Point, Timestamp, Whisper, XFilesFactor};
//!
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("requests.wsp");
//! let options = CreateOptions {
//!     method: AggregationMethod::Sum,
//!     x_files_factor: XFilesFactor::new(0.0)?,
//!     ..CreateOptions::new("60s:1d,5m:1w".parse()?)
//! };
//! let mut file = Whisper::create(&path, &options)?;
//!
//! let now = Timestamp::from_secs(1_750_000_200);
//! let point = |age: u32, value| Point { time: Timestamp::from_secs(now.secs() - age), value };
//! file.update_many(&[point(60, 3.0), point(180, 4.0), point(120, 5.0)], now)?;
//!
//! let fetched = file.fetch(Timestamp::from_secs(now.secs() - 240), now, now)?.expect("within the day");
//! assert_eq!(fetched.step.secs(), 60);
//! assert_eq!(fetched.values, [Some(4.0), Some(5.0), Some(3.0), None]);
//!
//! // The window's begin chooses the archive: further back than a day, five minutes a point, and these are sums.
//! let fetched = file.fetch(Timestamp::from_secs(now.secs() - 86_401), now, now)?.expect("within the week");
//! assert_eq!(fetched.step.secs(), 300);
//! assert_eq!(fetched.values.iter().flatten().sum::<f64>(), 12.0);
//! # Ok(()) }
//! # #[cfg(not(feature = "file"))] fn main() {}
//! ```
//!
//! Read into a buffer that is used again, gaps as NaN:
//!
//! ```
//! # #[cfg(feature = "file")] fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use whisper::{CreateOptions, Point, Timestamp, Whisper};
//! # let dir = tempfile::tempdir()?;
//! # let path = dir.path().join("x.wsp");
//! # let now = Timestamp::from_secs(1_750_000_200);
//! # Whisper::create(&path, &CreateOptions::new("60s:1d".parse()?))?.update(Point { time: now, value: 1.0 }, now)?;
//! let mut values = Vec::new();
//! let file = Whisper::open_read_only(&path)?;
//! let span = file.fetch_into(Timestamp::from_secs(now.secs() - 120), now, now, &mut values)?.expect("recent");
//! assert_eq!(span.from.secs(), now.secs() - 60);
//! assert!(values[0].is_nan() && values[1] == 1.0);
//! # Ok(()) }
//! # #[cfg(not(feature = "file"))] fn main() {}
//! ```
//!
//! Change settings, merge, compare, fill gaps, check and save:
//!
//! ```
//! # #[cfg(feature = "file")] fn main() -> Result<(), Box<dyn std::error::Error>> {
//! # use whisper::{AggregationMethod, CreateOptions, DiffOptions, MergeWindow, Point, Timestamp, Whisper};
//! # let dir = tempfile::tempdir()?;
//! # let (a, b) = (dir.path().join("a.wsp"), dir.path().join("b.wsp"));
//! # let now = Timestamp::from_secs(1_750_000_200);
//! # let options = CreateOptions::new("60s:1d".parse()?);
//! let mut first = Whisper::create(&a, &options)?;
//! let mut second = Whisper::create(&b, &options)?;
//! second.update(Point { time: now, value: 1.0 }, now)?;
//!
//! assert_eq!(first.diff(&second, DiffOptions::default(), now)?[0].points.len(), 1);
//! first.merge(&second, MergeWindow::default(), now)?;
//! assert_eq!(first.diff(&second, DiffOptions::default(), now)?[0].points.len(), 0);
//!
//! first.fill(&second, now)?; // nothing is missing any more
//! assert_eq!(first.set_aggregation_method(AggregationMethod::Max)?, AggregationMethod::Average);
//! assert_eq!(Whisper::check(&a, now)?, []);
//! # Ok(()) }
//! # #[cfg(not(feature = "file"))] fn main() {}
//! ```
//!
//! # Crashes, locks, and several programs
//!
//! - A file appears complete or not at all: it is made without a name, or under a temporary one. Whole-file changes
//!   ([`Whisper::change_whole`], the tools' merge and resize) do the same and leave the old file until the end.
//! - An update writes slots in place. Cut off at any write it leaves a file that opens, with all other slots intact; a
//!   coarser archive can then lag behind a finer one until the next point.
//! - Nothing is synced unless asked ([`Whisper::sync`], [`sync_folder`]); the tools ask.
//! - One process writes a file at a time. [`Whisper::open_locked`] takes the advisory lock that carbon and the Python
//!   tools take. A program that keeps files open asks [`Whisper::is_replaced`] before it writes, because a tool may have
//!   put another file under the name.
//!
//! # Features
//!
//! Without features the crate is a vocabulary ([`Timestamp`], [`Interval`], [`Point`], [`Retention`],
//! [`AggregationMethod`], [`XFilesFactor`]); `file` adds the files ([`Whisper`]), `map` reading through a memory map,
//! `tools` what the command line verbs do and print.
#![cfg_attr(not(feature = "file"), allow(rustdoc::broken_intra_doc_links, reason = "files are a feature"))]

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
mod draft;
#[cfg(feature = "file")]
mod fetch;
#[cfg(feature = "file")]
mod file;
#[cfg(feature = "file")]
mod fill;
#[cfg(feature = "file")]
mod fresh;
#[cfg(feature = "file")]
mod fsck;
#[cfg(feature = "file")]
mod header;
#[cfg(feature = "file")]
mod kept;
#[cfg(feature = "file")]
pub mod layer;
#[cfg(feature = "map")]
pub mod map;
#[cfg(feature = "file")]
mod merge;
#[cfg(feature = "file")]
mod migrate;
#[cfg(feature = "file")]
mod place;
#[cfg(feature = "file")]
mod propagate;
#[cfg(feature = "file")]
mod resize;
#[cfg(feature = "file")]
mod ring;
#[cfg(feature = "file")]
mod run;
#[cfg(feature = "file")]
mod set;
#[cfg(feature = "file")]
mod template;
#[cfg(feature = "file")]
mod tip;
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
pub use kept::Kept;
#[cfg(feature = "file")]
pub use merge::MergeWindow;
#[cfg(feature = "file")]
pub use migrate::Migration;
#[cfg(feature = "file")]
pub use place::NewPlace;
#[cfg(feature = "file")]
pub use resize::Resampled;
#[cfg(feature = "file")]
pub use template::Template;
#[cfg(feature = "file")]
pub use tip::Tip;
