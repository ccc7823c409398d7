//! When to collect and where to send.
//!
//! One thread keeps the schedule and runs what reads `/proc`; collectors that can hang run on a pool; a task for each
//! destination delivers. A run's values become lines at once, so that what waits for a server that is away is bounded text
//! and nothing else.

mod clock;
mod config;
mod delivery;
mod destination;
#[cfg(feature = "diamond")]
mod diamond_import;
mod explain;
#[cfg(feature = "expose")]
mod expose;
#[cfg(not(feature = "expose"))]
#[path = "expose/absent.rs"]
mod expose;
mod events;
mod job;
mod keeper;
mod ledger;
mod naming;
mod once;
mod outlet;
mod own;
mod pipeline;
mod plugin;
mod pool;
mod rate;
mod remembered;
mod route;
mod runner;
mod running;

#[cfg(test)]
mod golden_ceph;
#[cfg(test)]
mod golden_host;
mod schedule;
mod setup;
mod sink;
mod size;
mod spool;
mod teller;

pub use collectors::Compat;
pub use config::{AgentConfig, Problem};
pub use destination::{DestinationConfig, Destinations, Kind, Protocol};
#[cfg(feature = "diamond")]
pub use diamond_import::{Imported, import_diamond};
pub use events::Upstream;
pub use explain::{Explained, Reading, explain};
pub use job::State;
pub use ledger::{Runs, Watch};
pub use once::{Looked, Seen, once};
pub use outlet::{Cause, Counts, Lost};
pub use plugin::{BUILT_IN, DiamondConfig, DiamondLevel, Mode, PluginConfig, Plugins};
pub use route::{Over, RenameConfig, RouteConfig, RouteCounts, Routes};
pub use running::{Account, Agent, StartError, Steering};
pub use schedule::{Due, Timetable, stagger};
pub use setup::Setup;
#[cfg(feature = "tls")]
pub use sink::TlsConfig;
pub use size::Size;
