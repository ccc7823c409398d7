//! Points that lie in memory already, read where they are asked for: no disk is waited for, so nobody else is held up.
//!
//! Linux can be told so: `openat2` with `RESOLVE_CACHED` opens what it finds without asking the file system, and
//! `preadv2` with `RWF_NOWAIT` reads from the page cache alone. Where either would have to wait, or cannot be asked so,
//! there is no answer, and the usual way finds out why.

use std::io;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use whisper::Whisper;

use super::WhisperTree;
use super::fetch::LastLayout;
use crate::{FetchQuery, Series};

/// Whether this system can be asked. If it cannot, that is found out once.
#[derive(Debug)]
pub(super) struct Askable(AtomicBool);

impl Default for Askable {
    fn default() -> Askable {
        Askable(AtomicBool::new(cfg!(target_os = "linux")))
    }
}

impl Askable {
    /// Gives up for good where the system does not know the question.
    fn learn(&self, kind: io::ErrorKind) {
        if kind == io::ErrorKind::Unsupported {
            self.0.store(false, Relaxed);
        }
    }
}

impl WhisperTree {
    /// All series of `query`, together `most` values at most.
    pub(super) fn read_at_once(&self, query: &FetchQuery, most: usize) -> Option<Vec<Series>> {
        let askable = &self.state.askable;
        if !askable.0.load(Relaxed) {
            return None;
        }
        let (mut all, mut room, mut layouts) = (Vec::with_capacity(query.names.len()), most, LastLayout::default());
        let (from, until, now) = (query.window.from, query.window.until, query.window.now);
        for name in &query.names {
            let path = self.file_of(name);
            let file = cached::open(&path).map_err(|error| askable.learn(error.kind())).ok()?;
            let file =
                Whisper::over(file, &path).map_err(|error| error.io_kind().map(|kind| askable.learn(kind))).ok()?;
            let length = file.length(from, until, now).ok()?;
            room = room.checked_sub(usize::try_from(length).ok()?)?;
            let mut values = Vec::new();
            let span = file.fetch_into(from, until, now, &mut values).ok()?;
            let layout = layouts.of(file.header());
            all.extend(span.map(|span| Series {
                name: name.clone(),
                start: span.from,
                step: span.step,
                values,
                layout,
            }));
        }
        Some(all)
    }
}

#[cfg(target_os = "linux")]
mod cached {
    use std::io::{self, IoSliceMut};
    use std::os::fd::OwnedFd;
    use std::path::Path;

    use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
    use rustix::io::{Errno, ReadWriteFlags, preadv2};
    use whisper::layer::ReadAt;

    /// A file of which only what lies in memory is read.
    pub(super) struct Cached(OwnedFd);

    pub(super) fn open(path: &Path) -> io::Result<Cached> {
        // Not waited for even if it is a FIFO, which then has no header to read.
        let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
        match openat2(CWD, path, flags, Mode::empty(), ResolveFlags::CACHED) {
            Ok(file) => Ok(Cached(file)),
            // Sandboxes say so of what they do not know; of a file without permission it is ACCES.
            Err(Errno::PERM) => Err(io::ErrorKind::Unsupported.into()),
            Err(error) => Err(error.into()),
        }
    }

    impl ReadAt for Cached {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
            let mut filled = 0;
            while filled < buf.len() {
                let rest = &mut [IoSliceMut::new(&mut buf[filled..])];
                match preadv2(&self.0, rest, offset + filled as u64, ReadWriteFlags::NOWAIT) {
                    Ok(0) => break,
                    Ok(read) => filled += read,
                    Err(Errno::INTR) => {}
                    Err(error) => return Err(error.into()),
                }
            }
            Ok(filled)
        }
    }
}

#[cfg(not(target_os = "linux"))]
mod cached {
    use std::io;
    use std::path::Path;

    pub(super) fn open(_: &Path) -> io::Result<std::fs::File> {
        Err(io::ErrorKind::Unsupported.into())
    }
}

#[cfg(test)]
mod tests {
    use carbon_line::MetricName;
    use whisper::{Allocation, Point, Timestamp};

    use super::*;
    use crate::{Fetch, Pending, Schemas, SeriesId, StorageRules, Store, Window};

    const NOW: Timestamp = Timestamp::from_secs(1_700_000_123);

    #[tokio::test]
    async fn what_is_in_memory_is_read_as_what_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let schemas = Schemas::parse("[all]\npattern = .*\nretentions = 1s:10m\n").unwrap();
        let rules = StorageRules { schemas, ..StorageRules::default() };
        let tree = WhisperTree::open(folder.path(), rules, Allocation::Sparse).unwrap();
        let names: Vec<MetricName> = ["a.b", "a.c"].map(|name| MetricName::parse(name).unwrap()).to_vec();
        let points = vec![Point { time: NOW, value: 1.5 }];
        let pending =
            |name: &MetricName| Pending { series: SeriesId::new(0), name: name.clone(), points: points.clone() };
        tree.write(&[pending(&names[0])], NOW).await;
        let window = Window { from: Timestamp::from_secs(NOW.secs() - 300), until: NOW, now: NOW };
        let query = |names: &[MetricName]| FetchQuery { names: names.to_vec(), window, max_points: None };
        let there = query(&names[..1]);
        let usual = tree.fetch(&there).await.unwrap().value;
        assert_eq!(usual[0].values.len(), 300);
        // Nothing is promised of the machine that runs this; but what is said has to be right.
        if let Some(found) = tree.fetch_at_once(&there, 300) {
            assert_eq!((found.len(), found[0].start, found[0].step), (1, usual[0].start, usual[0].step));
            assert_eq!((found[0].values.last(), found[0].layout.is_some()), (Some(&1.5), true));
        }
        assert!(tree.fetch_at_once(&there, 299).is_none(), "it is too much");
        assert!(tree.fetch_at_once(&query(&names), 4_096).is_none(), "one has no file");
        std::fs::write(tree.file_of(&names[1]), b"damaged").unwrap();
        assert!(tree.fetch_at_once(&query(&names), 4_096).is_none(), "one is damaged");
    }

    #[test]
    fn a_system_that_cannot_be_asked_is_not_asked_again() {
        let askable = Askable::default();
        let says = |errno: rustix::io::Errno| askable.learn(io::Error::from(errno).kind());
        says(rustix::io::Errno::AGAIN);
        says(rustix::io::Errno::NOENT);
        assert_eq!(askable.0.load(Relaxed), cfg!(target_os = "linux"));
        for errno in [rustix::io::Errno::NOSYS, rustix::io::Errno::OPNOTSUPP] {
            askable.0.store(true, Relaxed);
            says(errno);
            assert!(!askable.0.load(Relaxed));
        }
    }
}
