//! A store in memory for tests: tables of values that all end at the same instant.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use carbon_line::MetricName;
use carbon_storage::{Answer, Fetch, FetchQuery, Find, FindQuery, Node, NodeKind, Partial, Series, StorageError};
use whisper::{Interval, Timestamp};

/// The instant of every last value: a midnight in UTC.
pub(crate) const NOW: i64 = 1_700_006_400;

/// Names with their step in seconds and their values; what lies before them is unknown.
#[derive(Default)]
pub(crate) struct Table {
    rows: Vec<(String, i64, Vec<f64>)>,
    /// How often names were looked up.
    pub(crate) finds: AtomicUsize,
    /// Every window that was read, with how many names.
    pub(crate) reads: Mutex<Vec<(i64, i64, usize)>>,
}

impl Table {
    pub(crate) fn load(&mut self, name: &str, step: i64, values: Vec<f64>) {
        self.rows.push((name.to_owned(), step, values));
    }

    fn read(&self, name: &MetricName, from: i64, until: i64) -> Option<Series> {
        let (_, step, values) = self.rows.iter().find(|(known, _, _)| **known == **name)?;
        let start = from - from.rem_euclid(*step) + step;
        let until = until.min(NOW);
        let last = (until - until.rem_euclid(*step)).max(start);
        let value = |at: i64| {
            let index = values.len() as i64 - 1 - (NOW - at).div_euclid(*step);
            usize::try_from(index).ok().and_then(|index| values.get(index)).copied().unwrap_or(f64::NAN)
        };
        Some(Series {
            name: name.clone(),
            start: Timestamp::saturating_from(start),
            step: Interval::from_secs(u32::try_from(*step).ok()?)?,
            values: (start..=last).step_by(*step as usize).map(value).collect(),
            layout: None,
        })
    }
}

impl Find for Table {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Partial<Vec<Node>>, StorageError>> {
        self.finds.fetch_add(1, Ordering::Relaxed);
        let matching = self.rows.iter().filter(|(name, _, _)| query.pattern.matches(name));
        let nodes = matching.map(|(name, _, _)| Node { path: name.clone(), kind: NodeKind::Leaf }).collect();
        Box::pin(async move { Ok(Partial::whole(nodes)) })
    }
}

impl Fetch for Table {
    fn fetch<'a>(&'a self, query: &'a FetchQuery) -> Answer<'a, Result<Partial<Vec<Series>>, StorageError>> {
        let (from, until) = (query.window.from.as_i64(), query.window.until.as_i64());
        self.reads.lock().unwrap().push((from - NOW, until - NOW, query.names.len()));
        let series = query.names.iter().filter_map(|name| self.read(name, from, until)).collect();
        Box::pin(async move { Ok(Partial::whole(series)) })
    }
}
