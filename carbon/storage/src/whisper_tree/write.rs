//! Writing: a look at the file, then one gathered update. What is known of a file is not read again.
//!
//! A known file without a kept descriptor costs `open`, `flock`, `statx`, one `pwrite` for each run of points in each
//! archive, and `close`; with one, `flock`, `statx`, the writes, and `flock`. See [`reach`](super::reach) for why, and
//! [`visit`](super::visit) for the order.
//! Nothing is allocated per point; per series the path and the bytes of its runs. Coarser archives take one `pwrite`
//! each, and now and then one `pread`: what they need of the points before is known, see [`Tip`](whisper::Tip). A batch
//! adds two `preadv2` and the `statx` of the tree. Where the page cache is too small each update takes a `statx` more, see
//! [`pages`](super::pages).
//!
//! Measured with `examples/updates.rs` on ext4, 5 000 files of one archive, ten points each, visited in order: 5.3 us of
//! CPU a file opened for the write, 4.5 kept open, 7.5 and 5.3 shuffled; a new file with two points 32 us sparse, 35
//! reserved.

use std::fs::File;
use std::io::{self, ErrorKind as Kind};
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::time::Instant;

use carbon_line::MetricName;
use rustix::io::Errno;
use tracing::{debug, info, warn};
use whisper::{Kept, Retention, Timestamp, Whisper};

use super::carry::{backup, carry_over};
use super::devices::DeviceId;
use super::known::{Knowledge, Known, Left};
use super::look::Look;
use super::pages::{Pages, WholePages};
use super::quarantine::is_settled;
use super::reach::{Reached, fault, metadata, reach};
use super::round::Round;
use super::visit::Visit;
use super::{WhisperTree, milliseconds};
use crate::{Answer, Metadata, Pending, Rearrange, Refusal, SeriesId, StorageError, Store, WriteReport};

impl Store for WhisperTree {
    fn write<'a>(&'a self, batch: &'a [Pending], now: Timestamp) -> Answer<'a, WriteReport> {
        Box::pin(async move {
            let mut report = WriteReport::default();
            // Taken out, and put back only after success: whatever goes wrong, a file is looked at anew.
            let known: Vec<_> = batch.iter().map(|pending| self.state.known.take(pending.series)).collect();
            let way = self.state.folder.way(self.root());
            let away = self.fetch_ahead(&way, batch, &known);
            let round = Round::new(way, now, away);
            let mut rest = batch.iter().zip(known).enumerate();
            let (mut visits, mut spared) = (Vec::new(), false);
            while self.next_visits(&round, &mut rest, &mut visits) {
                for visit in visits.drain(..) {
                    let index = visit.index;
                    match self.write_one(&round, visit) {
                        Ok(written) => {
                            report.created += usize::from(written.created);
                            report.out_of_range += written.out_of_range;
                        }
                        Err(error) => {
                            if is_out_of_descriptors(&error) {
                                round.close_finished();
                                // Once is half of all that are kept.
                                if !std::mem::replace(&mut spared, true) {
                                    self.spare_descriptors();
                                }
                            }
                            report.refusals.push(Refusal { index, retry: can_pass(&error), error });
                        }
                    }
                }
                round.close_finished();
            }
            report
        })
    }

    fn sync(&self) -> Answer<'_, Result<(), StorageError>> {
        Box::pin(async { self.state.devices.sync() })
    }

    fn lift_limits(&self) {
        self.limit_creates(0);
    }

    fn spare_descriptors(&self) {
        if let Some(kept) = self.state.known.spare(milliseconds()) {
            info!(kept, "Fewer archives are kept open: their descriptors are needed for others.");
        }
    }

    fn finest(&self, name: &MetricName) -> Retention {
        self.rules().schemas.matching(name).retentions.as_slice()[0]
    }

    fn metadata(&self) -> Option<&dyn Metadata> {
        Some(self)
    }

    fn rearrange(&self) -> Option<&dyn Rearrange> {
        Some(self)
    }
}

/// What became of the points of one series.
struct Written {
    created: bool,
    out_of_range: usize,
}

impl WhisperTree {
    fn write_one(&self, round: &Round<'_>, visit: Visit<'_>) -> Result<Written, StorageError> {
        let Visit { pending, path, known, opened, .. } = visit;
        let (known, kept, pages) = match known {
            Some(Knowledge { known, file, pages }) => {
                let identity = self.state.devices.number(known.device).map(|device| (device, known.inode));
                (Some(known), file.zip(identity), pages)
            }
            None => (None, None, None),
        };
        let pages = round.away.then(|| pages.unwrap_or_default());
        // What goes wrong here shows again below, unless the file was there before.
        if known.is_none()
            && self.state.creations.all_are_new()
            && let Ok(Some(created)) = self.begin(round, pending, &path)
        {
            return Ok(created);
        }
        let mut reached = reach(round, &path, kept, round.still(opened));
        if is_absent(&reached) {
            if let Some(created) = self.begin(round, pending, &path)? {
                return Ok(created);
            }
            reached = reach(round, &path, None, None);
        }
        let reached = reached?;
        if known.is_none() {
            self.state.creations.none_made();
        }
        let look = reached.look;
        match self.update(round, &path, reached, (known, pages), pending) {
            Err(StorageError::Whisper(damage @ whisper::Error::Corrupt { .. })) => {
                self.set_aside(&path, &look, damage, round.now)?;
                let created = self.begin(round, pending, &path)?;
                created.ok_or_else(|| fault("create", &path, Kind::AlreadyExists.into()))
            }
            updated => updated,
        }
    }

    /// Creates the file, with its points; nothing if somebody else did meanwhile.
    fn begin(&self, round: &Round<'_>, pending: &Pending, path: &Path) -> Result<Option<Written>, StorageError> {
        let created = self.create(&round.way, pending, path, round.now)?;
        let Some((file, look, out_of_range, tip)) = created else { return Ok(None) };
        let mut known = Known::new(file.keep(), self.device(path, &look)?, &look);
        known.tip = kept_tips(&known.kept, pending.series, self.tips).then(|| Box::new(tip));
        let file = file.into_layer();
        let keeps = !self.state.seen.stay()
            && self.state.known.keeps_new_pages(pending.series)
            && self.state.devices.tells_changes(known.device);
        let pages = keeps.then(|| {
            Pages::of_new(&file, look.size, &known.kept, &pending.points).left_at(look.changed, Instant::now(), &file)
        });
        // Nobody could lock it before it had its name, and neither have we.
        self.remember(round, pending, known, (file, false), pages);
        Ok(Some(Written { created: true, out_of_range }))
    }

    fn update(
        &self,
        round: &Round<'_>,
        path: &Path,
        reached: Reached,
        (known, pages): (Option<Known>, Option<Pages>),
        pending: &Pending,
    ) -> Result<Written, StorageError> {
        let Reached { file, look, looked, before, held, locked } = reached;
        let device = self.device(path, &look)?;
        let (file, mut known, pages) = match known {
            Some(known) if known.device == device && known.is_as_left(&look, held) => {
                (Whisper::resume(file, path, &known.kept), known, pages.map(|pages| pages.still_of(look.changed)))
            }
            known => {
                let (mut file, mut fresh) = self.get_to_know(path, file, device, &look)?;
                if let Some(known) = known.filter(|known| known.device != device || known.is_another(&look))
                    && let Some(old) = before.or_else(|| backup(path, &known))
                {
                    let points = carry_over(old, &known, &mut file, round.now)?;
                    // What was brought over may be missing in a copy that was made a moment before, too.
                    fresh.recent = known.recent;
                    debug!(metric = %pending.name, points, "An archive was replaced.");
                }
                (file, fresh, pages.map(|_| Pages::default()))
            }
        };
        let pages = pages.filter(|_| locked && self.state.devices.tells_changes(device));
        let mut file = file.with_layer(|file| WholePages::over(file, look.size, looked, pages));
        let out_of_range = if kept_tips(&known.kept, pending.series, self.tips) {
            file.update_following(&pending.points, round.now, known.tip.get_or_insert_default())?
        } else {
            file.update_current(&pending.points, round.now)?
        };
        known.kept = file.keep();
        let (file, pages) = file.into_layer().into_parts();
        // Only where it is needed: one more `statx`.
        let after = if locked && pages.is_none() { None } else { Some(metadata(&file, path)?) };
        if !locked && after.as_ref().is_some_and(|after| after.nlink() == 0) {
            return Err(fault("write to", path, io::Error::other("it is replaced again and again")));
        }
        let pages = pages.zip(after).map(|(pages, after)| pages.left_at(Look::of(&after).changed, looked, &file));
        self.remember(round, pending, known, (file, locked), pages);
        Ok(Written { created: false, out_of_range })
    }

    /// Reads the header of a file. One that is too short for it is made as long as it says: what was cut off counts as
    /// unknown from then on.
    fn get_to_know(
        &self,
        path: &Path,
        file: File,
        device: DeviceId,
        look: &Look,
    ) -> Result<(Whisper, Known), StorageError> {
        let file = Whisper::over(file, path)?;
        let mut kept = file.keep();
        let (file, whole) = (file.into_layer(), kept.header().file_size());
        if look.size < whole && kept.header().verify(whole).is_ok() {
            is_settled(path, look)?;
            file.set_len(whole).map_err(|source| fault("lengthen", path, source))?;
            warn!(path = %path.display(), size = look.size, whole, "An archive that had been cut short is whole again.");
        }
        self.state.layouts.share(&mut kept);
        let file = Whisper::resume(file, path, &kept);
        Ok((file, Known::new(kept, device, look)))
    }

    fn device(&self, path: &Path, look: &Look) -> Result<DeviceId, StorageError> {
        if let Some(met) = self.state.devices.find(look.device) {
            return Ok(met);
        }
        let folder = path.parent().unwrap_or(self.root());
        self.state.devices.of(look.device, folder).map_err(|source| fault("open", folder, source))
    }

    /// Keeps what is known after a write.
    fn remember(
        &self,
        round: &Round<'_>,
        pending: &Pending,
        known: Known,
        (file, locked): (File, bool),
        pages: Option<Pages>,
    ) {
        self.state.devices.written(known.device);
        let first = pending.points.first().map_or(u32::MAX, |point| point.time.secs());
        let left = Left { known, file, locked, pages, written: milliseconds(), first };
        round.finish(self.state.known.put(pending.series, left));
    }
}

/// Whether the newest slots of a series are kept in mind; series are numbered as they come, so this bounds how many are.
fn kept_tips(kept: &Kept, series: SeriesId, most: usize) -> bool {
    kept.header().archives.len() > 1 && series.index() < most
}

fn is_absent(reached: &Result<Reached, StorageError>) -> bool {
    matches!(reached, Err(StorageError::Io { source, .. }) if source.kind() == Kind::NotFound)
}

/// Whether the process, or the system, has no descriptor left.
fn is_out_of_descriptors(error: &StorageError) -> bool {
    let (StorageError::Io { source, .. } | StorageError::Whisper(whisper::Error::Io { source, .. })) = error else {
        return false;
    };
    matches!(Errno::from_io_error(source), Some(Errno::MFILE | Errno::NFILE))
}

/// Whether the same write may succeed later. A full disk gets room, a directory its permissions, a descriptor table its
/// places; a damaged file stays damaged, and a name too long for the file system stays too long.
fn can_pass(error: &StorageError) -> bool {
    let kind = match error {
        StorageError::Io { source, .. } => Some(source.kind()),
        StorageError::Whisper(error) => error.io_kind(),
        StorageError::CreateLimit { .. } | StorageError::NoRoom { .. } => return true,
        StorageError::Unreachable { .. } | StorageError::Declined { .. } | StorageError::WorkerLost => return true,
    };
    match kind {
        None | Some(Kind::InvalidFilename | Kind::NotADirectory | Kind::IsADirectory | Kind::InvalidInput) => false,
        Some(_) => true,
    }
}
