//! Coarse slots that waiting points fall into, made anew as the file will make them.
//!
//! A waiting point goes into the finest archive that is old enough for it, and from there upwards. So each slot of the
//! answer that holds waiting points is aggregated from that archive's values, stored and waiting ones together, over the
//! archives in between. The stored ones are fetched for many series at once.

use std::collections::BTreeMap;
use std::sync::Arc;

use whisper::{CreateOptions, Interval, Point, Retention, Timestamp};

use super::{lay_over, put, without_points};
use crate::{Failure, Fetch, FetchQuery, Series, StorageError, Window};

/// Series fetched in one go; bounds how many fine values are in memory at once.
const AT_ONCE: usize = 256;

/// The waiting points of one series that one archive takes, which is finer than the answer.
pub(super) struct Part<'a> {
    /// Place of the series in the answer.
    place: usize,
    /// At least one, all of them within the answer.
    points: &'a [Point],
    /// The span of the archive that they need.
    window: Window,
    layout: Arc<CreateOptions>,
    /// Which of its archives it is.
    archive: usize,
    /// Whether there is a file.
    stored: bool,
}

/// A series of the answer whose waiting points are to be laid over it.
pub(super) struct Waiting<'a> {
    pub(super) series: &'a mut Series,
    pub(super) place: usize,
    pub(super) layout: Arc<CreateOptions>,
    pub(super) stored: bool,
}

impl Waiting<'_> {
    /// Lays over at once what an archive of the answer's own step takes, and adds to `later` what finer ones take.
    pub(super) fn divide<'p>(self, points: &'p [Point], now: Timestamp, later: &mut Vec<Part<'p>>) {
        let Waiting { series, place, layout, stored } = self;
        let archives = layout.retentions.as_slice();
        if series.step <= archives[0].step {
            return lay_over(series, points);
        }
        let first = points.partition_point(|point| point.time < series.start);
        let mut rest = &points[first..points.partition_point(|point| point.time < series.end())];
        for (archive, retention) in archives.iter().enumerate() {
            let (reach, step) = (reach_secs(*retention), retention.step);
            // As it is written: the slot that the ring of slots has given to `now` takes nothing older.
            let oldest = now.floor(step).as_i64() - reach + step.as_i64();
            let (older, points) = rest.split_at(rest.partition_point(|point| point.time.as_i64() < oldest));
            rest = older;
            let (Some(first), Some(last)) = (points.first(), points.last()) else { continue };
            if retention.step >= series.step {
                lay_over(series, points);
                continue;
            }
            // The store leaves the slot of `from` out, so the window begins a second earlier; but no earlier than the
            // archive reaches, or a coarser one would answer.
            let from =
                Timestamp::saturating_from((now.as_i64() - reach).max(first.time.floor(series.step).as_i64() - 1));
            let end = last.time.floor(series.step).as_i64() + series.step.as_i64() - 1;
            let window = Window { from, until: Timestamp::saturating_from(end).min(now), now };
            later.push(Part { place, points, window, layout: Arc::clone(&layout), archive, stored });
        }
    }
}

/// Brings what is left over into the answer: `answer` has at `place` the series of each part.
pub(super) async fn aggregate(
    fetch: &dyn Fetch,
    answer: &mut [Series],
    parts: Vec<Part<'_>>,
    failures: &mut Vec<Failure>,
) -> Result<(), StorageError> {
    // The oldest first: where parts meet in a slot, the file's last word comes from its finest archive.
    for group in alike(parts).into_values().rev() {
        for some in group.chunks(AT_ONCE) {
            let mut fine = fetch_fine(fetch, answer, some, failures).await?.into_iter().peekable();
            for part in some {
                let series = &mut answer[part.place];
                let found = fine.next_if(|fine| fine.name == series.name);
                renew(series, part, found);
            }
        }
    }
    Ok(())
}

/// Parts that one question can serve: of the same archive, and with windows that begin about equally far back. They come
/// from the finest archive to the coarsest.
fn alike(parts: Vec<Part<'_>>) -> BTreeMap<(usize, Interval, u32, u32), Vec<Part<'_>>> {
    let mut groups = BTreeMap::new();
    for part in parts {
        let retention = part.retention();
        let age = part.window.now.as_i64() - part.window.from.as_i64();
        // Twice as far back at most.
        let octave = age.max(1).ilog2();
        let key = (part.archive, retention.step, retention.points.get(), octave);
        groups.entry(key).or_insert_with(Vec::new).push(part);
    }
    groups
}

async fn fetch_fine(
    fetch: &dyn Fetch,
    answer: &[Series],
    parts: &[Part<'_>],
    failures: &mut Vec<Failure>,
) -> Result<Vec<Series>, StorageError> {
    let stored = || parts.iter().filter(|part| part.stored);
    let Some(window) = stored().map(|part| part.window).reduce(Window::spanning) else { return Ok(Vec::new()) };
    let names = stored().map(|part| answer[part.place].name.clone()).collect();
    let mut fetched = fetch.fetch(&FetchQuery { names, window, max_points: None }).await?;
    failures.append(&mut fetched.failures);
    Ok(fetched.value)
}

/// Aggregates the slots of `series` that the points of `part` fall into.
fn renew(series: &mut Series, part: &Part<'_>, found: Option<Series>) {
    let step = part.retention().step;
    let Some(mut fine) = found.or_else(|| without_points(&series.name, step, part.window)) else { return };
    if fine.step != step {
        // The store answered from another archive than its layout says; better a coarse truth than none.
        return lay_over(series, part.points);
    }
    lay_over(&mut fine, part.points);
    let mut rest = part.points;
    while let Some(point) = rest.first() {
        let slot = point.time.floor(series.step);
        rest = &rest[rest.partition_point(|point| point.time.floor(series.step) == slot)..];
        let value = slot_value(&fine, slot, series.step, &part.layout);
        if !value.is_nan() {
            put(series, slot, value);
        }
    }
}

/// The value of the slot of `coarse` seconds at `slot`, by way of the archives in between.
fn slot_value(fine: &Series, slot: Timestamp, coarse: Interval, layout: &CreateOptions) -> f64 {
    let (start, step) = (fine.start.as_i64(), fine.step.as_i64());
    let value = |index: i64| {
        let index = usize::try_from((slot.as_i64() + index * step - start).div_euclid(step)).ok();
        index.and_then(|index| fine.values.get(index)).copied().unwrap_or(f64::NAN)
    };
    let mut values: Vec<f64> = (0..coarse.as_i64() / step).map(value).collect();
    let mut step = fine.step;
    let between = layout.retentions.as_slice().iter().map(|archive| archive.step);
    for next in between.filter(|next| *next > step && *next < coarse).chain([coarse]).collect::<Vec<_>>() {
        let slots = (next.secs() / step.secs()).max(1) as usize;
        values = values.chunks(slots).map(|values| one_value(values, slots, layout)).collect();
        step = next;
    }
    values.first().copied().unwrap_or(f64::NAN)
}

fn one_value(values: &[f64], slots: usize, layout: &CreateOptions) -> f64 {
    let known: Vec<f64> = values.iter().copied().filter(|value| !value.is_nan()).collect();
    if known.is_empty() || !layout.x_files_factor.is_met(known.len() as u64, slots as u64) {
        return f64::NAN;
    }
    layout.method.aggregate(&known, slots).unwrap_or(f64::NAN)
}

impl Part<'_> {
    fn retention(&self) -> Retention {
        self.layout.retentions.as_slice()[self.archive]
    }
}

fn reach_secs(retention: Retention) -> i64 {
    retention.step.as_i64() * i64::from(retention.points.get())
}
