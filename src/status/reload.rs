//! How reloading rules and limits went.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use render::{Family, Part};
use serde_json::{Value, json};

use crate::reload::Reloads;

/// The reloads of this process.
pub(crate) struct ReloadPart(pub(crate) Arc<Reloads>);

impl Part for ReloadPart {
    fn name(&self) -> &'static str {
        "reload"
    }

    fn counters(&self) -> Value {
        let Reloads { done, failed, stale } = &*self.0;
        json!({ "done": done.load(Relaxed), "failed": failed.load(Relaxed), "stale": stale.load(Relaxed) })
    }

    fn families(&self) -> Vec<Family> {
        let Reloads { done, failed, stale } = &*self.0;
        let stale = if stale.load(Relaxed) { 1.0 } else { 0.0 };
        vec![
            Family::counter("plumbago_reloads_total", "Times that rules and limits were read anew.")
                .value(done.load(Relaxed) as f64),
            Family::counter(
                "plumbago_reload_failures_total",
                "Times that they could not be used; the old ones stayed.",
            )
            .value(failed.load(Relaxed) as f64),
            Family::gauge("plumbago_reload_stale", "1 while rules are in force that their files no longer hold.")
                .value(stale),
        ]
    }
}
