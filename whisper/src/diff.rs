//! Where two files disagree.

use crate::fetch::Stretch;
use crate::layer::ReadAt;
use crate::merge::{by_retention, same_archives};
use crate::{Error, Timestamp, Whisper};

/// How two files are compared.
#[derive(Clone, Copy, Debug, Default)]
pub struct DiffOptions {
    /// Leaves out the slots of which only one file knows a value.
    pub ignore_empty: bool,
    /// End of the comparison, seconds since the epoch; `None` is now.
    pub until: Option<i64>,
}

/// What the comparison of one archive found.
#[derive(Clone, Debug, PartialEq)]
pub struct ArchiveDiff {
    /// Place of the archive, counted from the one that reaches back least.
    pub archive: usize,
    /// Slots compared.
    pub total: usize,
    /// Those that differ, oldest first. A NaN differs from everything, itself included.
    pub points: Vec<Difference>,
}

/// One slot of two files.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Difference {
    /// Begin of the slot.
    pub time: i64,
    /// Value in the first file.
    pub a: Option<f64>,
    /// Value in the second file.
    pub b: Option<f64>,
}

impl<L: ReadAt> Whisper<L> {
    /// Compares archive by archive, each over the time that no finer archive has covered already. Slots of which
    /// neither file knows a value are not counted.
    ///
    /// # Errors
    /// [`Error::UnlikeArchives`], or what reading says.
    pub fn diff<M: ReadAt>(
        &self,
        other: &Whisper<M>,
        options: DiffOptions,
        now: Timestamp,
    ) -> Result<Vec<ArchiveDiff>, Error> {
        same_archives(self, other)?;
        let mut until = options.until.unwrap_or(now.as_i64());
        let mut found = Vec::new();
        for (place, archive) in by_retention(self).into_iter().enumerate() {
            let ring = self.ring(archive)?;
            let begin = now.as_i64() - ring.retention();
            let stretch = Stretch::of(ring, begin, until);
            let (mine, theirs) = (self.options(&stretch)?, other.options(&stretch)?);
            let times = (stretch.from..).step_by(ring.step as usize);
            let mut diff = ArchiveDiff { archive: place, total: 0, points: Vec::new() };
            for (time, (a, b)) in times.zip(mine.into_iter().zip(theirs)) {
                let skipped =
                    if options.ignore_empty { a.is_none() || b.is_none() } else { a.is_none() && b.is_none() };
                if skipped {
                    continue;
                }
                diff.total += 1;
                if a != b {
                    diff.points.push(Difference { time, a, b });
                }
            }
            found.push(diff);
            until = until.min(begin);
        }
        Ok(found)
    }
}
