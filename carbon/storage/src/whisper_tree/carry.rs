//! What we wrote into a file while a tool made another one of it.
//!
//! `whisper-resize.py`, rsync and their like take no lock: they copy, then put the copy under the name. What is written in
//! between goes into the old file. When the new one is noticed, at the next write, and the old one is still at hand (its
//! descriptor was kept, or it lies beside as `.bak`), the points that the new one lacks are brought over: those of the
//! last gathered write, and of all writes of the last two minutes.
//!
//! Not brought over is what an old file held that is not at hand: replaced by a rename while its descriptor was not
//! kept. `whisper migrate` takes turns with us and needs none of this.

use std::fs::{File, OpenOptions};
use std::path::Path;

use whisper::{Point, Timestamp, Whisper};

use super::known::Known;
use super::look::Look;
use crate::StorageError;

/// The file that `known` speaks of, if it lies beside `path` under the name that resizing gives it.
pub(super) fn backup(path: &Path, known: &Known) -> Option<File> {
    let mut name = path.as_os_str().to_owned();
    name.push(".bak");
    let file = OpenOptions::new().read(true).open(name).ok()?;
    let look = Look::of(&file.metadata().ok()?);
    (look.inode == known.inode && look.born == known.born).then_some(file)
}

/// Brings over what `new` lacks, and says how many points that was.
pub(super) fn carry_over(old: File, known: &Known, new: &mut Whisper, now: Timestamp) -> Result<usize, StorageError> {
    let old = Whisper::resume(old, new.path(), &known.kept);
    let from = Timestamp::from_secs(known.recent.saturating_sub(1));
    if from >= now {
        return Ok(0);
    }
    let (Some(had), Some(has)) = (old.fetch(from, now, now)?, new.fetch(from, now, now)?) else { return Ok(0) };
    let known_at = |time: u32| {
        let slot = time.checked_sub(has.from.secs()).map(|since| since / has.step.secs());
        slot.and_then(|slot| has.values.get(slot as usize)).is_some_and(Option::is_some)
    };
    let times = (0..).map(|slot: u32| had.from.secs().saturating_add(slot.saturating_mul(had.step.secs())));
    let missing = times.zip(&had.values).filter(|(time, _)| !known_at(*time));
    let missing =
        missing.filter_map(|(time, value)| Some(Point { time: Timestamp::from_secs(time), value: (*value)? }));
    let missing: Vec<Point> = missing.collect();
    new.update_current(&missing, now)?;
    Ok(missing.len())
}
