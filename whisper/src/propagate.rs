//! Coarser points made from finer ones.

use crate::aggregation::Accumulator;
use crate::batch::RunWriter;
use crate::file::{CHUNK, time_of, value_of};
use crate::header::Ring;
use crate::layer::WriteAt;
use crate::{Error, Whisper};

impl<L: WriteAt> Whisper<L> {
    /// Renews the slots of `lower` that begin at `intervals` (ascending, each once) from the slots of `higher`, and says
    /// whether any was written. A slot of which too little is known stays as it is.
    ///
    /// Neighbouring intervals are read together and written together. What is read is never what is written, so this
    /// gives the same bytes as going through them one by one.
    pub(crate) fn propagate(&self, higher: &Ring, lower: &Ring, intervals: &[i64]) -> Result<bool, Error> {
        let ratio = lower.step / higher.step;
        // In a damaged header the ratio can exceed the ring; the reference then reads the remainder.
        let each = match ratio % higher.points {
            0 => higher.points,
            rest => rest,
        };
        let regular = each == ratio && lower.step % higher.step == 0;
        let mut together = if regular { (CHUNK.min(higher.points) / each).max(1) } else { 1 };
        let base = self.base(higher)?;
        if base == 0 {
            // The archive counts as empty although slots may be filled (time 0 was written to the first); every interval
            // is then looked for from the first slot on, as the reference does.
            together = 1;
        }
        let mut writer: Option<RunWriter<'_, L>> = None;
        let mut rest = intervals;
        while let Some(first) = rest.first() {
            let count = contiguous(rest, lower.step, together as usize);
            let slot = if base == 0 { 0 } else { higher.slot(base, *first) };
            let done = self.aggregate(higher, slot, each, &rest[..count], |interval, value| {
                let writer = match &mut writer {
                    Some(writer) => writer,
                    // The coarser archive's first slot is looked at only when there is something to write.
                    none => none.insert(RunWriter::begin(self, lower)?),
                };
                writer.push_propagated(interval, value)
            })?;
            if done < count {
                // The file is cut off within the archive. What is there is then taken interval by interval.
                together = 1;
            }
            rest = &rest[done..];
        }
        match writer {
            None => Ok(false),
            Some(writer) => writer.finish().map(|()| true),
        }
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

/// How many of the first `most` intervals follow one another without a hole.
fn contiguous(intervals: &[i64], step: i64, most: usize) -> usize {
    let follows = intervals.windows(2).take(most.saturating_sub(1)).take_while(|pair| pair[0] + step == pair[1]);
    1 + follows.count()
}
