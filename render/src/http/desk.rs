//! What a process can say of itself, and what requests for it share.

use std::sync::Arc;

use axum::response::Response;
use carbon_storage::{Flush, Housekeeping};
use serde_json::Value;

use super::access::Access;
use super::asked::Asked;
use super::exposition::{self, Family};
use super::results::Results;
use super::traffic::Traffic;
use super::{answer, never_cached};
use crate::config::HttpConfig;

/// A part of the process, seen from outside.
pub trait Part: Send + Sync {
    /// What it is called in answers.
    fn name(&self) -> &'static str;

    /// Its counters, for the JSON of `/health`.
    fn counters(&self) -> Value;

    /// What is wrong with it now, a sentence each; empty when it does its work.
    fn faults(&self) -> Vec<String> {
        Vec::new()
    }

    /// Its numbers for `/metrics`. No name may come from two parts.
    fn families(&self) -> Vec<Family>;

    /// Gives back descriptors that it keeps only to be quicker, since a connection needs one.
    fn spare_descriptors(&self) {}
}

/// What a process can say of itself and do for tools.
#[derive(Clone, Default)]
pub struct Status {
    /// All parts that run in it.
    pub parts: Vec<Arc<dyn Part>>,
    /// Brings the store up to date, where points wait in this process.
    pub flush: Option<Arc<dyn Flush>>,
    /// Deletes and renames series, where points are taken in.
    pub housekeeping: Option<Arc<dyn Housekeeping>>,
    /// Counts queries, for who wants to know.
    pub asked: Arc<Asked>,
}

/// What requests for the status share.
pub(super) struct Desk {
    pub(super) http: HttpConfig,
    pub(super) status: Status,
    pub(super) traffic: Arc<Traffic>,
    pub(super) access: Access,
    /// Answers that may be given again, until series change.
    pub(super) results: Arc<Results>,
}

impl Desk {
    pub(super) fn new(http: HttpConfig, status: Status, results: Arc<Results>) -> Arc<Desk> {
        Arc::new(Desk {
            access: Access::new(&http),
            traffic: Arc::new(Traffic::with(status.asked.clone())),
            http,
            status,
            results,
        })
    }

    /// All numbers, as text.
    pub(super) fn exposition(&self) -> Response {
        let parts = &self.status.parts;
        let faults: Vec<(&str, usize)> = parts.iter().map(|part| (part.name(), part.faults().len())).collect();
        let health = Family::gauge("plumbago_healthy", "1 while a part does its work, else 0; /health says why.");
        let health = faults.iter().fold(health, |family, (part, faults)| {
            family.labelled(&[("part", part)], if *faults == 0 { 1.0 } else { 0.0 })
        });
        let mut families = vec![health];
        families.extend(parts.iter().flat_map(|part| part.families()));
        families.extend(self.traffic.families());
        let mut response = answer::body(exposition::CONTENT_TYPE, exposition::text(&families).into_bytes());
        never_cached(response.headers_mut());
        response
    }
}
