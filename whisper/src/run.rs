//! Neighbouring points of one archive, written with one call.

use crate::file::slot_of;
use crate::layer::WriteAt;
use crate::ring::Ring;
use crate::{Error, Whisper};

/// Bytes of the runs that are usual: forty slots.
const USUAL: usize = 480;

/// Joins neighbouring points of one archive and writes each run with one call, two where it wraps around the end.
pub(crate) struct RunWriter<'a, L> {
    file: &'a Whisper<L>,
    ring: Ring,
    /// Time that slot 0 stands for; `None` until the first run of an empty archive says so.
    base: Option<i64>,
    run: Vec<u8>,
    /// Interval of the run's first and last point; 0 before there is one.
    first: i64,
    last: i64,
}

impl<'a, L: WriteAt> RunWriter<'a, L> {
    pub(crate) fn begin(file: &'a Whisper<L>, ring: &Ring) -> Result<RunWriter<'a, L>, Error> {
        let base = Some(file.base(ring)?).filter(|base| *base != 0);
        Ok(RunWriter { file, ring: *ring, base, run: Vec::with_capacity(USUAL), first: 0, last: 0 })
    }

    /// Adds a point; intervals ascend.
    pub(crate) fn push(&mut self, interval: i64, value: f64) -> Result<(), Error> {
        // Time 0 means "empty" in this format and the reference takes it for "no run yet": what follows is joined to it.
        let joins = self.last == 0 || interval == self.last + self.ring.step;
        if !self.run.is_empty() && !joins {
            self.flush()?;
        }
        if self.run.is_empty() {
            self.first = interval;
        }
        self.run.extend_from_slice(&slot_of(interval as u32, value));
        self.last = interval;
        Ok(())
    }

    /// As [`RunWriter::push`], but a point at time 0 leaves the archive's first slot marked empty, and the next point
    /// looks at that slot again.
    pub(crate) fn push_propagated(&mut self, interval: i64, value: f64) -> Result<(), Error> {
        self.push(interval, value)?;
        if interval == 0 {
            self.flush()?;
            self.base = Some(self.file.base(&self.ring)?).filter(|base| *base != 0);
        }
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<(), Error> {
        self.flush()
    }

    fn flush(&mut self) -> Result<(), Error> {
        const SLOT: usize = 12;
        let count = (self.run.len() / SLOT) as i64;
        if count == 0 {
            return Ok(());
        }
        let start = self.last - (count - 1) * self.ring.step;
        let was_empty = self.base.is_none();
        let base = *self.base.get_or_insert(start);
        // Points of the future can outnumber the slots; the newest stay. (The reference writes past the archive here.)
        let spare = (count - self.ring.points).max(0);
        let slot = self.ring.slot(base, start + spare * self.ring.step);
        let run = &self.run[spare as usize * SLOT..];
        let room = (self.ring.points - slot) as usize * SLOT;
        let (to_the_end, wrapped) = run.split_at(run.len().min(room));
        self.file.write_at(to_the_end, self.ring.position(slot))?;
        if !wrapped.is_empty() {
            self.file.write_at(wrapped, self.ring.position(0))?;
        }
        if self.first == 0 {
            self.file.remember_base(&self.ring, 0);
        } else if was_empty {
            self.file.remember_base(&self.ring, base);
        }
        self.run.clear();
        Ok(())
    }
}
