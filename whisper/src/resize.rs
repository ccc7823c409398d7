//! The points of one file in a file with other archives.

use crate::aggregation::Accumulator;
use crate::layer::{ReadAt, WriteAt};
use crate::{Error, Point, Seconds, Timestamp, Whisper};

/// What a migration with aggregation looked at, oldest time first; the tool prints it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resampled {
    /// Times of all slots of the old file, each range at its finest step.
    pub times: Vec<i64>,
    /// For each new archive: begin of the first window, end of the last, and their length.
    pub windows: Vec<(i64, i64, i64)>,
}

impl<L: WriteAt> Whisper<L> {
    /// Writes every known point of `old` into this file, coarsest archives first, so that finer points come last and
    /// stay. Each point goes to the archive its age asks for.
    ///
    /// # Errors
    /// What reading and writing say.
    pub fn take_points<M: ReadAt>(&mut self, old: &Whisper<M>, now: Timestamp) -> Result<(), Error> {
        self.take_series(&old.series_by_step(now)?, now)
    }

    /// Writes series, finest first in the list, coarsest first into the file.
    pub(crate) fn take_series(&mut self, series: &[Slots], now: Timestamp) -> Result<(), Error> {
        for series in series.iter().rev() {
            let known = series
                .iter()
                .filter_map(|(time, value)| Some(Point { time: Timestamp::saturating_from(*time), value: (*value)? }));
            self.update_many(&known.collect::<Vec<_>>(), now)?;
        }
        Ok(())
    }

    /// As [`Whisper::take_points`], but the points are made anew for each archive from all slots of `old`, by this file's
    /// aggregation method, where the known share of them reaches `share`.
    ///
    /// The windows begin at `now - retention + now mod step`, which is not on the grid of slots; so the reference has it.
    ///
    /// # Errors
    /// What reading and writing say.
    pub fn resample<M: ReadAt>(&mut self, old: &Whisper<M>, share: f64, now: Timestamp) -> Result<Resampled, Error> {
        let all = joined(old.series_by_step(now)?);
        let mut windows = Vec::new();
        for archive in 0..self.header.archives.len() {
            let ring = self.ring(archive)?;
            let offset = now.as_i64().rem_euclid(ring.step);
            let begin = now.as_i64() - ring.retention() + offset;
            let end = now.as_i64() + offset + ring.step;
            windows.push((begin, end, ring.step));
            let mut points = Vec::new();
            // The last begin is the end of the last whole window.
            let last = end - ring.step - (end - ring.step - begin).rem_euclid(ring.step);
            for start in (begin..last).step_by(ring.step as usize) {
                let left = bisect(&all, start, 0);
                let right = bisect(&all, start + ring.step, left);
                points.extend(self.window_point(&all[left..right], start, share));
            }
            self.update_many(&points, now)?;
        }
        Ok(Resampled { times: all.iter().map(|(time, _)| *time).collect(), windows })
    }

    fn window_point(&self, slots: &[(i64, Option<f64>)], start: i64, share: f64) -> Option<Point> {
        let mut known = Accumulator::new(self.header.method);
        slots.iter().filter_map(|(_, value)| *value).for_each(|value| known.push(value));
        let value = known.finish(slots.len() as u64)?;
        let enough = known.known() as f64 / slots.len() as f64 >= share;
        enough.then(|| Point { time: Timestamp::saturating_from(start), value })
    }
}

/// Times in order, each with what is known.
pub(crate) type Slots = Vec<(i64, Option<f64>)>;

impl<L: ReadAt> Whisper<L> {
    /// What an ordinary fetch over each archive's retention gives, finest step first. A finer archive may answer.
    pub(crate) fn series_by_step(&self, now: Timestamp) -> Result<Vec<Slots>, Error> {
        let mut order: Vec<usize> = (0..self.header.archives.len()).collect();
        order.sort_by_key(|archive| self.header.archives[*archive].step);
        let now = now.as_i64();
        let series = order.into_iter().map(|archive| {
            let ring = self.ring(archive)?;
            let from = now - ring.retention() + ring.step;
            let fetched = self.fetch_seconds(&Seconds { from, until: now, now, step: None })?;
            Ok(fetched.map_or_else(Vec::new, |fetched| {
                (fetched.from..).step_by(fetched.step as usize).zip(fetched.values).collect()
            }))
        });
        series.collect()
    }
}

/// One list of slots, oldest first: each coarser series adds what is older than everything before it.
fn joined(series: Vec<Slots>) -> Slots {
    let mut all = Slots::new();
    for series in series {
        let newest_first = series.into_iter().rev();
        match all.last().map(|(oldest, _)| *oldest) {
            None => all.extend(newest_first),
            Some(oldest) => {
                let newest_first: Slots = newest_first.collect();
                // With nothing older the whole series is added once more; so the reference has it.
                let older = newest_first.iter().position(|(time, _)| *time < oldest).unwrap_or(0);
                all.extend(&newest_first[older..]);
            }
        }
    }
    all.reverse();
    all
}

/// The first place from `low` on whose time is not before `time`; a plain halving, because the list may be out of order
/// and then the halving decides what is found.
fn bisect(slots: &[(i64, Option<f64>)], time: i64, low: usize) -> usize {
    let (mut low, mut high) = (low, slots.len());
    while low < high {
        let middle = (low + high) / 2;
        if slots[middle].0 < time { low = middle + 1 } else { high = middle }
    }
    low
}
