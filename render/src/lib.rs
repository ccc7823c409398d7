//! Targets, functions, formats and pictures behind Graphite's HTTP API.

pub mod config;
pub mod draw;
pub mod eval;
pub mod format;
pub mod functions;
pub mod http;
pub mod series;
pub mod target;
pub mod time;

pub use config::RenderConfig;
pub use http::{Report, Server, ServerError, Sources, router};
pub use series::Series;
