//! What an archive holds, looked at slot by slot: for people, so it may cost.

use std::io::ErrorKind;

use carbon_line::MetricName;
use whisper::{Retention, Seconds, Timestamp, Whisper};

use super::WhisperTree;
use crate::explain::{ArchiveOrigin, Explain, FileOrigin, Origin, Slot};
use crate::{Answer, StorageError, Window};

impl Explain for WhisperTree {
    fn origins<'a>(
        &'a self,
        names: &'a [MetricName],
        window: Window,
        at: Option<Timestamp>,
    ) -> Answer<'a, Result<Vec<Origin>, StorageError>> {
        let (tree, names) = (self.clone(), names.to_vec());
        Box::pin(async move {
            let look = move || {
                let origin =
                    |name: MetricName| Origin { file: tree.file_origin(&name, window, at), name, waiting: vec![] };
                names.into_iter().map(origin).collect()
            };
            tokio::task::spawn_blocking(look).await.map_err(|_| StorageError::WorkerLost)
        })
    }
}

impl WhisperTree {
    fn file_origin(
        &self,
        name: &MetricName,
        window: Window,
        at: Option<Timestamp>,
    ) -> Option<Result<FileOrigin, StorageError>> {
        let path = self.present_file_of(name);
        let file = match Whisper::open_read_only(&path) {
            Err(error) if error.io_kind() == Some(ErrorKind::NotFound) => return None,
            Err(error) => return Some(Err(error.into())),
            Ok(file) => file,
        };
        let place = path.strip_prefix(self.root()).unwrap_or(&path).display().to_string();
        Some(origin(&file, place, window, at).map_err(StorageError::from))
    }
}

fn origin(file: &Whisper, place: String, window: Window, at: Option<Timestamp>) -> Result<FileOrigin, whisper::Error> {
    let header = file.header().clone();
    let (from, until, now) = (window.from.as_i64(), window.until.as_i64(), window.now.as_i64());
    let answering = file.fetch_seconds(&Seconds { from, until: from, now, step: None })?.map(|span| span.step);
    let mut archives = Vec::with_capacity(header.archives.len());
    let retentions = header.retentions().map(|list| list.as_slice().to_vec()).unwrap_or_default();
    for (index, retention) in retentions.iter().enumerate() {
        let reach = retention.step.as_i64() * i64::from(retention.points.get());
        let (oldest, newest) = (from.max(now - reach), until.min(now));
        let mut archive = ArchiveOrigin {
            retention: *retention,
            answers: answering == Some(retention.step.as_i64()),
            slots: 0,
            known: 0,
            times: None,
            at: at.map(|at| if at.as_i64() <= now - reach || at > window.now { Slot::Beyond } else { Slot::Never }),
        };
        let slots = (newest.div_euclid(retention.step.as_i64()) - oldest.div_euclid(retention.step.as_i64())).max(0);
        archive.slots = usize::try_from(slots).unwrap_or(0);
        file.slots(index, |time, value| {
            if time != 0 && !value.is_nan() {
                visit(&mut archive, *retention, (oldest, newest), at, time, value);
            }
        })?;
        archives.push(archive);
    }
    Ok(FileOrigin { place, method: header.method, x_files_factor: header.x_files_factor, archives })
}

/// Takes a slot of an archive into account.
fn visit(
    archive: &mut ArchiveOrigin,
    retention: Retention,
    (oldest, newest): (i64, i64),
    at: Option<Timestamp>,
    time: u32,
    value: f64,
) {
    let (stamp, step) = (Timestamp::from_secs(time), retention.step.as_i64());
    let (first, last) = archive.times.unwrap_or((stamp, stamp));
    archive.times = Some((first.min(stamp), last.max(stamp)));
    // As it is read: the slot of the begin is left out.
    let slot = i64::from(time).div_euclid(step);
    archive.known += usize::from(slot > oldest.div_euclid(step) && slot <= newest.div_euclid(step));
    if let (Some(at), Some(Slot::Never | Slot::Other(_))) = (at, archive.at) {
        let wanted = at.as_i64().div_euclid(step);
        if slot == wanted {
            archive.at = Some(Slot::Value(value));
        } else if (slot - wanted) % i64::from(retention.points.get()) == 0 {
            archive.at = Some(Slot::Other(stamp));
        }
    }
}
