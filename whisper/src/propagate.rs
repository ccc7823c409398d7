//! Coarser points made from finer ones.

use crate::aggregation::Accumulator;
use crate::file::{CHUNK, time_of, value_of};
use crate::layer::WriteAt;
use crate::ring::Ring;
use crate::run::RunWriter;
use crate::{Error, Whisper};

impl<L: WriteAt> Whisper<L> {
    /// Renews the slots of `lower` that begin at `intervals` (ascending, each once) from the slots of `higher`, and gives
    /// those that were written. A slot of which too little is known stays as it is.
    ///
    /// `held` are slots of `higher` that were just written, in order. What they cover whole at both ends of the
    /// intervals is not read back; what lies between is read together, since one read costs the same for few slots and
    /// for many. What is read is never what is written, so this gives the same bytes as going through them one by one.
    pub(crate) fn propagate(
        &self,
        higher: &Ring,
        lower: &Ring,
        intervals: &[i64],
        held: &[(i64, f64)],
    ) -> Result<Vec<(i64, f64)>, Error> {
        let mut written = Vec::with_capacity(intervals.len());
        let mut writer: Option<RunWriter<'_, L>> = None;
        let mut emit = |interval, value| {
            let writer = match &mut writer {
                Some(writer) => writer,
                // The coarser archive's first slot is looked at only when there is something to write.
                none => none.insert(RunWriter::begin(self, lower)?),
            };
            written.push((interval, value));
            writer.push_propagated(interval, value)
        };
        let base = self.base(higher)?;
        let held = if base == 0 { Held::nothing() } else { Held::of(held, higher, lower) };
        let first = intervals.iter().position(|interval| held.covers(*interval).is_none()).unwrap_or(intervals.len());
        let last = intervals.iter().rposition(|interval| held.covers(*interval).is_none()).map_or(first, |at| at + 1);
        for interval in &intervals[..first] {
            self.make_from_memory(*interval, &held, &mut emit)?;
        }
        self.read_back(higher, lower, base, &intervals[first..last], &mut emit)?;
        for interval in &intervals[last..] {
            self.make_from_memory(*interval, &held, &mut emit)?;
        }
        if let Some(writer) = writer {
            writer.finish()?;
        }
        Ok(written)
    }

    /// The value of one interval all of whose points are held, and so are known.
    fn make_from_memory(
        &self,
        interval: i64,
        held: &Held<'_>,
        emit: &mut impl FnMut(i64, f64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let Some(slots) = held.covers(interval) else { return Ok(()) };
        let mut points = Accumulator::new(self.header.method);
        slots.iter().for_each(|(_, value)| points.push(*value));
        points.finish(slots.len() as u64).map_or(Ok(()), |value| emit(interval, value))
    }

    /// The values of intervals from the slots in the file; `base` is the time in the first slot of `higher`.
    fn read_back(
        &self,
        higher: &Ring,
        lower: &Ring,
        base: i64,
        intervals: &[i64],
        emit: &mut impl FnMut(i64, f64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let ratio = lower.step / higher.step;
        // In a damaged header the ratio can exceed the ring; the reference then reads the remainder.
        let each = match ratio % higher.points {
            0 => higher.points,
            rest => rest,
        };
        let regular = each == ratio && lower.step % higher.step == 0;
        let mut together = if regular { (CHUNK.min(higher.points) / each).max(1) } else { 1 };
        if base == 0 {
            // The archive counts as empty although slots may be filled (time 0 was written to the first); every interval
            // is then looked for from the first slot on, as the reference does.
            together = 1;
        }
        let mut rest = intervals;
        while let Some(first) = rest.first() {
            let count = contiguous(rest, lower.step, together as usize);
            let slot = if base == 0 { 0 } else { higher.slot(base, *first) };
            let done = self.aggregate(higher, slot, each, &rest[..count], &mut *emit)?;
            if done < count {
                // The file is cut off within the archive. What is there is then taken interval by interval.
                together = 1;
            }
            rest = &rest[done..];
        }
        Ok(())
    }

    /// Gives each interval's value to `emit`, from `each` slots apiece that follow one another from `slot` on, and says how
    /// many intervals were dealt with: all, or, of several, those before the end of a file that is cut off.
    fn aggregate(
        &self,
        higher: &Ring,
        slot: i64,
        each: i64,
        intervals: &[i64],
        mut emit: impl FnMut(i64, f64) -> Result<(), Error>,
    ) -> Result<usize, Error> {
        let (method, factor) = (self.header.method, self.header.x_files_factor);
        let mut points = Accumulator::new(method);
        let (mut done, mut seen, mut cut, mut outcome) = (0, 0, false, Ok(()));
        let mut close = |interval: i64, points: &Accumulator, seen: i64| match points.finish(seen as u64) {
            Some(value) if factor.is_met(points.known(), seen as u64) => emit(interval, value),
            _ => Ok(()),
        };
        self.read_ring(higher, slot, each * intervals.len() as i64, |piece, missing| {
            for slot in piece {
                if i64::from(time_of(slot)) == intervals[done] + seen * higher.step {
                    points.push(value_of(slot));
                }
                seen += 1;
                if seen == each {
                    outcome = close(intervals[done], &points, seen);
                    done += 1;
                    (points, seen) = (Accumulator::new(method), 0);
                    if outcome.is_err() {
                        return false;
                    }
                }
            }
            cut |= missing > 0 && intervals.len() > 1;
            !cut
        })?;
        outcome?;
        if cut {
            // At least one interval must be dealt with, or the caller would come back with the same ones for ever; the
            // first is then looked at alone.
            return if done == 0 { self.aggregate(higher, slot, each, &intervals[..1], emit) } else { Ok(done) };
        }
        if done < intervals.len() {
            // One interval in a cut-off file: the share is taken of the slots that are there.
            close(intervals[done], &points, seen)?;
        }
        Ok(intervals.len())
    }
}

/// Slots of a finer archive as they were just written, to make coarser ones from.
struct Held<'a> {
    slots: &'a [(i64, f64)],
    /// Slots to one of the coarser archive.
    each: usize,
    step: i64,
}

impl<'a> Held<'a> {
    fn nothing() -> Held<'a> {
        Held { slots: &[], each: 1, step: 1 }
    }

    /// Nothing where the file may hold something else: when the slots went round the ring, when one has the time 0 that
    /// marks empty ones, and when a damaged header has steps that do not fit each other.
    fn of(slots: &'a [(i64, f64)], higher: &Ring, lower: &Ring) -> Held<'a> {
        let (Some((first, _)), Some((last, _))) = (slots.first(), slots.last()) else { return Held::nothing() };
        let (each, rest) = (lower.step / higher.step, lower.step % higher.step);
        if *first <= 0 || last - first >= higher.retention() || rest != 0 || each < 1 || each > higher.points {
            return Held::nothing();
        }
        Held { slots, each: each as usize, step: higher.step }
    }

    /// All slots of the interval, if all are held.
    fn covers(&self, interval: i64) -> Option<&'a [(i64, f64)]> {
        let from = self.slots.partition_point(|(time, _)| *time < interval);
        let slots = self.slots.get(from..from.checked_add(self.each)?)?;
        // Times ascend by whole steps, so the ends tell of all between.
        let ends = (slots.first()?.0, slots.last()?.0);
        (ends == (interval, interval + (self.each as i64 - 1) * self.step)).then_some(slots)
    }
}

/// How many of the first `most` intervals follow one another without a hole.
fn contiguous(intervals: &[i64], step: i64, most: usize) -> usize {
    let follows = intervals.windows(2).take(most.saturating_sub(1)).take_while(|pair| pair[0] + step == pair[1]);
    1 + follows.count()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::layer::Memory;
    use crate::{AggregationMethod, CreateOptions, Point, Timestamp, XFilesFactor};

    const BEGIN: u32 = 1_750_000_000;

    fn file(list: &str, method: AggregationMethod, factor: f64) -> Whisper<Memory> {
        let x_files_factor = XFilesFactor::new(factor).unwrap();
        let options = CreateOptions { method, x_files_factor, ..CreateOptions::new(list.parse().unwrap()) };
        Whisper::create_over(Memory::new(Vec::new(), 1 << 20), "x.wsp", &options).unwrap()
    }

    /// Everything read back, nothing from memory.
    fn write_and_read_back(file: &Whisper<Memory>, points: &[Point]) {
        let mut higher = file.ring(0).unwrap();
        let mut writer = RunWriter::begin(file, &higher).unwrap();
        for point in points {
            writer.push(higher.floor(point.time.as_i64()), point.value).unwrap();
        }
        writer.finish().unwrap();
        for archive in 1..file.header.archives.len() {
            let lower = file.ring(archive).unwrap();
            let mut intervals: Vec<i64> = points.iter().map(|point| lower.floor(point.time.as_i64())).collect();
            intervals.dedup();
            if file.propagate(&higher, &lower, &intervals, &[]).unwrap().is_empty() {
                break;
            }
            higher = lower;
        }
    }

    proptest! {
        #[test]
        fn values_made_from_memory_are_those_of_the_file(
            list in prop::sample::select(vec!["10:12,60:10", "5:12,10:12,60:12", "1:60,60:3,120:4", "10:6,30:4,60:8,300:5"]),
            method in prop::sample::select(AggregationMethod::ALL.to_vec()),
            factor in prop::sample::select(vec![0.0, 0.5, 1.0]),
            batches in prop::collection::vec((0u32..100, prop::collection::vec((1u32..3, -9i8..9), 1..40)), 1..8),
        ) {
            let (mut ours, plain) = (file(list, method, factor), file(list, method, factor));
            let step = ours.header.archives[0].step;
            for (offset, steps) in batches {
                let mut time = BEGIN + offset * step;
                let points = steps.into_iter().map(|(gap, value)| {
                    time += gap / 2 * step + step;
                    Point { time: Timestamp::from_secs(time), value: f64::from(value) / 3.0 }
                });
                let points: Vec<Point> = points.collect();
                let now = points[points.len() - 1].time;
                let reach = ours.ring(0).unwrap().retention();
                let young = |point: &&Point| now.as_i64() - point.time.as_i64() <= reach;
                let points: Vec<Point> = points.iter().filter(young).copied().collect();
                ours.update_many(&points, now).unwrap();
                write_and_read_back(&plain, &points);
            }
            prop_assert_eq!(ours.into_layer().into_bytes(), plain.into_layer().into_bytes());
        }
    }
}
