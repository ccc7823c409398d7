//! Targets, functions, formats and pictures behind Graphite's HTTP API.

mod token;
mod percent;
pub mod config;
pub mod http;
pub mod time;
pub mod target;
mod tags;
pub mod series;
mod query;
pub mod eval;
pub mod functions;
pub mod draw;
mod page;
pub mod format;
pub mod dashboards;

pub use config::{HttpConfig, RenderConfig};
pub use http::{
    AdminServer, Asked, AskedSnapshot, Family, LONGEST_FLUSH, Part, Peer, Server, ServerError, Sources, Status, router,
    status_router,
};
pub use series::Series;
pub use tags::SeriesTags;
