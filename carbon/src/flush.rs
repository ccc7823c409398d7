//! Bringing archives up to date on request, for tools that read them.

use std::sync::Arc;
use std::time::Duration;

use carbon_line::Pattern;
use carbon_storage::{Answer, Flush, Flushed};
use tokio::time::{Instant, sleep_until};

use crate::cache::Cache;

/// How often it is looked whether the writers have done it: the longer that takes, the less often.
const LOOK: Duration = Duration::from_millis(10);
/// It is looked once in this time at least.
const LONGEST: Duration = Duration::from_millis(100);
/// One part in so many of the time since the begin passes between two looks.
const SHARE: u32 = 20;

/// Names shown of the series that were not written in time.
const EXAMPLES: usize = 5;

/// Makes writers write what waits.
#[derive(Clone, Debug)]
pub struct Flusher {
    pub(crate) cache: Arc<Cache>,
}

impl Flush for Flusher {
    fn flush<'a>(&'a self, only: Option<&'a Pattern>, patience: Duration) -> Answer<'a, Flushed> {
        Box::pin(async move {
            let begun = Instant::now();
            let until = begun + patience;
            let before = self.cache.points();
            let mut left = self.cache.mark_flush(only);
            let marked = left.len();
            while let Some(last) = left.last()
                && Instant::now() < until
            {
                if self.cache.is_marked(*last) {
                    let pause = (begun.elapsed() / SHARE).clamp(LOOK, LONGEST);
                    sleep_until((Instant::now() + pause).min(until)).await;
                } else {
                    left.pop();
                }
            }
            left.retain(|id| self.cache.is_marked(*id));
            let examples = left.iter().take(EXAMPLES).map(|id| self.cache.name(*id)).collect();
            let points = before.saturating_sub(self.cache.points());
            Flushed { series: marked - left.len(), points, left: left.len(), examples }
        })
    }
}
