//! An existing file given the layout that the rules want now.

use std::fs::File;
use std::path::Path;

use crate::create::draft;
use crate::resize::Slots;
use crate::{CreateOptions, Error, Point, Timestamp, Whisper};

/// What it takes to make a file what it should be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Migration {
    /// Nothing; it is.
    Nothing,
    /// Another aggregation method or xFilesFactor: 16 bytes.
    Settings,
    /// Other archives: a new file.
    Archives,
}

impl Whisper<File> {
    /// What it would take to make this file as `wanted`. No system call.
    pub fn migration(&self, wanted: &CreateOptions) -> Migration {
        if self.header.retentions().as_ref() != Ok(&wanted.retentions) {
            Migration::Archives
        } else if (self.header.method, self.header.x_files_factor) != (wanted.method, wanted.x_files_factor) {
            Migration::Settings
        } else {
            Migration::Nothing
        }
    }

    /// Makes the file at `path` as `wanted`, and says what it took. Interrupted at any time, the file is either as it was
    /// or as it should be; doing it again finishes the work.
    ///
    /// Other programs may write meanwhile. Those that open the file for each write lose nothing: what they wrote into the
    /// old file while the new one was made is brought over after the new one has taken the name. Those that keep files
    /// open must ask [`Whisper::is_replaced`] before they write.
    ///
    /// # Errors
    /// What reading and writing say; the file is then as it was.
    pub fn migrate(path: impl AsRef<Path>, wanted: &CreateOptions, now: Timestamp) -> Result<Migration, Error> {
        let path = path.as_ref();
        let mut old = Whisper::open_locked(path)?;
        let needed = old.migration(wanted);
        match needed {
            Migration::Nothing => {}
            Migration::Settings => {
                old.set_aggregation_method(wanted.method)?;
                old.set_x_files_factor(wanted.x_files_factor)?;
                old.sync()?;
            }
            Migration::Archives => old.replace_by(path, wanted, now)?,
        }
        Ok(needed)
    }

    fn replace_by(&self, path: &Path, wanted: &CreateOptions, now: Timestamp) -> Result<(), Error> {
        let draft = draft(path, wanted)?;
        let file = draft.file.try_clone().map_err(|source| Error::io("open", path, source))?;
        let mut new = Whisper::over(file, path)?;
        let before = self.series_by_step(now)?;
        new.take_series(&before, now)?;
        self.keep_owner(&new)?;
        new.sync()?;
        let mut new = draft.publish(path, true)?;
        crate::sync_folder(path)?;
        for (before, after) in before.iter().zip(self.series_by_step(now)?).rev() {
            let late = changed(before, &after);
            new.update_many(&late, now)?;
        }
        Ok(())
    }
}

/// The points of `after` that `before` did not have, down to the bits.
fn changed(before: &Slots, after: &Slots) -> Vec<Point> {
    let old = before.iter().map(|(_, value)| value.map(f64::to_bits));
    let late = old.zip(after).filter_map(|(old, (time, value))| {
        let value = (*value).filter(|value| old != Some(value.to_bits()))?;
        Some(Point { time: Timestamp::saturating_from(*time), value })
    });
    late.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_secs(1_750_000_000);

    fn options(list: &str) -> CreateOptions {
        CreateOptions::new(list.parse().unwrap())
    }

    #[test]
    fn migration_keeps_the_points_and_is_done_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.wsp");
        let mut file = Whisper::create(&path, &options("10:60,60:60")).unwrap();
        let point = |age: u32| Point { time: Timestamp::from_secs(NOW.secs() - age), value: f64::from(age) };
        file.update_many(&(0..60).map(|at| point(at * 10)).collect::<Vec<_>>(), NOW).unwrap();
        let ago = Timestamp::from_secs(NOW.secs() - 590);
        let fetched = file.fetch(ago, NOW, NOW).unwrap();
        let wanted = options("10:360,60:1440");
        assert_eq!(Whisper::migrate(&path, &wanted, NOW).unwrap(), Migration::Archives);
        assert!(file.is_replaced().unwrap(), "who keeps the old file open can see it");
        let new = Whisper::open(&path).unwrap();
        assert_eq!(new.fetch(ago, NOW, NOW).unwrap(), fetched);
        assert_eq!(Whisper::migrate(&path, &wanted, NOW).unwrap(), Migration::Nothing);
        let summed = CreateOptions { method: crate::AggregationMethod::Sum, ..wanted };
        assert_eq!(Whisper::migrate(&path, &summed, NOW).unwrap(), Migration::Settings);
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[test]
    fn only_what_changed_is_brought_over() {
        let before = vec![(10, None), (20, Some(1.0)), (30, Some(2.0)), (40, Some(3.0))];
        let after = vec![(10, Some(5.0)), (20, Some(1.0)), (30, None), (40, Some(4.0))];
        let late: Vec<_> = changed(&before, &after).iter().map(|point| (point.time.secs(), point.value)).collect();
        assert_eq!(late, [(10, 5.0), (40, 4.0)]);
    }
}
