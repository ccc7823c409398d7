//! What is stored and what still waits, read as one: a point is visible from the moment the cache has it.
//!
//! A point leaves the cache only after the store has it, so the cache is asked first: whatever has left it by then is
//! in the store when that is asked. A point met on both sides is the same point; the cache wins.
//!
//! A coarse answer is not patched with the waiting points alone: the fine points around them are fetched as well and
//! aggregated as the file will be once they are written. Graphite-web consolidates the waiting points alone there, which
//! shows a dip in sums until the cache is written.

use std::sync::Arc;

use carbon_line::MetricName;
use whisper::{AggregationMethod, CreateOptions, Interval, Point, Timestamp};

use crate::{Answer, Failure, Fetch, FetchQuery, Find, FindQuery, Node, Partial, Recent, Series, StorageError, Window};

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
        let (mut stored, mut merged) = (stored.into_iter().peekable(), Vec::with_capacity(query.names.len()));
        for (name, points) in query.names.iter().zip(&waiting) {
            // The store answers in the order of the names and leaves some out.
            let found = stored.next_if(|series| series.name == *name);
            if points.is_empty() {
                merged.extend(found);
                continue;
            }
            let layout = (self.layout)(name);
            let Some(mut series) = found.or_else(|| empty_series(name, &layout, query.window)) else { continue };
            let fine = layout.retentions.as_slice()[0].step.min(series.step);
            if series.step == fine {
                lay_over(&mut series, points);
            } else {
                self.lay_over_coarse(&mut series, points, &layout, query.window.now, failures).await?;
            }
            merged.push(series);
        }
        Ok(merged)
    }

    /// Aggregates the coarse slots that waiting points fall into anew, from the fine points of store and cache.
    async fn lay_over_coarse(
        &self,
        series: &mut Series,
        points: &[Point],
        layout: &CreateOptions,
        now: Timestamp,
        failures: &mut Vec<Failure>,
    ) -> Result<(), StorageError> {
        let inside = |point: &&Point| point.time >= series.start && point.time < series.end();
        let Some((first, last)) = points.iter().find(inside).zip(points.iter().rfind(inside)) else { return Ok(()) };
        let from = first.time.floor(series.step);
        let until = Timestamp::saturating_from(last.time.floor(series.step).as_i64() + series.step.as_i64() - 1);
        // The slot of `from` itself is left out by the store, so the window begins a second earlier; but no earlier than
        // the fine archive reaches, or a coarser one would answer.
        let finest = layout.retentions.as_slice()[0];
        let reach = now.as_i64() - finest.step.as_i64() * i64::from(finest.points.get());
        let window =
            Window { from: Timestamp::saturating_from(reach.max(from.as_i64() - 1)), until: until.min(now), now };
        let query = FetchQuery { names: vec![series.name.clone()], window, max_points: None };
        let mut answer = self.fetch.fetch(&query).await?;
        failures.append(&mut answer.failures);
        let fine = answer.value.pop().or_else(|| empty_series(&series.name, layout, window));
        let Some(mut fine) = fine.filter(|fine| fine.step < series.step) else {
            lay_over(series, points);
            return Ok(());
        };
        lay_over(&mut fine, points);
        let steps = layout.retentions.as_slice().iter().map(|archive| archive.step);
        for step in steps.filter(|step| *step > fine.step && *step < series.step).collect::<Vec<_>>() {
            fine = coarser(&fine, step, layout);
        }
        let coarse = coarser(&fine, series.step, layout);
        for (time, value) in times(&coarse).zip(&coarse.values).filter(|(_, value)| !value.is_nan()) {
            put(series, time, *value);
        }
        Ok(())
    }
}

fn times(series: &Series) -> impl Iterator<Item = Timestamp> + use<> {
    let (start, step) = (series.start.as_i64(), series.step.as_i64());
    (0..).map(move |index: i64| Timestamp::saturating_from(start + index * step))
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

/// The series at a coarser step, by the method and xFilesFactor of `layout`.
fn coarser(fine: &Series, step: Interval, layout: &CreateOptions) -> Series {
    let start = fine.start.floor(step);
    let per_slot = (step.secs() / fine.step.secs()).max(1) as usize;
    let lead = ((fine.start.as_i64() - start.as_i64()) / fine.step.as_i64()) as usize;
    let mut known = Vec::with_capacity(per_slot);
    let slots = (lead + fine.values.len()).div_ceil(per_slot);
    let values = (0..slots).map(|slot| {
        let (low, high) = ((slot * per_slot).saturating_sub(lead), ((slot + 1) * per_slot).saturating_sub(lead));
        known.clear();
        known.extend(fine.values[low..high.min(fine.values.len())].iter().filter(|value| !value.is_nan()));
        aggregate(&known, per_slot, layout.method, layout)
    });
    Series { name: fine.name.clone(), start, step, values: values.collect() }
}

fn aggregate(known: &[f64], slots: usize, method: AggregationMethod, layout: &CreateOptions) -> f64 {
    if known.is_empty() || !layout.x_files_factor.is_met(known.len() as u64, slots as u64) {
        return f64::NAN;
    }
    method.aggregate(known, slots).unwrap_or(f64::NAN)
}

/// What the file would answer if it existed and had no points: the finest archive that reaches back to `from`.
fn empty_series(name: &MetricName, layout: &CreateOptions, window: Window) -> Option<Series> {
    let (from, until, now) = (window.from.as_i64(), window.until.as_i64(), window.now.as_i64());
    let reach = i64::try_from(layout.retentions.max_retention_secs()).unwrap_or(i64::MAX);
    if from > now || until < now - reach {
        return None;
    }
    let from = from.max(now - reach);
    let archives = layout.retentions.as_slice();
    let covers = |step: Interval, points: u32| step.as_i64() * i64::from(points) >= now - from;
    let archive = archives.iter().find(|archive| covers(archive.step, archive.points.get())).or(archives.last())?;
    let step = archive.step.as_i64();
    let start = from - from.rem_euclid(step) + step;
    let end = until.min(now);
    let count = ((end - end.rem_euclid(step) + step - start) / step).max(1);
    let values = vec![f64::NAN; usize::try_from(count).ok()?];
    Some(Series { name: name.clone(), start: Timestamp::saturating_from(start), step: archive.step, values })
}
