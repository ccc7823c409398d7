//! One point written, and the coarser archives renewed from it.
//!
//! System calls on an open file: one `pwrite` of the point; then for each coarser archive one `pread` of the points it
//! is made from (two where they wrap) and, if enough of them are known, one `pwrite`. The first time an archive is
//! used its first slot is read too.

use crate::error::Damage;
use crate::file::slot_of;
use crate::layer::WriteAt;
use crate::{Error, Point, Timestamp, Whisper};

impl<L: WriteAt> Whisper<L> {
    /// Writes one point into the finest archive that reaches back to it, then renews the coarser ones.
    ///
    /// A point of an age equal to an archive's retention still goes to that archive, where it takes the place of the
    /// newest slot; so does the reference.
    ///
    /// # Errors
    /// [`Error::TimestampNotCovered`] for a point after `now`, or as old as the file's retention or older.
    pub fn update(&mut self, point: Point, now: Timestamp) -> Result<(), Error> {
        let age = now.as_i64() - point.time.as_i64();
        if age < 0 || age >= i64::from(self.header.max_retention) {
            return Err(Error::TimestampNotCovered {
                path: self.path.to_path_buf(),
                time: point.time,
                now,
                max_retention: self.header.max_retention,
            });
        }
        let reaches = |info: &crate::ArchiveInfo| info.retention_secs() as i64 >= age;
        let archive = self.header.archives.iter().position(reaches);
        let archive = archive.ok_or_else(|| self.corrupt(Damage::NoArchiveFor { age }))?;
        let mut higher = self.ring(archive)?;
        let interval = higher.floor(point.time.as_i64());
        let base = self.base(&higher)?;
        let slot = if base == 0 { 0 } else { higher.slot(base, interval) };
        self.write_at(&slot_of(interval as u32, point.value), higher.position(slot))?;
        if base == 0 || interval == 0 {
            self.remember_base(&higher, interval);
        }
        for archive in archive + 1..self.header.archives.len() {
            let lower = self.ring(archive)?;
            if self.propagate(&higher, &lower, &[lower.floor(interval)], &[])?.is_empty() {
                break;
            }
            higher = lower;
        }
        Ok(())
    }
}
