//! Many points at once: sorted, dealt to the archives by age, and written in as few pieces as they form.
//!
//! System calls on an open file, for each archive that takes points: one `pwrite` per run of neighbouring points; then for
//! each coarser archive one `pread` per run of the points it is made from, at most 64 KiB or one round of the finer ring
//! at a time, and one `pwrite` per run of its own. Coarse slots all of whose points were just written are made from memory;
//! as gathered points follow one another, what is read is at most the slots around the first and the last. A run that wraps
//! around the end of its archive takes two calls. The first time an archive is used its first slot is read too (opening a
//! file tells it for archive 0).
//!
//! Measured on an open file of 1 440 minutes, 2 016 five minutes and 8 760 hours whose other slots are known: ten points
//! take three writes and three reads, a whole day of 1 440 points three writes and six reads.

use std::borrow::Cow;

use crate::layer::WriteAt;
use crate::ring::Ring;
use crate::run::RunWriter;
use crate::tip::Tip;
use crate::{Error, Point, Timestamp, Whisper};

impl<L: WriteAt> Whisper<L> {
    /// Writes points in any order. Points too old for every archive are dropped without a word, points of the future are
    /// written; so does the reference.
    ///
    /// Of several points in one slot the newest stays. Of several with the *same* time the one given first stays.
    /// Coarser slots are renewed in the order of time.
    ///
    /// # Errors
    /// What the system says, or [`Error::Corrupt`]; a part of the points may then have been written.
    pub fn update_many(&mut self, points: &[Point], now: Timestamp) -> Result<(), Error> {
        let too_old = |ring: &Ring, time: i64| now.as_i64() - time > ring.retention();
        self.deal(&in_order(points), too_old).map(|_| ())
    }

    /// As [`Whisper::update_many`], but nothing current is ever overwritten by a time that is far from `now`, and the
    /// points that no archive has a slot for are counted: those older than all archives, and those ahead of `now` by more
    /// than a quarter of what the finest keeps. A clock that far off is wrong; the slots it would fill hold points that
    /// are still asked for.
    ///
    /// The reference lets a point whose age is the retention of an archive, to the slot, take the place of the newest
    /// there; here it goes to the next coarser archive.
    ///
    /// # Errors
    /// As [`Whisper::update_many`].
    pub fn update_current(&mut self, points: &[Point], now: Timestamp) -> Result<usize, Error> {
        self.write_current(points, now, None)
    }

    /// As [`Whisper::update_current`], and with the same bytes in the end, for whoever writes again and again: `tip` is
    /// what the last such call left of it, and nobody else has changed the file since. Where points follow those before,
    /// mostly nothing is read.
    ///
    /// # Errors
    /// As [`Whisper::update_many`]; the tip is empty then.
    pub fn update_following(&mut self, points: &[Point], now: Timestamp, tip: &mut Tip) -> Result<usize, Error> {
        self.write_current(points, now, Some(tip))
    }

    fn write_current(&self, points: &[Point], now: Timestamp, tip: Option<&mut Tip>) -> Result<usize, Error> {
        let finest = self.ring(0)?;
        let points = in_order(points);
        let last = last_time(&finest, now.as_i64());
        let near = points.partition_point(|point| point.time.as_i64() <= last);
        let too_old = |ring: &Ring, time: i64| ring.floor(time) <= ring.floor(now.as_i64()) - ring.retention();
        let (points, ahead) = points.split_at(near);
        let Some(tip) = tip else { return Ok(self.deal(points, too_old)? + ahead.len()) };
        let before = std::mem::take(tip);
        if points.first().is_some_and(|first| too_old(&finest, first.time.as_i64())) {
            return Ok(self.deal(points, too_old)? + ahead.len());
        }
        *tip = self.write_following(&finest, points, &before)?;
        Ok(ahead.len())
    }

    /// Gives each archive, finest first, the points that are young enough for it, and says how many were too old for all;
    /// `points` are oldest first.
    fn deal(&self, points: &[Point], too_old: impl Fn(&Ring, i64) -> bool) -> Result<usize, Error> {
        let mut rest = points;
        if !rest.is_empty() {
            self.ring(0)?;
        }
        for archive in 0..self.header.archives.len() {
            if rest.is_empty() {
                break;
            }
            let ring = self.ring(archive)?;
            let older = rest.partition_point(|point| too_old(&ring, point.time.as_i64()));
            let (older, young) = rest.split_at(older);
            if !young.is_empty() {
                self.write_batch(&ring, young)?;
            }
            rest = older;
        }
        Ok(rest.len())
    }

    /// Writes `points`, oldest first, into one archive whatever their age, and renews the coarser ones.
    pub(crate) fn write_batch(&self, ring: &Ring, points: &[Point]) -> Result<(), Error> {
        let held = self.write_slots(ring, points)?;
        self.propagate_batch(ring, points, held)
    }

    /// Writes `points`, oldest first, into one archive and no other; gives the slots.
    pub(crate) fn write_slots(&self, ring: &Ring, points: &[Point]) -> Result<Vec<(i64, f64)>, Error> {
        // With room for one more, that of an open slot before them.
        let mut held: Vec<(i64, f64)> = Vec::with_capacity(points.len() + 1);
        for point in points {
            let time = point.time.as_i64();
            match held.last_mut() {
                None => held.push((ring.floor(time), point.value)),
                Some((before, value)) => match ring.floor_after(*before, time) {
                    same if same == *before => *value = point.value,
                    next => held.push((next, point.value)),
                },
            }
        }
        let mut writer = RunWriter::begin(self, ring)?;
        for (interval, value) in &held {
            writer.push(*interval, *value)?;
        }
        writer.finish()?;
        Ok(held)
    }

    /// Renews the coarser archives after `held`, the slots of `points`, were written.
    pub(crate) fn propagate_batch(
        &self,
        ring: &Ring,
        points: &[Point],
        mut held: Vec<(i64, f64)>,
    ) -> Result<(), Error> {
        let mut higher = *ring;
        let mut intervals = Vec::new();
        for archive in 0..self.header.archives.len() {
            if i64::from(self.header.archives[archive].step) <= ring.step {
                continue;
            }
            let lower = self.ring(archive)?;
            ring.intervals_in(&lower, points, &mut intervals);
            held = self.propagate(&higher, &lower, &intervals, &held)?;
            if held.is_empty() {
                break;
            }
            higher = lower;
        }
        Ok(())
    }
}

/// How far ahead a time may be at `now`: by a quarter of the ring. The current slot is always open, even if it is the
/// only one, and nothing goes once around.
fn last_time(ring: &Ring, now: i64) -> i64 {
    let current = ring.floor(now);
    (now + ring.retention() / 4).max(current + ring.step - 1).min(current + ring.retention() - 1)
}

/// Points oldest first. Mostly they are, and are not copied then.
fn in_order(points: &[Point]) -> Cow<'_, [Point]> {
    if points.is_sorted_by(|a, b| a.time < b.time) {
        return Cow::Borrowed(points);
    }
    // Reversed first, so that of equal times the one given first comes last and stays.
    let mut sorted: Vec<Point> = points.iter().rev().copied().collect();
    sorted.sort_by_key(|point| point.time);
    Cow::Owned(sorted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_750_000_000;

    /// Times, relative to [`NOW`], that fit into a ring or are too far ahead of its finest slots.
    #[track_caller]
    fn check(retention: &str, fitting: &[i64], ahead: &[i64]) {
        let folder = tempfile::tempdir().unwrap();
        let layout = crate::CreateOptions::new(retention.parse().unwrap());
        let mut file = Whisper::create(folder.path().join("a.wsp"), &layout).unwrap();
        let now = Timestamp::saturating_from(NOW);
        let mut write = |ahead: &i64| {
            file.update_current(&[Point { time: Timestamp::saturating_from(NOW + ahead), value: 1.0 }], now).unwrap()
        };
        assert_eq!(fitting.iter().map(&mut write).sum::<usize>(), 0, "{retention} takes {fitting:?}");
        assert_eq!(ahead.iter().map(&mut write).sum::<usize>(), ahead.len(), "{retention} leaves out {ahead:?}");
    }

    #[test]
    fn a_quarter_of_the_finest_archive_lies_open_ahead() {
        check("60:60,300:1000", &[-60, 0, 1, 600, 900], &[901, 3600, 1_000_000]);
        // 1 750 000 000 is 40 s into its minute.
        check("60:1", &[-40, 0, 19], &[20, 60]);
        check("60:2", &[0, 19, 30], &[31, 60]);
        check("1:4", &[0, 1], &[2, 4]);
    }
}
