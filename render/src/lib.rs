//! Targets, functions, formats and pictures behind Graphite's HTTP API.

pub mod draw;
pub mod series;

pub use series::Series;
