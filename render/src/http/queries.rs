//! What queries use, for monitoring.

use std::sync::Arc;

use serde_json::{Value, json};

use super::desk::Part;
use super::exposition::Family;
use super::turns::Turns;
use crate::eval::Budget;

/// The queries of this process, all together.
pub(super) struct Queries {
    pub(super) budget: Budget,
    pub(super) turns: Arc<Turns>,
}

impl Part for Queries {
    fn name(&self) -> &'static str {
        "render"
    }

    fn counters(&self) -> Value {
        json!({ "evaluations": self.turns.running(), "heavy": self.turns.heavy(), "memory": self.budget.used() })
    }

    fn families(&self) -> Vec<Family> {
        let gauge = |name, help, number: usize| Family::gauge(name, help).value(number as f64);
        vec![
            gauge("plumbago_render_evaluations", "Requests evaluated now.", self.turns.running()),
            gauge("plumbago_render_heavy_evaluations", "Those of many series among them.", self.turns.heavy()),
            gauge("plumbago_render_memory_bytes", "Memory of what requests have read.", self.budget.used()),
        ]
    }
}
