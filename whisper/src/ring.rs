//! An archive as a ring of slots: where a time belongs.

use crate::Point;

/// Bytes of a slot, and of a line of the archive table.
pub(crate) const RECORD: usize = 12;

/// An archive that was found usable: neither its step nor its number of points is zero.
///
/// Slots form a ring. The time in slot 0, the base, says where all others belong: a time lies as many slots after
/// slot 0 as steps after the base, wrapped around. Older times than the base are normal. Slot 0 is overwritten once per
/// round by a time that lies exactly one round later, so the *place* of a time never changes while the archive lives: a
/// base other than 0 may be remembered for good. Time 0 marks an empty slot; an archive whose slot 0 is empty is empty,
/// and the first write into it goes to slot 0.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Ring {
    pub(crate) archive: usize,
    pub(crate) offset: u64,
    pub(crate) step: i64,
    pub(crate) points: i64,
}

impl Ring {
    /// Begin of the slot that holds `time`.
    #[inline]
    pub(crate) fn floor(&self, time: i64) -> i64 {
        time - time.rem_euclid(self.step)
    }

    /// As [`Ring::floor`], for a time that is mostly in the slot that begins at `before`, or in the one after it. Points
    /// that follow one another are gone through this way, since a division costs more than all else that is done for one.
    #[inline]
    pub(crate) fn floor_after(&self, before: i64, time: i64) -> i64 {
        match time - before {
            ahead if ahead < 0 => self.floor(time),
            ahead if ahead < self.step => before,
            ahead if ahead < 2 * self.step => before + self.step,
            _ => self.floor(time),
        }
    }

    /// Begins of the slots of `coarser` that those slots of this archive fall into which hold `points`, oldest first.
    pub(crate) fn intervals_in(&self, coarser: &Ring, points: &[Point], intervals: &mut Vec<i64>) {
        intervals.clear();
        let Some(first) = points.first() else { return };
        let mut slot = self.floor(first.time.as_i64());
        let mut interval = coarser.floor(slot);
        intervals.push(interval);
        for point in &points[1..] {
            slot = self.floor_after(slot, point.time.as_i64());
            let next = coarser.floor_after(interval, slot);
            if next != interval {
                intervals.push(next);
                interval = next;
            }
        }
    }

    /// How far back the archive reaches, in seconds.
    pub(crate) fn retention(&self) -> i64 {
        self.step.saturating_mul(self.points)
    }

    /// Number of the slot for the interval that begins at `time`; `base` is the time in slot 0 and not 0.
    pub(crate) fn slot(&self, base: i64, time: i64) -> i64 {
        (time - base).div_euclid(self.step).rem_euclid(self.points)
    }

    /// Where slot `slot` begins in the file.
    pub(crate) fn position(&self, slot: i64) -> u64 {
        self.offset + slot as u64 * RECORD as u64
    }

    /// The byte after the last slot.
    pub(crate) fn end(&self) -> u64 {
        self.position(self.points)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn a_time_is_floored_the_same_way_from_any_slot_before_it() {
        let ring = Ring { archive: 0, offset: 28, step: 7, points: 6 };
        for before in (-70..=70).step_by(7) {
            for time in -50..50 {
                assert_eq!(ring.floor_after(before, time), ring.floor(time), "{time} after {before}");
            }
        }
    }

    #[test]
    fn the_coarser_slots_of_points_are_named_once_each() {
        let ring = |step| Ring { archive: 0, offset: 28, step, points: 60 };
        for (fine, coarse) in [(60, 300), (60, 3600), (10, 25), (1, 1)] {
            let (fine, coarse) = (ring(fine), ring(coarse));
            for stride in [1, 59, 60, 61, 299, 1000, 9999] {
                let points: Vec<Point> = (0..50)
                    .map(|n| Point { time: Timestamp::from_secs(1_700_000_007 + n / 3 * 3 * stride), value: 0.0 })
                    .collect();
                let mut expected: Vec<i64> =
                    points.iter().map(|point| coarse.floor(fine.floor(point.time.as_i64()))).collect();
                expected.dedup();
                let mut intervals = vec![7];
                fine.intervals_in(&coarse, &points, &mut intervals);
                assert_eq!(intervals, expected, "{stride}");
            }
        }
    }

    #[test]
    fn the_place_of_a_time_is_the_same_for_every_base_of_a_round() {
        let ring = Ring { archive: 0, offset: 28, step: 10, points: 6 };
        for time in (1_000..2_000).step_by(10) {
            assert_eq!(ring.slot(1_200, time), ring.slot(1_200 + 60, time));
            assert_eq!(ring.slot(1_203, time), ring.slot(1_210, time), "a base off the grid counts from the next slot");
        }
    }
}
