//! When to collect and where to send.
//!
//! One thread keeps the schedule and runs what reads `/proc`; collectors that can hang run on a pool; one task delivers.
//! A run's values become lines at once, so that what waits for a server that is away is bounded text and nothing else.

mod buffer;
mod clock;
mod config;
mod job;
mod keeper;
mod ledger;
mod naming;
mod once;
mod own;
mod plugin;
mod pool;
mod rate;
mod remembered;
mod runner;
mod running;

#[cfg(test)]
mod golden_ceph;
#[cfg(test)]
mod golden_host;
mod schedule;
pub mod sink;

pub use buffer::{Buffer, Counts};
pub use config::{AgentConfig, Problem};
pub use job::State;
pub use ledger::{Runs, Watch};
pub use once::{Line, once};
pub use plugin::{Mode, PluginConfig, Plugins};
pub use running::{Account, Agent, StartError, Steering};
pub use schedule::{Due, Timetable, stagger};
