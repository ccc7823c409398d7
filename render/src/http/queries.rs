//! What queries use, for monitoring.

use std::sync::Arc;

use serde_json::{Value, json};

use super::desk::Part;
use super::exposition::Family;
use super::results::Results;
use super::turns::Turns;
use crate::eval::Budget;

/// The queries of this process, all together.
pub(super) struct Queries {
    pub(super) budget: Budget,
    pub(super) turns: Arc<Turns>,
    pub(super) results: Arc<Results>,
}

impl Part for Queries {
    fn name(&self) -> &'static str {
        "render"
    }

    fn counters(&self) -> Value {
        let (hits, misses, bytes) = self.results.numbers();
        let results = json!({ "hits": hits, "misses": misses, "bytes": bytes });
        let (running, heavy) = (self.turns.running(), self.turns.heavy());
        json!({ "evaluations": running, "heavy": heavy, "memory": self.budget.used(), "results": results })
    }

    fn families(&self) -> Vec<Family> {
        let gauge = |name, help, number: usize| Family::gauge(name, help).value(number as f64);
        let counter = |name, help, number: u64| Family::counter(name, help).value(number as f64);
        let (hits, misses, bytes) = self.results.numbers();
        vec![
            gauge("plumbago_render_evaluations", "Requests evaluated now.", self.turns.running()),
            gauge("plumbago_render_heavy_evaluations", "Those of many series among them.", self.turns.heavy()),
            counter("plumbago_render_results_hits_total", "Answers given again.", hits),
            counter("plumbago_render_results_misses_total", "Answers that could have been given again.", misses),
            gauge("plumbago_render_results_bytes", "Memory of answers that may be given again.", bytes),
            gauge("plumbago_render_memory_bytes", "Memory of what requests have read.", self.budget.used()),
        ]
    }
}
