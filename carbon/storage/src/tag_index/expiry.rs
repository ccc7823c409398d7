//! Series whose archives were taken away leave the index once that is long ago: hosts go, and their tags should.
//!
//! Nothing that is stored or waits is forgotten. As long as not one archive of a tagged series is there, the disk is
//! away rather than the series, and all of them stay.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use carbon_line::MetricName;

use super::{SeriesId, TagIndex};

/// Series that are looked at in one step.
const AT_ONCE: usize = 1_024;

/// A way through all series, again and again.
#[derive(Debug)]
pub struct Expiry {
    after: Duration,
    /// The number of the next series.
    next: usize,
    /// Since when a series has been without points and archive, as far as it was looked at.
    without: HashMap<u32, Instant>,
    /// Those of this round whose time is over.
    over: Vec<u32>,
    /// Whether this round has met an archive.
    any_stored: bool,
}

impl Expiry {
    /// Forgets what has had no archive `after` it was first missed.
    pub fn new(after: Duration) -> Expiry {
        Expiry { after, next: 0, without: HashMap::new(), over: Vec::new(), any_stored: false }
    }
}

impl TagIndex {
    /// Goes a step on; at the end of a round, the names that were forgotten. Blocks.
    pub fn expire(
        &self,
        expiry: &mut Expiry,
        is_stored: &dyn Fn(&MetricName) -> bool,
        now: Instant,
    ) -> Option<Vec<MetricName>> {
        let some = self.shared.state().some(expiry.next, AT_ONCE);
        let Some((last, _)) = some.last() else { return Some(self.end_round(expiry)) };
        expiry.next = *last as usize + 1;
        // In this order: what neither waits nor is there afterwards did not get its first points in between.
        let waits = self.wait(&some);
        for ((number, name), waits) in some.into_iter().zip(waits) {
            let stored = is_stored(&name);
            expiry.any_stored |= stored;
            if stored || waits {
                expiry.without.remove(&number);
            } else if now.duration_since(*expiry.without.entry(number).or_insert(now)) >= expiry.after {
                expiry.over.push(number);
            }
        }
        None
    }

    fn end_round(&self, expiry: &mut Expiry) -> Vec<MetricName> {
        expiry.next = 0;
        let mut over = std::mem::take(&mut expiry.over);
        if !std::mem::take(&mut expiry.any_stored) {
            return Vec::new();
        }
        over.iter().for_each(|number| _ = expiry.without.remove(number));
        let mut names: Vec<(u32, MetricName)> = {
            let state = self.shared.state();
            over.drain(..).filter_map(|number| Some((number, state.name(number)?))).collect()
        };
        // Points may have come since they were looked at.
        let mut waits = self.wait(&names).into_iter();
        names.retain(|_| !waits.next().unwrap_or(true));
        let mut state = self.shared.state_mut();
        names.into_iter().map(|(_, name)| name).inspect(|name| state.forget(name)).collect()
    }

    /// Which of these hold points that are not stored.
    fn wait(&self, some: &[(u32, MetricName)]) -> Vec<bool> {
        let (Some(waiting), Some(names)) = (self.shared.waiting.get(), &self.shared.names) else {
            // Nobody can tell, so they may.
            return vec![true; some.len()];
        };
        let ids: Vec<Option<SeriesId>> = {
            let table = names.read();
            some.iter().map(|(_, name)| table.lookup(name.as_bytes())).collect()
        };
        let mut held: Vec<SeriesId> = ids.iter().flatten().copied().collect();
        waiting.retain_waiting(&mut held);
        held.sort_unstable();
        ids.into_iter().map(|id| id.is_some_and(|id| held.binary_search(&id).is_ok())).collect()
    }
}
