//! Files that cannot be used are set aside, so that their series goes on; nothing is deleted.
//!
//! `servers/web01/load.wsp` becomes `quarantine/servers/web01/load.wsp.1700000000` (the time it was found), or, where it
//! cannot be moved there, as on another disk, `load.wsp.damaged.1700000000` in its own folder. `whisper fsck` may save
//! something from it.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering::Relaxed;

use rustix::fs::{CWD, RenameFlags};
use tracing::error;
use whisper::Timestamp;

use super::WhisperTree;
use super::look::Look;
use super::reach::fault;
use crate::StorageError;

/// Files set aside while this process runs. Something that damages more would fill the disk with copies.
const MOST: usize = 10_000;
/// Names tried for one file.
const NAMES: u32 = 8;
/// A file that changed less than this ago may be a copy that is still being made, so it is left alone.
const SETTLED: u64 = 5_000;

impl WhisperTree {
    /// Sets the damaged file at `path` aside.
    ///
    /// # Errors
    /// One that passes if the file has just changed; `damage` if too many were set aside already.
    pub(super) fn set_aside(
        &self,
        path: &Path,
        look: &Look,
        damage: whisper::Error,
        now: Timestamp,
    ) -> Result<(), StorageError> {
        is_settled(path, look)?;
        let Some(quarantine) = &self.quarantine else { return Err(damage.into()) };
        if self.state.set_aside.fetch_add(1, Relaxed) >= MOST {
            return Err(damage.into());
        }
        let inside = path.strip_prefix(self.root()).unwrap_or(path);
        let to = quarantine.join(inside);
        let moved = to.parent().map_or(Ok(()), fs::create_dir_all).and_then(|()| rename(path, &to, now));
        let moved = moved.or_else(|_| rename(path, &with_ending(path, "damaged"), now));
        let to = moved.map_err(|source| fault("set aside", path, source))?;
        error!(%damage, to = %to.display(), "A damaged archive was set aside, and a new one takes its place.");
        Ok(())
    }
}

/// # Errors
/// One that passes if the file changed a moment ago.
pub(super) fn is_settled(path: &Path, look: &Look) -> Result<(), StorageError> {
    let since = super::milliseconds().checked_sub(look.modified);
    // A change in the future tells nothing about when it was made.
    if since.is_some_and(|since| since < SETTLED) {
        let source = io::Error::other("it is incomplete and changed a moment ago; perhaps it is still being copied");
        return Err(fault("write to", path, source));
    }
    Ok(())
}

/// Never takes the place of a file set aside before.
fn rename(from: &Path, to: &Path, now: Timestamp) -> io::Result<PathBuf> {
    let mut last = io::ErrorKind::AlreadyExists.into();
    for at in 0..NAMES {
        let to = with_ending(to, now.secs().saturating_add(at));
        match rustix::fs::renameat_with(CWD, from, CWD, &to, RenameFlags::NOREPLACE) {
            Ok(()) => return Ok(to),
            Err(rustix::io::Errno::EXIST) => {}
            Err(error) => last = error.into(),
        }
    }
    Err(last)
}

fn with_ending(path: &Path, ending: impl std::fmt::Display) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(format!(".{ending}"));
    PathBuf::from(name)
}
