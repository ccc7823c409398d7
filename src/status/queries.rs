//! How queries do, among the daemon's own metrics: `queries.answered`, `.refused`, `.failed` and `.avgTime` in seconds.

use std::sync::Arc;

use render::Asked;

/// What happened since it was called last.
pub(crate) fn query_numbers(asked: Arc<Asked>) -> impl FnMut() -> Vec<(String, f64)> + Send {
    let mut before = asked.snapshot();
    move || {
        let now = asked.snapshot();
        let since = |after: u64, before: u64| after.saturating_sub(before) as f64;
        let counts = [
            ("answered", since(now.answered, before.answered)),
            ("refused", since(now.refused, before.refused)),
            ("failed", since(now.failed, before.failed)),
        ];
        let all: f64 = counts.iter().map(|(_, count)| count).sum();
        let time = now.time.saturating_sub(before.time).as_secs_f64();
        before = now;
        let mean = (all > 0.0).then(|| ("avgTime", time / all));
        counts.into_iter().chain(mean).map(|(name, value)| (format!("queries.{name}"), value)).collect()
    }
}
