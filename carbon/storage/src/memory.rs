//! A store in memory, for tests and for seeing that the traits fit more than files: it answers later, its parts can be
//! away one by one, and it aggregates nothing.

use std::collections::{BTreeMap, BTreeSet, HashSet};
use std::num::NonZeroU32;
use std::sync::{Mutex, MutexGuard, PoisonError};

use carbon_line::{MetricName, Pattern, tags};
use whisper::{Interval, Point, Retention, Timestamp};

use crate::{
    Answer, Failure, Fetch, FetchQuery, Find, FindQuery, Node, NodeKind, Partial, Pending, Refusal, Series,
    StorageError, Store, WriteReport,
};

/// Series spread over shards by their name's length, each shard reachable or not.
#[derive(Debug)]
pub struct Memory {
    step: Interval,
    shards: usize,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    series: BTreeMap<MetricName, BTreeMap<Timestamp, f64>>,
    away: HashSet<usize>,
    refused: HashSet<MetricName>,
}

impl Memory {
    /// An empty store that keeps one point a `step` and spreads series over `shards` parts, at least one.
    pub fn new(step: Interval, shards: usize) -> Memory {
        Memory { step, shards: shards.max(1), state: Mutex::default() }
    }

    /// Takes a shard away or brings it back; writes to it are to be tried again, reads lack its part.
    pub fn set_reachable(&self, shard: usize, reachable: bool) {
        let mut state = self.state();
        if reachable {
            state.away.remove(&shard)
        } else {
            state.away.insert(shard)
        };
    }

    /// Refuses all further writes of `name` for good, as a damaged file does.
    pub fn refuse(&self, name: &MetricName) {
        self.state().refused.insert(name.clone());
    }

    /// Which shard holds `name`.
    pub fn shard_of(&self, name: &str) -> usize {
        name.len() % self.shards
    }

    /// All points of `name` in time order.
    pub fn points(&self, name: &str) -> Vec<Point> {
        let points = self.state().series.get(name).cloned().unwrap_or_default();
        points.into_iter().map(|(time, value)| Point { time, value }).collect()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        // Each change under the lock is a single insertion or removal, so a poisoned state is whole.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn unreachable(shard: usize) -> StorageError {
        StorageError::Unreachable { part: format!("shard {shard}"), reason: "it was taken away".into() }
    }

    fn failures(away: &HashSet<usize>) -> Vec<Failure> {
        away.iter()
            .map(|shard| Failure { part: format!("shard {shard}"), error: Memory::unreachable(*shard) })
            .collect()
    }

    fn write_one(&self, state: &mut State, pending: &Pending) -> Result<bool, (bool, StorageError)> {
        let shard = self.shard_of(&pending.name);
        if state.away.contains(&shard) {
            return Err((true, Memory::unreachable(shard)));
        }
        if state.refused.contains(&pending.name) {
            return Err((false, Memory::unreachable(shard)));
        }
        let created = !state.series.contains_key(&pending.name);
        let series = state.series.entry(pending.name.clone()).or_default();
        series.extend(pending.points.iter().map(|point| (point.time.floor(self.step), point.value)));
        Ok(created)
    }
}

impl Store for Memory {
    fn write<'a>(&'a self, batch: &'a [Pending], _now: Timestamp) -> Answer<'a, WriteReport> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let (mut state, mut report) = (self.state(), WriteReport::default());
            for (index, pending) in batch.iter().enumerate() {
                match self.write_one(&mut state, pending) {
                    Ok(created) => report.created += usize::from(created),
                    Err((retry, error)) => report.refusals.push(Refusal { index, retry, error }),
                }
            }
            report
        })
    }

    fn sync(&self) -> Answer<'_, Result<(), StorageError>> {
        Box::pin(async { Ok(()) })
    }

    fn finest(&self, _name: &MetricName) -> Retention {
        Retention { step: self.step, points: NonZeroU32::MAX }
    }
}

impl Find for Memory {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Partial<Vec<Node>>, StorageError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let state = self.state();
            let reachable = state.series.keys().filter(|name| !state.away.contains(&self.shard_of(name)));
            let nodes = matching_nodes(&query.pattern, reachable.map(MetricName::as_str));
            Ok(Partial { value: nodes, failures: Memory::failures(&state.away) })
        })
    }
}

impl Fetch for Memory {
    fn fetch<'a>(&'a self, query: &'a FetchQuery) -> Answer<'a, Result<Partial<Vec<Series>>, StorageError>> {
        Box::pin(async move {
            tokio::task::yield_now().await;
            let state = self.state();
            let known = query.names.iter().filter(|name| !state.away.contains(&self.shard_of(name)));
            let found = known.filter_map(|name| Some((name, state.series.get(name)?)));
            let value = found.map(|(name, points)| self.series(name, points, query)).collect();
            Ok(Partial { value, failures: Memory::failures(&state.away) })
        })
    }
}

impl Memory {
    /// By the rule of Whisper: the slot of `from` is left out, that of `until` is in.
    fn series(&self, name: &MetricName, points: &BTreeMap<Timestamp, f64>, query: &FetchQuery) -> Series {
        let step = self.step.as_i64();
        let start = query.window.from.floor(self.step).as_i64() + step;
        let last = query.window.until.min(query.window.now).floor(self.step).as_i64().max(start);
        let times = (start..=last).step_by(self.step.secs() as usize);
        let value = |time| points.get(&Timestamp::saturating_from(time)).copied().unwrap_or(f64::NAN);
        Series {
            name: name.clone(),
            start: Timestamp::saturating_from(start),
            step: self.step,
            values: times.map(value).collect(),
            layout: None,
        }
    }
}

/// The branches and leaves among `names` that match, each once: for stores whose names are a flat list. Tagged names
/// stand outside the tree of dotted ones; such a one is found by its whole name, in any order of its tags.
pub fn matching_nodes<'a>(pattern: &Pattern, names: impl Iterator<Item = &'a str>) -> Vec<Node> {
    let mut nodes = BTreeSet::new();
    let tagged = MetricName::parse(pattern.as_str()).ok().filter(|name| tags::is_tagged(name));
    for name in names {
        if tags::is_tagged(name) {
            if tagged.as_ref().is_some_and(|tagged| tagged.as_str() == name) {
                nodes.insert(Node { path: name.to_owned(), kind: NodeKind::Leaf });
            }
            continue;
        }
        let ends = name.match_indices('.').map(|(at, _)| (at, NodeKind::Branch)).chain([(name.len(), NodeKind::Leaf)]);
        for (end, kind) in ends {
            if pattern.matches(&name[..end]) {
                nodes.insert(Node { path: name[..end].to_owned(), kind });
            }
        }
    }
    nodes.into_iter().collect()
}
