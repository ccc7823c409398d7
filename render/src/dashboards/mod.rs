//! Dashboards: plain JSON files that one can keep in git, see `FORMAT.md` beside this file.
//!
//! The page reads and saves them by `/dashboards/...`; this module knows files and JSON, no HTTP.

mod name;
mod model;
mod limits;
mod variables;
mod check;
mod ready;
mod summary;
mod file;
mod store;
mod import;

pub use import::{ImportFault, Imported, import};
pub use limits::{DashboardFault, LONGEST};
pub use model::{Column, Dashboard, Panel, Row, Variable};
pub use name::{DashboardName, NameFault};
pub(crate) use ready::Ready;
pub(crate) use store::{Expected, Kept, Listed, Store, StoreFault};
