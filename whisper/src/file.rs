//! An open file: its header, read once, and the place of its slots.
//!
//! Nothing happens behind the caller's back: every method names its system calls, all reads and writes are positional,
//! and the clock is an argument. One process writes a file at a time; [`Whisper::open_locked`] keeps to the advisory
//! lock that carbon and the Python tools take when they are told to.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileTypeExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::sync::Arc;

use byteorder::{BigEndian, ByteOrder};

use crate::error::Damage;
use crate::header;
use crate::kept::{Base, Bases};
use crate::layer::{ReadAt, WriteAt};
use crate::ring::{RECORD, Ring};
use crate::{Error, Header};

/// Slots read at once: enough for weeks of minutes, little enough to be bounded whatever a header claims.
pub(crate) const CHUNK: i64 = 5_461; // 64 KiB

/// An open Whisper file, or another [`layer`](crate::layer) that holds the bytes of one.
///
/// The header is read when the file is opened and kept. So is the time in each archive's first slot once it is known:
/// where a time belongs never changes while an archive holds points, so a handle that lives needs no system call but
/// the reads and writes of slots.
///
/// ```
/// use whisper::{CreateOptions, Point, Timestamp, Whisper};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("load.wsp");
/// let mut file = Whisper::create(&path, &CreateOptions::new("60s:1h,5m:1d".parse()?))?;
/// let now = Timestamp::from_secs(1_700_000_040);
/// file.update(Point { time: now, value: 0.42 }, now)?;
///
/// let hour_ago = Timestamp::from_secs(now.secs() - 3600);
/// let fetched = file.fetch(hour_ago, now, now)?.expect("an hour ago is within the retention");
/// assert_eq!(fetched.values.last(), Some(&Some(0.42)));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct Whisper<L = File> {
    pub(crate) layer: L,
    pub(crate) path: Box<Path>,
    pub(crate) header: Arc<Header>,
    /// See [`Ring`] for why these may be remembered.
    pub(crate) bases: Bases,
}

impl Whisper<File> {
    /// Opens for reading and writing: `open`, `statx`, one `pread` of the header; `close` when the handle
    /// is dropped.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::NotAFile`] for directories and FIFOs (which are never waited for),
    /// [`Error::Corrupt`] when the header cannot be read.
    pub fn open(path: impl AsRef<Path>) -> Result<Whisper, Error> {
        Whisper::over(open(path.as_ref(), true)?, path)
    }

    /// Opens for reading only: `open` and one `pread` of the header; `statx` only when that says that this is no archive.
    ///
    /// # Errors
    /// As [`Whisper::open`].
    pub fn open_read_only(path: impl AsRef<Path>) -> Result<Whisper, Error> {
        let path = path.as_ref();
        let file = open_any(path, false)?;
        let head = header::read(&file, path);
        // What is no regular file has no header that can be read, so most files need no look at what they are.
        let head = head.or_else(|error| regular(&file, path).and(Err(error)))?;
        Ok(Whisper::with(file, path, head))
    }

    /// Opens for reading and writing and waits for the advisory lock (`flock`) before the header is read, as the
    /// reference does with `LOCK` set. The lock ends with the handle.
    ///
    /// # Errors
    /// As [`Whisper::open`]; a file system without locks is an [`Error::Io`].
    pub fn open_locked(path: impl AsRef<Path>) -> Result<Whisper, Error> {
        let path = path.as_ref();
        let file = open(path, true)?;
        file.lock().map_err(|source| Error::io("lock", path, source))?;
        Whisper::over(file, path)
    }

    /// Size of the file in bytes.
    ///
    /// # Errors
    /// What the system says.
    pub fn file_size(&self) -> Result<u64, Error> {
        Ok(self.layer.metadata().map_err(|source| Error::io("stat", &self.path, source))?.len())
    }

    /// Whether the file has lost its name, because a tool put another one under it or removed it: one `statx`. What is
    /// written to a nameless file is lost with the handle.
    ///
    /// # Errors
    /// What the system says.
    pub fn is_replaced(&self) -> Result<bool, Error> {
        Ok(self.layer.metadata().map_err(|source| Error::io("stat", &self.path, source))?.nlink() == 0)
    }

    /// Waits until the file is on disk: `fsync`.
    ///
    /// # Errors
    /// What the system says.
    pub fn sync(&self) -> Result<(), Error> {
        self.layer.sync_all().map_err(|source| Error::io("sync", &self.path, source))
    }
}

/// A regular file, opened without ever waiting for a peer.
pub(crate) fn open(path: &Path, write: bool) -> Result<File, Error> {
    let file = open_any(path, write)?;
    regular(&file, path)?;
    Ok(file)
}

fn open_any(path: &Path, write: bool) -> Result<File, Error> {
    // A FIFO without a peer would be waited for; with O_NONBLOCK it is opened, seen, and refused below.
    let flags = rustix::fs::OFlags::NONBLOCK.bits() as i32;
    let opened = OpenOptions::new().read(true).write(write).custom_flags(flags).open(path);
    match opened {
        Err(error) if error.kind() == std::io::ErrorKind::IsADirectory => {
            Err(Error::NotAFile { path: path.to_owned(), kind: "a directory" })
        }
        opened => opened.map_err(|source| Error::io("open", path, source)),
    }
}

fn regular(file: &File, path: &Path) -> Result<(), Error> {
    let kind = file.metadata().map_err(|source| Error::io("stat", path, source))?.file_type();
    let kind = match kind {
        kind if kind.is_file() => return Ok(()),
        kind if kind.is_dir() => "a directory",
        kind if kind.is_fifo() => "a FIFO",
        _ => "a device",
    };
    Err(Error::NotAFile { path: path.to_owned(), kind })
}

impl<L: ReadAt> Whisper<L> {
    /// Takes a layer that holds a file's bytes; `path` is only used in messages.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the header cannot be read.
    pub fn over(layer: L, path: impl AsRef<Path>) -> Result<Whisper<L>, Error> {
        let path = path.as_ref();
        let head = header::read(&layer, path)?;
        Ok(Whisper::with(layer, path, head))
    }

    fn with(layer: L, path: &Path, head: header::Head) -> Whisper<L> {
        let bases = Bases::new(&head.header, head.first_base);
        Whisper { layer, path: path.into(), header: Arc::new(head.header), bases }
    }

    /// What it reads from and writes to.
    pub fn layer(&self) -> &L {
        &self.layer
    }

    /// The same over what is made of its layer, which must hold the same bytes. No system call.
    pub fn with_layer<M>(self, make: impl FnOnce(L) -> M) -> Whisper<M> {
        let Whisper { layer, path, header, bases } = self;
        Whisper { layer: make(layer), path, header, bases }
    }

    /// Gives the layer back.
    pub fn into_layer(self) -> L {
        self.layer
    }

    /// What the header says. No system call.
    pub fn header(&self) -> &Header {
        &self.header
    }

    /// The path it was opened with.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Every slot of archive `archive` in the order of the file, empty ones as time 0; nothing for an archive that does
    /// not exist. Reads 64 KiB at a time.
    ///
    /// # Errors
    /// [`Error::Corrupt`] when the file ends within the archive; what came before has been visited.
    pub fn slots(&self, archive: usize, mut visit: impl FnMut(u32, f64)) -> Result<(), Error> {
        let Some(info) = self.header.archives.get(archive) else { return Ok(()) };
        let ring = Ring { archive, offset: info.offset.into(), step: info.step.into(), points: info.points.into() };
        let mut cut = false;
        self.read_ring(&ring, 0, ring.points, |slots, missing| {
            cut |= missing > 0;
            slots.iter().for_each(|slot| visit(time_of(slot), value_of(slot)));
            !cut
        })?;
        if cut { Err(self.corrupt(Damage::SlotsCutShort { archive, end: ring.end() })) } else { Ok(()) }
    }

    /// An archive that can be used.
    pub(crate) fn ring(&self, archive: usize) -> Result<Ring, Error> {
        let info = self.header.archives.get(archive).ok_or_else(|| self.corrupt(Damage::NoArchives))?;
        info.ring(archive).map_err(|damage| self.corrupt(damage))
    }

    pub(crate) fn corrupt(&self, damage: Damage) -> Error {
        Error::Corrupt { path: self.path.to_path_buf(), damage }
    }

    pub(crate) fn read_error(&self, source: std::io::Error) -> Error {
        Error::io("read", &self.path, source)
    }

    /// Time in the archive's first slot, 0 if the archive is empty. A read only while it is not known.
    pub(crate) fn base(&self, ring: &Ring) -> Result<i64, Error> {
        match self.bases.get(ring.archive) {
            Base::At(time) => return Ok(time.into()),
            Base::Empty => return Ok(0),
            Base::Unknown => {}
        }
        let mut slot = [0; RECORD];
        let got = self.layer.read_at(&mut slot, ring.offset).map_err(|source| self.read_error(source))?;
        if got < RECORD {
            return Err(self.corrupt(Damage::BasePoint { archive: ring.archive, offset: ring.offset }));
        }
        let base = BigEndian::read_u32(&slot);
        self.remember_base(ring, base.into());
        Ok(base.into())
    }

    /// Whether the archive is known to hold nothing, because this handle has made it.
    pub(crate) fn is_new(&self, ring: &Ring) -> bool {
        self.bases.get(ring.archive) == Base::Empty
    }

    /// 0 forgets it.
    pub(crate) fn remember_base(&self, ring: &Ring, base: i64) {
        self.bases.set(ring.archive, u32::try_from(base).map_or(Base::Unknown, Base::At));
    }

    /// Reads `count` slots from number `slot` on, around the ring, in at most 64 KiB at a time: one read per piece, one
    /// more where the ring wraps. `take` gets each piece, and how many of its slots the file is too short to have; it
    /// ends the reading by `false`. A slot cut in two by the end of the file is an error, told after what came before.
    ///
    /// Several rounds are possible; the same slots are then read again.
    pub(crate) fn read_ring(
        &self,
        ring: &Ring,
        slot: i64,
        count: i64,
        mut take: impl FnMut(&[[u8; RECORD]], i64) -> bool,
    ) -> Result<(), Error> {
        let (mut slot, mut left) = (slot, count);
        let mut buffer = vec![[0; RECORD]; count.clamp(0, ring.points.min(CHUNK)) as usize];
        while left > 0 {
            let wanted = left.min(ring.points - slot).min(CHUNK);
            let piece = &mut buffer[..wanted as usize];
            let got = self.layer.read_at(piece.as_flattened_mut(), ring.position(slot));
            let got = got.map_err(|source| self.read_error(source))?;
            let whole = (got / RECORD) as i64;
            // Where the file ends, so does the archive; there is no need to ask for each of the slots it claims.
            let covered = if whole < wanted { left.min(ring.points - slot) } else { wanted };
            let goes_on = take(&piece[..whole as usize], covered - whole);
            if got % RECORD != 0 {
                return Err(self.corrupt(Damage::SlotsCutShort { archive: ring.archive, end: ring.end() }));
            }
            if !goes_on {
                break;
            }
            left -= covered;
            slot = (slot + covered) % ring.points;
        }
        Ok(())
    }
}

impl<L: WriteAt> Whisper<L> {
    pub(crate) fn write_at(&self, bytes: &[u8], offset: u64) -> Result<(), Error> {
        self.layer.write_all_at(bytes, offset).map_err(|source| Error::io("write", &self.path, source))
    }
}

/// Time in a slot; 0 marks it empty.
#[inline]
pub(crate) fn time_of(slot: &[u8; RECORD]) -> u32 {
    BigEndian::read_u32(slot)
}

/// Value in a slot.
#[inline]
pub(crate) fn value_of(slot: &[u8; RECORD]) -> f64 {
    BigEndian::read_f64(&slot[4..])
}

/// A slot that holds `value` for the interval that begins at `time`.
#[inline]
pub(crate) fn slot_of(time: u32, value: f64) -> [u8; RECORD] {
    let mut slot = [0; RECORD];
    BigEndian::write_u32(&mut slot, time);
    BigEndian::write_f64(&mut slot[4..], value);
    slot
}
