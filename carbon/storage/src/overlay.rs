//! What is stored and what still waits, read as one: a point is visible from the moment the cache has it.
//!
//! A point leaves the cache only after the store has it, so the cache is asked first: whatever has left it by then is
//! in the store when that is asked. A point met on both sides is the same point; the cache wins.
//!
//! A coarse answer is not patched with the waiting points alone: the fine points around them are fetched as well and
//! aggregated as the file will be once they are written, by the file's own method and xFilesFactor where there is one. Graphite-web consolidates the waiting points alone there, which
//! shows a dip in sums until the cache is written.

mod coarse;

use std::sync::Arc;

use carbon_line::MetricName;
use coarse::Waiting;
use whisper::{CreateOptions, Interval, Point, Timestamp};

use crate::{
    Answer, Explain, Failure, Fetch, FetchQuery, Find, FindQuery, ListQuery, Node, NodeKind, NodeList, Origin, Partial,
    Recent, Series, StorageError, Window,
};

/// Tells how a series without a file will be laid out.
pub type Layout = Arc<dyn Fn(&MetricName) -> CreateOptions + Send + Sync>;

/// A store and the points that are on their way into it.
pub struct Overlay {
    find: Arc<dyn Find>,
    fetch: Arc<dyn Fetch>,
    recent: Arc<dyn Recent>,
    layout: Layout,
}

impl Overlay {
    /// Lays what `recent` holds over what `find` and `fetch` answer.
    pub fn new(find: Arc<dyn Find>, fetch: Arc<dyn Fetch>, recent: Arc<dyn Recent>, layout: Layout) -> Overlay {
        Overlay { find, fetch, recent, layout }
    }
}

impl Find for Overlay {
    fn find<'a>(&'a self, query: &'a FindQuery) -> Answer<'a, Result<Partial<Vec<Node>>, StorageError>> {
        Box::pin(async move {
            let waiting = self.recent.find(query).await;
            let mut answer = self.find.find(query).await?;
            match waiting {
                Ok(nodes) => answer.value.extend(nodes),
                Err(error) => answer.failures.push(cache_failure(error)),
            }
            answer.value.sort_unstable();
            answer.value.dedup();
            Ok(answer)
        })
    }

    fn list<'a>(&'a self, query: &'a ListQuery) -> Answer<'a, Result<Partial<NodeList>, StorageError>> {
        Box::pin(async move {
            let find = FindQuery { pattern: query.pattern.clone(), window: query.window };
            let waiting = self.recent.find(&find).await;
            let mut answer = self.find.list(query).await?;
            match waiting {
                Ok(nodes) => {
                    let wanted = |node: &Node| !query.leaves_only || node.kind == NodeKind::Leaf;
                    answer.value.append(&NodeList::of(nodes.into_iter().filter(wanted)));
                    answer.value.sort();
                    answer.value.cut_at(query.most);
                }
                Err(error) => answer.failures.push(cache_failure(error)),
            }
            Ok(answer)
        })
    }
}

impl Fetch for Overlay {
    fn fetch<'a>(&'a self, query: &'a FetchQuery) -> Answer<'a, Result<Partial<Vec<Series>>, StorageError>> {
        Box::pin(async move {
            let waiting = self.recent.points(&query.names).await;
            let mut answer = self.fetch.fetch(query).await?;
            match waiting {
                Ok(waiting) if waiting.iter().all(Vec::is_empty) => {}
                Ok(waiting) => answer.value = self.merge(query, answer.value, waiting, &mut answer.failures).await?,
                Err(error) => answer.failures.push(cache_failure(error)),
            }
            Ok(answer)
        })
    }

    fn fetch_at_once(&self, query: &FetchQuery, most: usize) -> Option<Vec<Series>> {
        let waiting = self.recent.points_at_once(&query.names)?;
        let stored = self.fetch.fetch_at_once(query, most)?;
        if waiting.iter().all(Vec::is_empty) {
            return Some(stored);
        }
        let (merged, later) = self.lay_over_all(query, stored, &waiting);
        // Coarse slots are made of fine ones, which would be further reads.
        let values: usize = merged.iter().map(|series| series.values.len()).sum();
        (later.is_empty() && values <= most).then_some(merged)
    }
}

impl Overlay {
    /// As `explain` tells of the store, with what waits beside it.
    ///
    /// # Errors
    /// When the store or the cache does not answer.
    pub async fn origins(
        &self,
        explain: &dyn Explain,
        names: &[MetricName],
        window: Window,
        at: Option<Timestamp>,
    ) -> Result<Vec<Origin>, StorageError> {
        // In this order, as for a fetch.
        let waiting = self.recent.points(names).await?;
        let mut origins = explain.origins(names, window, at).await?;
        for (origin, waiting) in origins.iter_mut().zip(waiting) {
            origin.waiting = waiting;
        }
        Ok(origins)
    }
}

/// An [`Explain`] that knows what waits, too.
pub struct Explained {
    /// What waits.
    pub overlay: Arc<Overlay>,
    /// What is stored.
    pub stored: Arc<dyn Explain>,
}

impl Explain for Explained {
    fn origins<'a>(
        &'a self,
        names: &'a [MetricName],
        window: Window,
        at: Option<Timestamp>,
    ) -> Answer<'a, Result<Vec<Origin>, StorageError>> {
        Box::pin(self.overlay.origins(&*self.stored, names, window, at))
    }
}

fn cache_failure(error: StorageError) -> Failure {
    Failure { part: "cache".into(), error }
}

impl Overlay {
    async fn merge(
        &self,
        query: &FetchQuery,
        stored: Vec<Series>,
        waiting: Vec<Vec<Point>>,
        failures: &mut Vec<Failure>,
    ) -> Result<Vec<Series>, StorageError> {
        let (mut merged, later) = self.lay_over_all(query, stored, &waiting);
        coarse::aggregate(&*self.fetch, &mut merged, later, failures).await?;
        Ok(merged)
    }

    /// Lays the points over what is stored, and gives those that coarse slots are to be made of.
    fn lay_over_all<'p>(
        &self,
        query: &FetchQuery,
        stored: Vec<Series>,
        waiting: &'p [Vec<Point>],
    ) -> (Vec<Series>, Vec<coarse::Part<'p>>) {
        let (mut stored, mut merged) = (stored.into_iter().peekable(), Vec::with_capacity(query.names.len()));
        let mut later = Vec::new();
        for (name, points) in query.names.iter().zip(waiting) {
            // The store answers in the order of the names and leaves some out.
            let found = stored.next_if(|series| series.name == *name);
            if points.is_empty() {
                merged.extend(found);
                continue;
            }
            let is_stored = found.is_some();
            let layout = found.as_ref().and_then(|series| series.layout.clone());
            let layout = layout.unwrap_or_else(|| Arc::new((self.layout)(name)));
            let Some(mut series) = found.or_else(|| empty_series(name, &layout, query.window)) else { continue };
            let waiting = Waiting { series: &mut series, place: merged.len(), layout, stored: is_stored };
            waiting.divide(points, query.window.now, &mut later);
            merged.push(series);
        }
        (merged, later)
    }
}

/// Points in time order, so that of two in one slot the later one stays.
fn lay_over(series: &mut Series, points: &[Point]) {
    for point in points {
        put(series, point.time, point.value);
    }
}

/// Sets the slot that holds `time`, if the series has it.
fn put(series: &mut Series, time: Timestamp, value: f64) {
    let offset = time.floor(series.step).as_i64() - series.start.as_i64();
    let slot = usize::try_from(offset / series.step.as_i64()).ok().filter(|_| offset >= 0);
    if let Some(slot) = slot.and_then(|slot| series.values.get_mut(slot)) {
        *slot = value;
    }
}

/// What the file would answer if it existed and had no points: the finest archive that reaches back to `from`.
fn empty_series(name: &MetricName, layout: &CreateOptions, window: Window) -> Option<Series> {
    let (until, now) = (window.until.as_i64(), window.now.as_i64());
    let reach = i64::try_from(layout.retentions.max_retention_secs()).unwrap_or(i64::MAX);
    if window.from.as_i64() > now || until < now - reach {
        return None;
    }
    let from = window.from.as_i64().max(now - reach);
    let archives = layout.retentions.as_slice();
    let covers = |step: Interval, points: u32| step.as_i64() * i64::from(points) >= now - from;
    let archive = archives.iter().find(|archive| covers(archive.step, archive.points.get())).or(archives.last())?;
    without_points(name, archive.step, Window { from: Timestamp::saturating_from(from), ..window })
}

/// An archive's answer that knows nothing.
fn without_points(name: &MetricName, step: Interval, window: Window) -> Option<Series> {
    let (from, end, secs) = (window.from.as_i64(), window.until.min(window.now).as_i64(), step.as_i64());
    let start = from - from.rem_euclid(secs) + secs;
    let count = ((end - end.rem_euclid(secs) + secs - start) / secs).max(1);
    let values = vec![f64::NAN; usize::try_from(count).ok()?];
    Some(Series { name: name.clone(), start: Timestamp::saturating_from(start), step, values, layout: None })
}
