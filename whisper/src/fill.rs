//! The gaps of one file, closed from another.

use crate::layer::{ReadAt, WriteAt};
use crate::merge::by_retention;
use crate::{Error, Point, Seconds, Timestamp, Whisper};

impl<L: WriteAt> Whisper<L> {
    /// Looks for gaps in this file and writes what `source` knows there, taken from its finest archive that reaches back
    /// so far. The files may have different archives. As in the reference a value of 0 counts as missing when gaps are
    /// looked for, and a gap of one slot is left open.
    ///
    /// # Errors
    /// What reading and writing say; gaps already closed stay closed.
    pub fn fill<M: ReadAt>(&mut self, source: &Whisper<M>, now: Timestamp) -> Result<(), Error> {
        let now = now.as_i64();
        let mut until = now;
        for archive in by_retention(self) {
            let from = now - self.ring(archive)?.retention();
            if from >= until {
                continue;
            }
            for gap in self.gaps(from, until, now)? {
                self.close(source, gap, now)?;
            }
            until = from;
        }
        Ok(())
    }

    /// Begin and end of each gap between two times; the slot at the end is the first that has a value again, or the
    /// last one looked at.
    fn gaps(&self, from: i64, until: i64, now: i64) -> Result<Vec<(i64, i64)>, Error> {
        let Some(fetched) = self.fetch_seconds(&Seconds { from, until, now, step: None })? else {
            return Ok(Vec::new());
        };
        let (mut gaps, mut begin) = (Vec::new(), None);
        for (time, value) in (fetched.from..).step_by(fetched.step as usize).zip(&fetched.values) {
            let missing = value.is_none_or(|value| value == 0.0);
            match begin {
                None if missing => begin = Some(time),
                None => {}
                Some(start) if !missing => {
                    if time - start > fetched.step {
                        gaps.push((start - fetched.step, time));
                    }
                    begin = None;
                }
                Some(start) if time == fetched.until - fetched.step => gaps.push((start - fetched.step, time)),
                Some(_) => {}
            }
        }
        Ok(gaps)
    }

    fn close<M: ReadAt>(&mut self, source: &Whisper<M>, gap: (i64, i64), now: i64) -> Result<(), Error> {
        let (begin, mut end) = gap;
        if end < now - i64::from(source.header.max_retention) {
            return Ok(());
        }
        for archive in by_retention(source) {
            let reach = now - source.ring(archive)?.retention();
            if end <= reach {
                continue;
            }
            let from = reach.max(begin);
            self.copy(source, from, end, now)?;
            end = from;
            if begin == end {
                break;
            }
        }
        Ok(())
    }

    fn copy<M: ReadAt>(&mut self, source: &Whisper<M>, from: i64, until: i64, now: i64) -> Result<(), Error> {
        let Some(stretch) = source.stretch(&Seconds { from, until, now, step: None })? else { return Ok(()) };
        let points: Vec<Point> = source.known_points(&stretch)?;
        self.update_many(&points, Timestamp::saturating_from(now))
    }
}
