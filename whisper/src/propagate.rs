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
        let together = if regular { (CHUNK.min(higher.points) / each).max(1) } else { 1 };
        let base = self.base(higher)?;
        let mut writer: Option<RunWriter<'_, L>> = None;
        let mut rest = intervals;
        while let Some(first) = rest.first() {
            let count = contiguous(rest, lower.step, together as usize);
            let slot = if base == 0 { 0 } else { higher.slot(base, *first) };
            self.aggregate(higher, slot, each, &rest[..count], |interval, value| {
                let writer = match &mut writer {
                    Some(writer) => writer,
                    // The coarser archive's first slot is looked at only when there is something to write.
                    none => none.insert(RunWriter::begin(self, lower)?),
                };
                writer.push_propagated(interval, value)
            })?;
            rest = &rest[count..];
        }
        match writer {
            None => Ok(false),
            Some(writer) => writer.finish().map(|()| true),
        }
    }

    /// Gives each interval's value to `emit`, from `each` slots apiece that follow one another from `slot` on.
    fn aggregate(
        &self,
        higher: &Ring,
        slot: i64,
        each: i64,
        intervals: &[i64],
        mut emit: impl FnMut(i64, f64) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let (method, factor) = (self.header.method, self.header.x_files_factor);
        let mut intervals = intervals.iter().copied();
        let mut interval = intervals.next().unwrap_or(0);
        let mut points = Accumulator::new(method);
        let (mut seen, mut outcome) = (0, Ok(()));
        let mut close = |interval: i64, points: &Accumulator, seen: i64| match points.finish(seen as u64) {
            Some(value) if factor.is_met(points.known(), seen as u64) => emit(interval, value),
            _ => Ok(()),
        };
        self.read_ring(higher, slot, each * (1 + intervals.len() as i64), |piece, _| {
            for slot in piece {
                if i64::from(time_of(slot)) == interval + seen * higher.step {
                    points.push(value_of(slot));
                }
                seen += 1;
                if seen == each {
                    outcome = close(interval, &points, seen);
                    interval = intervals.next().unwrap_or(0);
                    points = Accumulator::new(method);
                    seen = 0;
                    if outcome.is_err() {
                        return false;
                    }
                }
            }
            true
        })?;
        outcome?;
        // A file that was cut off has fewer slots than asked for; the share is then taken of those that are there.
        if seen > 0 { close(interval, &points, seen) } else { Ok(()) }
    }
}

/// How many of the first `most` intervals follow one another without a hole.
fn contiguous(intervals: &[i64], step: i64, most: usize) -> usize {
    let follows = intervals.windows(2).take(most.saturating_sub(1)).take_while(|pair| pair[0] + step == pair[1]);
    1 + follows.count()
}
