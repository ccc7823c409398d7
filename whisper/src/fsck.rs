//! Is a file sound, and what can be saved of one that is not?
//!
//! Reading is lenient, checking is not: offsets must follow each other, the five rules must hold, the size must be exact,
//! and every filled slot must hold a time that belongs there. Nothing here deletes a byte: a damaged file is given back
//! as a new one beside it, and what happens to the old one is the caller's choice.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use crate::create::draft;
use crate::draft::Draft;
use crate::error::Damage;
use crate::file::{time_of, value_of};
use crate::layer::ReadAt;
use crate::ring::{RECORD, Ring};
use crate::run::RunWriter;
use crate::{Allocation, CreateOptions, Error, Header, Timestamp, Whisper};

/// What is wrong with a file.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Finding {
    /// The header, or the size of the file.
    Header(Damage),
    /// Slots that hold a time which no writer puts there.
    Slots {
        /// Which archive.
        archive: usize,
        /// Slots whose time is not on the grid of the archive's step.
        off_grid: u64,
        /// Slots whose time belongs into another slot.
        misplaced: u64,
        /// Slots whose time lies more than a whole retention in the future.
        future: u64,
    },
    /// The first slot is empty while others are not, so readers take the archive for empty.
    Unanchored {
        /// Which archive.
        archive: usize,
        /// Slots that are filled.
        filled: u64,
    },
}

impl std::fmt::Display for Finding {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Finding::Header(damage) => damage.fmt(f),
            Finding::Slots { archive, off_grid, misplaced, future } => write!(
                f,
                "archive {archive} has slots with impossible times: {off_grid} off the grid, {misplaced} in the wrong \
                 place, {future} far in the future"
            ),
            Finding::Unanchored { archive, filled } => {
                write!(f, "archive {archive} counts as empty because its first slot is, yet {filled} slots are filled")
            }
        }
    }
}

impl Whisper<File> {
    /// Everything wrong with the file at `path`; empty for a sound one. Reads the whole file, 64 KiB at a time.
    ///
    /// # Errors
    /// Only what the system says, or [`Error::NotFound`] and [`Error::NotAFile`]; damage is a finding.
    pub fn check(path: impl AsRef<Path>, now: Timestamp) -> Result<Vec<Finding>, Error> {
        let file = match Whisper::open_read_only(path) {
            Err(Error::Corrupt { damage, .. }) => return Ok(vec![Finding::Header(damage)]),
            opened => opened?,
        };
        if let Err(damage) = file.header.verify(file.file_size()?) {
            return Ok(vec![Finding::Header(damage)]);
        }
        let mut findings = Vec::new();
        for archive in 0..file.header.archives.len() {
            file.check_slots(archive, now, &mut findings)?;
        }
        Ok(findings)
    }

    fn check_slots(&self, archive: usize, now: Timestamp, findings: &mut Vec<Finding>) -> Result<(), Error> {
        let ring = self.ring(archive)?;
        let base = self.base(&ring)?;
        let (mut off_grid, mut misplaced, mut future, mut filled) = (0, 0, 0, 0);
        let mut place = 0;
        self.slots(archive, |time, _| {
            let time = i64::from(time);
            if time != 0 {
                filled += 1;
                off_grid += u64::from(time % ring.step != 0);
                misplaced += u64::from(base != 0 && ring.slot(base, time) != place);
                future += u64::from(time > now.as_i64() + ring.retention());
            }
            place += 1;
        })?;
        if off_grid + misplaced + future > 0 {
            findings.push(Finding::Slots { archive, off_grid, misplaced, future });
        }
        if base == 0 && filled > 0 {
            findings.push(Finding::Unanchored { archive, filled });
        }
        Ok(())
    }

    /// Builds a sound file from what can be believed of a damaged one: the method, the factor, steps and numbers of
    /// points, and every whole slot whose time belongs into its archive. It lies under a temporary name until
    /// [`Salvaged::put_in_place`]; `None` if the header cannot be believed, and then nothing can.
    ///
    /// # Errors
    /// What the system says.
    pub fn salvage(path: impl AsRef<Path>, now: Timestamp) -> Result<Option<Salvaged>, Error> {
        let path = path.as_ref();
        let old = match Whisper::open_read_only(path) {
            Err(Error::Corrupt { .. }) => return Ok(None),
            opened => opened?,
        };
        let Ok(retentions) = old.header.retentions() else { return Ok(None) };
        let options = CreateOptions {
            retentions,
            method: old.header.method,
            x_files_factor: old.header.x_files_factor,
            allocation: Allocation::Sparse,
        };
        let header = Header::of(&options);
        let draft = draft(path, &options)?;
        let file = draft.file.try_clone().map_err(|source| Error::io("open", path, source))?;
        let new = Whisper::over(file, path)?;
        let mut points = 0;
        for (archive, info) in header.archives.iter().enumerate() {
            let ring = info.ring(archive).map_err(|damage| old.corrupt(damage))?;
            let saved = old.believable_slots(&ring, now)?;
            points += saved.len();
            let mut writer = RunWriter::begin(&new, &ring)?;
            for (time, value) in saved {
                writer.push(time, value)?;
            }
            writer.finish()?;
        }
        old.keep_owner(&new)?;
        new.sync()?;
        Ok(Some(Salvaged { draft, points }))
    }

    /// Times and values of the slots that can be believed, of each place in the ring the newest, none older than a
    /// round.
    fn believable_slots(&self, ring: &Ring, now: Timestamp) -> Result<Vec<(i64, f64)>, Error> {
        let mut by_place: BTreeMap<i64, (i64, f64)> = BTreeMap::new();
        let mut buffer = vec![[0; RECORD]; crate::file::CHUNK as usize];
        let mut at = 0;
        while at < ring.points {
            let wanted = (ring.points - at).min(buffer.len() as i64) as usize;
            let got = self.layer.read_at(buffer[..wanted].as_flattened_mut(), ring.position(at));
            let whole = got.map_err(|source| self.read_error(source))? / RECORD;
            for slot in &buffer[..whole] {
                let time = i64::from(time_of(slot));
                if time == 0 || time % ring.step != 0 || time > now.as_i64() + ring.retention() {
                    continue;
                }
                let kept = by_place.entry((time / ring.step) % ring.points).or_insert((time, value_of(slot)));
                if kept.0 < time {
                    *kept = (time, value_of(slot));
                }
            }
            if whole < wanted {
                break;
            }
            at += wanted as i64;
        }
        let mut slots: Vec<(i64, f64)> = by_place.into_values().collect();
        slots.sort_by_key(|(time, _)| *time);
        let newest = slots.last().map_or(0, |(time, _)| *time);
        slots.retain(|(time, _)| *time > newest - ring.retention());
        Ok(slots)
    }
}

/// A sound file made from a damaged one, not yet in its place; dropped, it is gone.
pub struct Salvaged {
    draft: Draft<'static>,
    /// How many points were saved.
    pub points: usize,
}

impl Salvaged {
    /// Takes the place of the file at `path`, in one step.
    ///
    /// # Errors
    /// What the system says; the damaged file is then still there.
    pub fn put_in_place(self, path: impl AsRef<Path>) -> Result<Whisper, Error> {
        self.draft.publish(path.as_ref(), true)
    }
}
