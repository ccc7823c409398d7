//! What queries use, for monitoring.

use std::sync::Arc;

use serde_json::{Value, json};
use tokio::sync::Semaphore;

use super::desk::Part;
use super::exposition::Family;
use crate::eval::Budget;

/// The queries of this process, all together.
pub(super) struct Queries {
    pub(super) budget: Budget,
    pub(super) turns: Arc<Semaphore>,
    pub(super) evaluations: usize,
}

impl Queries {
    fn running(&self) -> usize {
        self.evaluations.saturating_sub(self.turns.available_permits())
    }
}

impl Part for Queries {
    fn name(&self) -> &'static str {
        "render"
    }

    fn counters(&self) -> Value {
        json!({ "evaluations": self.running(), "memory": self.budget.used() })
    }

    fn families(&self) -> Vec<Family> {
        let gauge = |name, help, number: usize| Family::gauge(name, help).value(number as f64);
        vec![
            gauge("plumbago_render_evaluations", "Requests evaluated now.", self.running()),
            gauge("plumbago_render_memory_bytes", "Memory of what requests have read.", self.budget.used()),
        ]
    }
}
