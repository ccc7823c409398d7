//! What is known of the newest slots of a file, so that those after them are propagated without reading anything back.
//!
//! Points mostly follow one another. The coarser slot that the last of them fell into is then still open, and the next
//! update needs what it holds so far: a sum or an extreme of finer slots, in their order, is all that its value depends
//! on. Beside that it has to be known that no finer slot behind the newest is filled already (a clock that was ahead
//! leaves such). That is looked up once for all slots of the page that is written to anyway, which lasts for about ten
//! updates of thirty points; those between read nothing. Whoever makes a file knows that its coarser archives are empty,
//! and that lasts once around their rings.
//!
//! Measured with three archives, 38 points an update, files known and cached: three `pwrite` and no `pread`, where there
//! were two to three.

use std::cmp::Ordering;

use crate::aggregation::Accumulator;
use crate::file::{CHUNK, time_of, value_of};
use crate::layer::WriteAt;
use crate::ring::{RECORD, Ring};
use crate::run::RunWriter;
use crate::{Error, Point, Whisper};

/// Steps from one archive to the next that are remembered; of further ones, which no usual file has, all is read back.
const LEVELS: usize = 3;

/// What lies on one page costs one read.
const PAGE: u64 = 4096;

/// With fewer slots than this left on a page, those on the next one are looked at as well.
const FEW: i64 = 64;

/// The newest slots of one file: for [`Whisper::update_following`]. 56 bytes.
///
/// It begins empty, and holds as long as nobody else changes the file.
#[derive(Clone, Debug, Default)]
pub struct Tip {
    /// Interval of the last point written; 0 before there is one.
    newest: u32,
    levels: [Level; LEVELS],
}

/// The newest slot of an archive, seen from the next coarser one.
#[derive(Clone, Copy, Debug, Default)]
struct Level {
    /// Aggregate of the slots below the open coarser one, in order: up to the newest in the finest archive; before the
    /// newest in others, where that may still change.
    value: f64,
    known: u32,
    /// Behind the newest slot none is filled, up to this one at least; 0 while that is not known.
    clear: u32,
}

/// Two archives that follow one another, and an update of the finer one.
struct Between<'a> {
    higher: Ring,
    lower: Ring,
    /// Slots of the finer archive to one of the coarser, below [`CHUNK`].
    each: i64,
    /// Whether `higher` is the finest, whose newest slot is not open.
    finest: bool,
    /// Interval of the last point before this update, and now.
    before: i64,
    newest: i64,
    /// Slots of the coarser archive that points fell into, ascending.
    intervals: &'a [i64],
    /// Slots of the finer archive from `before` on that are filled, ascending.
    filled: &'a [(i64, f64)],
}

impl Level {
    /// No slot was looked at.
    const UNKNOWN: Level = Level { value: 0.0, known: 0, clear: 0 };

    fn of(points: &Accumulator, clear: i64) -> Level {
        match (u32::try_from(points.known()), u32::try_from(clear)) {
            (Ok(known), Ok(clear)) => Level { value: points.value(), known, clear },
            _ => Level::UNKNOWN,
        }
    }
}

impl<L: WriteAt> Whisper<L> {
    /// Writes `points`, oldest first and none of them older than what the finest archive keeps, and renews the coarser
    /// ones; gives what is then known.
    pub(crate) fn write_following(&self, finest: &Ring, points: &[Point], tip: &Tip) -> Result<Tip, Error> {
        let slots = self.write_slots(finest, points)?;
        let (Some((first, _)), Some((last, _))) = (slots.first().copied(), slots.last().copied()) else {
            return Ok(tip.clone());
        };
        let newest = u32::try_from(last).unwrap_or(0);
        let plain = first <= 0 || newest == 0 || !self.is_regular();
        // What is not in order now may well be so the next time; only then is it worth to look around.
        if plain || first <= i64::from(tip.newest) || self.base(finest)? == 0 {
            self.propagate_batch(finest, points, slots)?;
            return Ok(Tip { newest: if plain { 0 } else { newest }, ..Tip::default() });
        }
        self.propagate_following(finest, points, slots, tip, newest)
    }

    /// Whether each archive is made of whole slots of the one before, few enough to be read at once.
    fn is_regular(&self) -> bool {
        self.header.archives.windows(2).all(|pair| {
            let (finer, coarser) = (&pair[0], &pair[1]);
            let each = coarser.step.checked_div(finer.step).unwrap_or(0);
            each > 1 && coarser.step.is_multiple_of(finer.step) && each <= finer.points && i64::from(each) <= CHUNK
        })
    }

    fn propagate_following(
        &self,
        finest: &Ring,
        points: &[Point],
        slots: Vec<(i64, f64)>,
        tip: &Tip,
        newest: u32,
    ) -> Result<Tip, Error> {
        let mut next = Tip { newest, ..Tip::default() };
        let (mut higher, mut changed, mut renews) = (*finest, slots, true);
        // The newest slot of `higher` as it was before, and as it is now, where that is known.
        let (mut was_open, mut is_open) = (Some(None), Some(None));
        let mut intervals = Vec::with_capacity(points.len());
        for index in 0..self.header.archives.len().saturating_sub(1) {
            let lower = self.ring(index + 1)?;
            finest.intervals_in(&lower, points, &mut intervals);
            let level = tip.levels.get(index).filter(|level| level.clear != 0).copied();
            let level = level.filter(|_| was_open.is_some());
            let mut filled = changed;
            let written = filled.len();
            let before = higher.floor(tip.newest.into());
            if let Some(Some(value)) = was_open
                && filled.first().is_none_or(|(time, _)| *time > before)
            {
                filled.insert(0, (before, value));
            }
            let between = Between {
                each: lower.step / higher.step,
                finest: index == 0,
                before,
                newest: higher.floor(newest.into()),
                intervals: &intervals,
                filled: &filled,
                higher,
                lower,
            };
            let known = level.filter(|level| between.end() <= level.clear.into());
            let renewed = match known {
                _ if !renews => Vec::new(),
                Some(level) => self.make_following(&between, &level)?,
                None => self.propagate(&higher, &lower, &intervals, &filled[filled.len() - written..])?,
            };
            renews = !renewed.is_empty();
            let after = match known {
                Some(level) => Some(self.advance(&between, &level)),
                None if index < LEVELS => self.look_ahead(&between, is_open)?,
                None => None,
            };
            was_open = level.and_then(|level| Some(self.open_slot(&between, &level, was_open?)));
            is_open = after.and_then(|level| Some(self.open_slot(&between, &level, is_open?)));
            if let (Some(slot), Some(level)) = (next.levels.get_mut(index), after) {
                *slot = level;
            }
            (higher, changed) = (lower, renewed);
        }
        Ok(next)
    }

    /// Renews the coarser slots from what is known, and gives those that were written.
    fn make_following(&self, between: &Between<'_>, level: &Level) -> Result<Vec<(i64, f64)>, Error> {
        let mut written = Vec::with_capacity(between.intervals.len() + 1);
        let mut writer: Option<RunWriter<'_, L>> = None;
        for interval in between.intervals {
            let mut points = match *interval == between.lower.floor(between.before) {
                true => self.resume_points(level),
                false => Accumulator::new(self.header.method),
            };
            let from = between.filled.partition_point(|(time, _)| time < interval);
            let below = between.filled[from..].iter().take_while(|(time, _)| *time < interval + between.lower.step);
            below.for_each(|(_, value)| points.push(*value));
            let Some(value) = self.value_of_known(&points, between.each) else { continue };
            let writer = match &mut writer {
                Some(writer) => writer,
                none => none.insert(RunWriter::begin(self, &between.lower)?),
            };
            written.push((*interval, value));
            writer.push_propagated(*interval, value)?;
        }
        if let Some(writer) = writer {
            writer.finish()?;
        }
        Ok(written)
    }

    /// What is known after the update.
    fn advance(&self, between: &Between<'_>, level: &Level) -> Level {
        let mut points = self.resume_points(level);
        let mut open = between.lower.floor(between.before);
        for (time, value) in between.filled.iter().filter(|(time, _)| between.is_closed(*time)) {
            let interval = between.lower.floor_after(open, *time);
            if interval != open {
                (points, open) = (Accumulator::new(self.header.method), interval);
            }
            points.push(*value);
        }
        if open != between.lower.floor(between.newest) {
            points = Accumulator::new(self.header.method);
        }
        Level::of(&points, level.clear.into())
    }

    /// The open slot of the coarser archive, as it is in the file; `open` is that of the finer one.
    fn open_slot(&self, between: &Between<'_>, level: &Level, open: Option<f64>) -> Option<f64> {
        let mut points = self.resume_points(level);
        open.into_iter().for_each(|value| points.push(value));
        self.value_of_known(&points, between.each)
    }

    /// Reads the finer slots below the open coarser one and those behind them; nothing if they are not as they would be
    /// had all points come in order. `open` is what the newest should be, if it is known.
    fn look_ahead(&self, between: &Between<'_>, open: Option<Option<f64>>) -> Result<Option<Level>, Error> {
        let (higher, base) = (&between.higher, self.base(&between.higher)?);
        let first = between.lower.floor(between.newest);
        let Some(open) = open.filter(|_| first > 0) else { return Ok(None) };
        if base == 0 {
            // No slot is filled, once around the ring.
            let last = first + (higher.points - 1) * higher.step;
            let level = Level::of(&Accumulator::new(self.header.method), last);
            return Ok(Some(level).filter(|level| self.is_new(higher) && open.is_none() && level.clear != 0));
        }
        let slot = higher.slot(base, first);
        let room = ((PAGE - higher.position(slot + between.each) % PAGE) / RECORD as u64) as i64;
        let room = if room < FEW { room + (PAGE / RECORD as u64) as i64 } else { room };
        let count = (between.each + room).min(higher.points);
        let (mut points, mut time, mut clear) = (Accumulator::new(self.header.method), first, 0);
        let (mut found_open, mut whole) = (None, true);
        self.read_ring(higher, slot, count, |slots, missing| {
            whole = missing == 0;
            for slot in slots {
                let filled = i64::from(time_of(slot)) == time;
                match time.cmp(&between.newest) {
                    Ordering::Greater if filled => return false,
                    Ordering::Greater => {}
                    Ordering::Equal if filled && !between.finest => found_open = Some(value_of(slot)),
                    _ if filled => points.push(value_of(slot)),
                    _ => {}
                }
                clear = time;
                time += higher.step;
            }
            whole
        })?;
        let as_expected = between.finest || found_open.map(f64::to_bits) == open.map(f64::to_bits);
        let sound = whole && as_expected && clear >= first + between.lower.step - higher.step;
        Ok(Some(Level::of(&points, clear)).filter(|level| sound && level.clear != 0))
    }

    fn resume_points(&self, level: &Level) -> Accumulator {
        Accumulator::resume(self.header.method, level.known.into(), level.value)
    }

    /// The value of a slot all of whose finer slots are known to be filled or not.
    fn value_of_known(&self, points: &Accumulator, each: i64) -> Option<f64> {
        let met = self.header.x_files_factor.is_met(points.known(), each as u64);
        points.finish(each as u64).filter(|_| met)
    }
}

impl Between<'_> {
    /// The last finer slot of the last coarser one.
    fn end(&self) -> i64 {
        self.lower.floor(self.newest) + self.lower.step - self.higher.step
    }

    /// Whether the slot at `time` will not change any more while points come in order.
    fn is_closed(&self, time: i64) -> bool {
        time < self.newest || self.finest
    }
}

#[cfg(test)]
mod tests;
