//! The carbon daemon: listeners take lines in, the cache holds points where queries see them, the writer hands them to
//! a store. Stores, names and wire formats are other packages' business; this one never opens a `.wsp` file.

mod activity;
mod batch;
mod cache;
mod changes;
mod carbonlink;
mod checkpoint;
pub mod clock;
pub mod config;
mod daemon;
mod flush;
mod gate;
mod housekeeping;
mod held;
mod intake;
mod journaling;
mod limits;
mod listener;
mod others;
mod rate;
mod report;
pub mod stats;
pub mod usage;
pub mod watchdog;
mod writer;

pub use cache::{Cache, Due, Room, Shed, Strategy, Taken, Waiting};
pub use carbon_journal::Journal;
pub use config::Config;
pub use daemon::{Carbon, Error};
pub use flush::Flusher;
pub use housekeeping::{Housekeeper, Indexes};
pub use journaling::{JournalConfig, Journaling, SyncConfig};
pub use limits::Limits;
pub use listener::{Address, Handed, HandedConnection, HandedListener, Protocol};
pub use stats::{Snapshot, Stats};
