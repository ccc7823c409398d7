//! What one file knows, written over what another knows.

use crate::fetch::Stretch;
use crate::file::Whisper;
use crate::layer::{ReadAt, WriteAt};
use crate::{Error, Point, Timestamp};

/// Which part of time two files are merged in, seconds since the epoch; `None` is the beginning and `now`.
#[derive(Clone, Copy, Debug, Default)]
pub struct MergeWindow {
    /// Begin, excluded.
    pub from: Option<i64>,
    /// End, included.
    pub until: Option<i64>,
}

impl<L: WriteAt> Whisper<L> {
    /// Writes every known value of `source` into the same archive of this file, finest archives first, each with the
    /// renewal of the coarser ones; so the source's coarse points have the last word. Gaps overwrite nothing.
    ///
    /// The file is changed in place. To leave the old one whole when interrupted, merge into a copy and rename that, as
    /// the tool does.
    ///
    /// # Errors
    /// [`Error::UnlikeArchives`], [`Error::InvalidTimeInterval`], or what reading and writing say.
    pub fn merge<M: ReadAt>(&mut self, source: &Whisper<M>, window: MergeWindow, now: Timestamp) -> Result<(), Error> {
        same_archives(source, self)?;
        let (from, until) = (window.from.unwrap_or(0), window.until.unwrap_or(now.as_i64()));
        if until < from {
            return Err(Error::InvalidTimeInterval { from, until });
        }
        for archive in by_retention(source) {
            let ring = source.ring(archive)?;
            let oldest = now.as_i64() - ring.retention();
            if until < oldest {
                continue;
            }
            let points = source.known_points(&Stretch::of(ring, from.max(oldest), until))?;
            if !points.is_empty() {
                self.write_batch(&ring, &points)?;
            }
        }
        Ok(())
    }
}

impl<L: ReadAt> Whisper<L> {
    /// The known values of a stretch, oldest first.
    pub(crate) fn known_points(&self, stretch: &Stretch) -> Result<Vec<Point>, Error> {
        let values = self.options(stretch)?;
        let times = (stretch.from..).step_by(stretch.ring.step as usize);
        let known = times
            .zip(values)
            .filter_map(|(time, value)| Some(Point { time: Timestamp::saturating_from(time), value: value? }));
        Ok(known.collect())
    }
}

/// # Errors
/// [`Error::UnlikeArchives`] unless both files have the very same archive table.
pub(crate) fn same_archives<A, B>(from: &Whisper<A>, to: &Whisper<B>) -> Result<(), Error> {
    if from.header.archives == to.header.archives {
        return Ok(());
    }
    Err(Error::UnlikeArchives { from: from.path.to_path_buf(), to: to.path.to_path_buf() })
}

/// Numbers of the archives, the one that reaches back least first.
pub(crate) fn by_retention<L>(file: &Whisper<L>) -> Vec<usize> {
    let mut order: Vec<usize> = (0..file.header.archives.len()).collect();
    order.sort_by_key(|archive| file.header.archives[*archive].retention_secs());
    order
}
