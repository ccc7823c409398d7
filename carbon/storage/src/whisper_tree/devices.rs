//! The file systems that were written to, so that one call each makes them safe.
//!
//! Links may spread a tree over disks, so the folder of the tree alone does not tell. Of each file system one folder is
//! kept open from before our first write: `syncfs` then tells of every write-back error since, also of those that the
//! kernel met on its own (Linux 5.8 and later). An open folder also keeps the number of its device from being given
//! to another.

use std::fs::File;
use std::io;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::sync::{OnceLock, PoisonError, RwLock};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};

use crate::StorageError;

/// Place of a file system among the [`Devices`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct DeviceId(u16);

/// Every file system met so far; a handful.
#[derive(Debug, Default)]
pub(super) struct Devices {
    met: RwLock<Vec<Device>>,
}

#[derive(Debug)]
struct Device {
    number: u64,
    /// Any folder on it.
    path: PathBuf,
    folder: File,
    /// Written since the last sync began.
    written: AtomicBool,
    tells_changes: OnceLock<bool>,
}

impl DeviceId {
    /// Each of them holds a descriptor, so there are never that many.
    fn at(place: usize) -> io::Result<DeviceId> {
        u16::try_from(place).map(DeviceId).map_err(|_| io::Error::other("there are too many file systems"))
    }
}

impl Devices {
    /// The file system with the number `st_dev`, if it was met.
    pub(super) fn find(&self, number: u64) -> Option<DeviceId> {
        let met = self.met.read().unwrap_or_else(PoisonError::into_inner);
        let place = met.iter().position(|device| device.number == number)?;
        DeviceId::at(place).ok()
    }

    /// The file system with the number `st_dev`; `folder`, which lies on it, is opened if it is met for the first time.
    /// To be asked before the first write.
    pub(super) fn of(&self, number: u64, folder: &Path) -> io::Result<DeviceId> {
        if let Some(found) = self.find(number) {
            return Ok(found);
        }
        let opened = File::open(folder)?;
        let mut met = self.met.write().unwrap_or_else(PoisonError::into_inner);
        let place = met.iter().position(|device| device.number == number).unwrap_or_else(|| {
            let (written, tells_changes) = (AtomicBool::new(false), OnceLock::new());
            met.push(Device { number, path: folder.to_owned(), folder: opened, written, tells_changes });
            met.len() - 1
        });
        DeviceId::at(place)
    }

    /// The number that the kernel knows it by.
    pub(super) fn number(&self, id: DeviceId) -> Option<u64> {
        self.met.read().unwrap_or_else(PoisonError::into_inner).get(id.0 as usize).map(|device| device.number)
    }

    /// Whether any two changes of a file there leave different times, if the time is looked at in between. Linux 6.13 and
    /// later see to that for ext4, XFS, Btrfs and tmpfs; otherwise what happens within ten milliseconds may get the same
    /// time, and other file systems may not know what others have changed. Tried with a file that has no name.
    pub(super) fn tells_changes(&self, id: DeviceId) -> bool {
        let met = self.met.read().unwrap_or_else(PoisonError::into_inner);
        let Some(device) = met.get(id.0 as usize) else { return false };
        if let Some(known) = device.tells_changes.get() {
            return *known;
        }
        // An error is asked again: a full disk may have room later.
        tells_changes(&device.folder).is_ok_and(|tells| *device.tells_changes.get_or_init(|| tells))
    }

    /// Something was written there. To be said after the write: said before it, a sync in between would wipe it out.
    pub(super) fn written(&self, id: DeviceId) {
        if let Some(device) = self.met.read().unwrap_or_else(PoisonError::into_inner).get(id.0 as usize) {
            device.written.store(true, Relaxed);
        }
    }

    /// One `syncfs` for each file system that was written since the last one that succeeded; all are tried.
    pub(super) fn sync(&self) -> Result<(), StorageError> {
        let mut outcome = Ok(());
        for device in self.met.read().unwrap_or_else(PoisonError::into_inner).iter() {
            if !device.written.swap(false, Relaxed) {
                continue;
            }
            if let Err(source) = rustix::fs::syncfs(&device.folder) {
                device.written.store(true, Relaxed);
                outcome = Err(StorageError::Io { action: "sync", path: device.path.clone(), source: source.into() });
            }
        }
        outcome
    }
}

/// What `fstatfs` calls the file systems that are known to.
const TELLING: [u32; 4] = [0xEF53, 0x5846_5342, 0x9123_683E, 0x0102_1994];

/// Writes to a nameless file in `folder` a few times, faster than the usual clock ticks.
fn tells_changes(folder: &File) -> io::Result<bool> {
    const WRITES: usize = 8;
    const TICK: Duration = Duration::from_millis(1);
    if !TELLING.contains(&(rustix::fs::fstatfs(folder)?.f_type as u32)) {
        return Ok(false);
    }
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    let file = File::from(rustix::fs::openat(folder, ".", flags, Mode::RUSR | Mode::WUSR)?);
    let (mut times, begun) = (Vec::with_capacity(WRITES), Instant::now());
    for _ in 0..WRITES {
        file.write_all_at(b"x", 0)?;
        let metadata = file.metadata()?;
        times.push((metadata.ctime(), metadata.ctime_nsec()));
    }
    if begun.elapsed() > TICK * (WRITES as u32 - 2) {
        return Err(io::ErrorKind::TimedOut.into());
    }
    Ok(times.windows(2).all(|pair| pair[0] < pair[1]))
}

/// Whether the kernel of this release tells of write-back errors through `syncfs`: Linux 5.8 and later do.
pub(super) fn tells_of_errors(release: &str) -> bool {
    let mut numbers = release.split(|c: char| !c.is_ascii_digit()).map(|part| part.parse::<u32>().unwrap_or(0));
    (numbers.next().unwrap_or(0), numbers.next().unwrap_or(0)) >= (5, 8)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kernels_before_5_8_are_told_apart() {
        for release in ["6.18.44", "5.8.0-1-amd64", "5.10", "7"] {
            assert!(tells_of_errors(release), "{release}");
        }
        for release in ["5.7.19", "4.19.0-27-amd64", "3.10.0", "5", ""] {
            assert!(!tells_of_errors(release), "{release}");
        }
    }

    #[test]
    fn a_file_system_is_met_once_and_synced_when_written() {
        let folder = tempfile::tempdir().unwrap();
        let devices = Devices::default();
        let id = devices.of(7, folder.path()).unwrap();
        assert_eq!(devices.of(7, Path::new("/nowhere")).unwrap(), id, "a known one is not opened again");
        assert!(devices.of(8, Path::new("/nowhere")).is_err());
        assert_eq!(devices.number(id), Some(7));
        devices.written(id);
        devices.sync().unwrap();
        assert!(!devices.met.read().unwrap()[0].written.load(Relaxed));
    }
}
