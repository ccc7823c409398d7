//! What the system says of a file: which one it is, and in which state.

use std::fs::{self, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::UNIX_EPOCH;

use rustix::fs::{Statx, StatxFlags, StatxTimestamp, makedev};

/// Number of the device, and of the file on it.
pub(super) type Identity = (u64, u64);

/// What tells one folder from another.
pub(super) fn identity(folder: &Path) -> io::Result<Identity> {
    fs::metadata(folder).map(|metadata| (metadata.dev(), metadata.ino()))
}

/// What tells one file, and one state of it, from another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Look {
    pub(super) device: u64,
    pub(super) inode: u64,
    /// Time of birth in nanoseconds since the epoch, 0 if unknown.
    pub(super) born: u64,
    pub(super) size: u64,
    /// Time of the last change of file or inode in nanoseconds since the epoch; nobody can set it.
    pub(super) changed: u64,
    /// Time of the last change of its content in milliseconds since the epoch, or what a tool has made of it.
    pub(super) modified: u64,
}

impl Look {
    pub(super) fn of(metadata: &Metadata) -> Look {
        let born = metadata.created().ok().and_then(|born| born.duration_since(UNIX_EPOCH).ok());
        Look {
            device: metadata.dev(),
            inode: metadata.ino(),
            born: born.map_or(0, |since| since.as_nanos() as u64),
            size: metadata.size(),
            changed: since_epoch(metadata.ctime(), metadata.ctime_nsec()),
            modified: since_epoch(metadata.mtime(), metadata.mtime_nsec()) / 1_000_000,
        }
    }

    /// As [`Look::of`].
    pub(super) fn of_statx(found: &Statx) -> Look {
        let nanoseconds = |time: &StatxTimestamp| since_epoch(time.tv_sec, time.tv_nsec.into());
        let is_born = StatxFlags::from_bits_retain(found.stx_mask).contains(StatxFlags::BTIME);
        Look {
            device: makedev(found.stx_dev_major, found.stx_dev_minor),
            inode: found.stx_ino,
            born: if is_born { nanoseconds(&found.stx_btime) } else { 0 },
            size: found.stx_size,
            changed: nanoseconds(&found.stx_ctime),
            modified: nanoseconds(&found.stx_mtime) / 1_000_000,
        }
    }
}

fn since_epoch(seconds: i64, nanoseconds: i64) -> u64 {
    u64::try_from(seconds.saturating_mul(1_000_000_000).saturating_add(nanoseconds)).unwrap_or(0)
}
