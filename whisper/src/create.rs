//! A new file: complete under its name, or not there at all.
//!
//! The file is written under a temporary name in the same folder and then renamed; a rename that would replace another
//! file is refused by the kernel, so two creators cannot harm each other. A crash leaves at most a file named
//! `.whisper-*.new`, which nothing reads and fsck reports. Files that are made with their points have no name at all until
//! they get theirs, where the file system knows that, so that nothing is left of them; a folder then changes once instead
//! of three times, which saves 4 of 48 us a file on ext4.

use std::fs::{self, File};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, FallocateFlags, Mode, OFlags};
use rustix::io::Errno;

use crate::draft::Draft;
use crate::fresh::{Fresh, Pieces};
use crate::kept::Bases;
use crate::layer::WriteAt;
use crate::place::{NewPlace, folder_of};
use crate::{AggregationMethod, Error, Header, Point, Retentions, Template, Timestamp, Tip, Whisper, XFilesFactor};

/// What a new file is like.
#[derive(Clone, Debug, PartialEq)]
pub struct CreateOptions {
    /// Its archives.
    pub retentions: Retentions,
    /// How coarser points are made.
    pub method: AggregationMethod,
    /// Which share of points must be known for that.
    pub x_files_factor: XFilesFactor,
    /// How its room is taken; the bytes are the same for each.
    pub allocation: Allocation,
}

/// How the room of a new file is taken on disk.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub enum Allocation {
    /// Only the header; blocks are taken as points arrive. Cheapest, but a full disk shows up in updates.
    #[default]
    Sparse,
    /// All of it, by writing zeros.
    Zeroed,
    /// All of it, by asking the file system for the room (`fallocate`); zeros are written where it cannot do that.
    Reserved,
}

impl CreateOptions {
    /// These archives, averaged where half of the points are known, sparse.
    pub fn new(retentions: Retentions) -> CreateOptions {
        CreateOptions {
            retentions,
            method: AggregationMethod::default(),
            x_files_factor: XFilesFactor::default(),
            allocation: Allocation::default(),
        }
    }
}

impl<L: WriteAt> Whisper<L> {
    /// Lays a file without points out in an empty `layer`; `path` is only used in messages. Files on disk are made by
    /// [`Whisper::create`].
    ///
    /// # Errors
    /// What writing says.
    pub fn create_over(layer: L, path: impl AsRef<Path>, options: &CreateOptions) -> Result<Whisper<L>, Error> {
        let path = path.as_ref();
        let header = Header::of(options);
        let written = layer.write_all_at(&header.to_bytes(), 0);
        let written = written.and_then(|()| write_zeros(&layer, header.len(), header.file_size()));
        written.map_err(|source| Error::io("create", path, source))?;
        Whisper::over(layer, path)
    }
}

impl Whisper<File> {
    /// Creates a file without points and opens it for reading and writing: `statx` of the name, `open`, one `pwrite` of the
    /// header, one call for the room (zeros written: one for each 64 KiB), `renameat2`, and one `pread` of the header.
    /// Nothing is synced; see [`Whisper::sync`] and [`sync_folder`].
    ///
    /// # Errors
    /// [`Error::Exists`] if the name is taken; what the system says otherwise, and then nothing is left behind.
    pub fn create(path: impl AsRef<Path>, options: &CreateOptions) -> Result<Whisper, Error> {
        let path = path.as_ref();
        // Seen early it costs nothing; the rename is what decides.
        if fs::symlink_metadata(path).is_ok() {
            return Err(Error::Exists { path: path.to_owned() });
        }
        draft(path, options)?.publish(path, false)
    }

    /// Creates a file that holds `points` already, and says how many of them no archive has a slot for (see
    /// [`Whisper::update_current`]), and what the next [`Whisper::update_following`] wants to know: `open`, the room,
    /// with [`Allocation::Reserved`] one `pwrite` of a byte for each coarser archive that gets no point, one of the header
    /// and the first points behind it, further ones where points lie elsewhere, and `linkat`. Nothing is read.
    ///
    /// # Errors
    /// As [`Whisper::create`].
    pub fn create_filled<'p, 'f>(
        place: impl Into<NewPlace<'p, 'f>>,
        template: &Template,
        points: &[Point],
        now: Timestamp,
    ) -> Result<(Whisper, usize, Tip), Error> {
        let place = place.into();
        let Template { header, bytes, allocation } = template;
        let size = header.file_size();
        let (bases, header) = (Bases::of_new(header), Arc::clone(header));
        let mut plan = Whisper { layer: Fresh::new(bytes, size), path: place.path.into(), header, bases };
        let mut tip = Tip::default();
        let out_of_range = plan.update_following(points, now, &mut tip)?;
        let Whisper { layer: fresh, path, header, bases } = plan;
        let pieces = fresh.into_pieces();
        let layer = make(&place, |file| {
            take_room(file, 0, size, *allocation)?;
            touch_archives(file, &header, &pieces, *allocation)?;
            pieces.iter().try_for_each(|(at, bytes)| file.write_all_at(bytes, at))
        })?;
        Ok((Whisper { layer, path, header, bases }, out_of_range, tip))
    }

    /// As [`Whisper::create`], but a file of that name is replaced, in one step.
    ///
    /// # Errors
    /// What the system says; the old file is then as it was.
    pub fn create_or_replace(path: impl AsRef<Path>, options: &CreateOptions) -> Result<Whisper, Error> {
        let path = path.as_ref();
        draft(path, options)?.publish(path, true)
    }

    /// Changes a file in one step: `change` works on a copy beside it, which is synced and then takes the name.
    /// Interrupted at any time, the file is as it was. A process that has the old file open keeps writing to that, so
    /// this is for files nobody else writes.
    ///
    /// # Errors
    /// That of `change`, or what the system says.
    pub fn change_whole(
        path: impl AsRef<Path>,
        change: impl FnOnce(&mut Whisper) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let path = path.as_ref();
        let old = Whisper::open_read_only(path)?;
        let draft = Draft::beside(path.into())?;
        fs::copy(path, draft.path()).map_err(|source| Error::io("copy", path, source))?;
        let file = draft.file.try_clone().map_err(|source| Error::io("open", path, source))?;
        let mut copy = Whisper::over(file, path)?;
        change(&mut copy)?;
        old.keep_owner(&copy)?;
        copy.sync()?;
        draft.publish(path, true)?;
        sync_folder(path)
    }

    /// Gives `other` the permissions of this file and, where the system lets us, its owner.
    pub(crate) fn keep_owner(&self, other: &Whisper) -> Result<(), Error> {
        let kept = self.layer.metadata().and_then(|metadata| {
            let owner = (Some(metadata.uid()), Some(metadata.gid()));
            // Only root may give files away; everybody else is the owner already or has to live with it.
            let _ = std::os::unix::fs::fchown(&other.layer, owner.0, owner.1);
            other.layer.set_permissions(metadata.permissions())
        });
        kept.map_err(|source| Error::io("set the permissions of", &other.path, source))
    }
}

/// Waits until the folder's list of names is on disk, so that a created or renamed file survives a power cut.
///
/// # Errors
/// What the system says.
pub fn sync_folder(path: &Path) -> Result<(), Error> {
    let folder = folder_of(path);
    File::open(folder).and_then(|file| file.sync_all()).map_err(|source| Error::io("sync the folder", folder, source))
}

/// A new file that holds what `fill` writes.
fn make(place: &NewPlace<'_, '_>, fill: impl Fn(&File) -> io::Result<()>) -> Result<File, Error> {
    /// Whether files can be named when they are complete, as far as is known.
    static NAMED_LATE: AtomicBool = AtomicBool::new(true);
    let path = place.path;
    let fill = |file: &File| fill(file).map_err(|source| Error::io("create", path, source));
    let mut refused = false;
    if NAMED_LATE.load(Ordering::Relaxed)
        && let Some(file) = nameless(place)?
    {
        fill(&file)?;
        match link(&file, place) {
            Ok(()) => return Ok(file),
            Err(error @ (Errno::EXIST | Errno::NOSPC | Errno::DQUOT)) => {
                return Err(Error::io("create", path, error.into()));
            }
            // What forbids a link may allow to rename.
            Err(_) => refused = true,
        }
    }
    let draft = Draft::beside(*place)?;
    fill(&draft.file)?;
    let file = draft.named(place, false)?;
    NAMED_LATE.fetch_and(!refused, Ordering::Relaxed);
    Ok(file)
}

/// An empty file without a name, where the file system knows that.
fn nameless(place: &NewPlace<'_, '_>) -> Result<Option<File>, Error> {
    let flags = OFlags::TMPFILE | OFlags::RDWR | OFlags::CLOEXEC;
    match rustix::fs::openat(place.folder, folder_of(place.below), flags, Mode::from_raw_mode(0o666)) {
        Ok(file) => Ok(Some(file.into())),
        Err(Errno::NOENT) => Err(Error::NotFound { path: folder_of(place.path).to_owned() }),
        // It has none, or what is wrong shows in the next attempt.
        Err(_) => Ok(None),
    }
}

/// Gives a file without a name its name, unless that is taken.
fn link(file: &File, place: &NewPlace<'_, '_>) -> Result<(), Errno> {
    match rustix::fs::linkat(file, "", place.folder, place.below, AtFlags::EMPTY_PATH) {
        // Before Linux 6.10 only root may do it this way.
        Err(Errno::NOENT | Errno::PERM) => link_as_anybody(file, place),
        done => done,
    }
}

fn link_as_anybody(file: &File, place: &NewPlace<'_, '_>) -> Result<(), Errno> {
    let open = format!("/proc/self/fd/{}", file.as_raw_fd());
    rustix::fs::linkat(CWD, &open, place.folder, place.below, AtFlags::SYMLINK_FOLLOW)
}

/// A new file under a temporary name.
pub(crate) fn draft(path: &Path, options: &CreateOptions) -> Result<Draft<'static>, Error> {
    let draft = Draft::beside(path.into())?;
    let filled = lay_out(&draft.file, &Header::of(options), options.allocation);
    filled.map_err(|source| Error::io("create", path, source))?;
    Ok(draft)
}

/// Header and room of a new file.
fn lay_out(file: &File, header: &Header, allocation: Allocation) -> io::Result<()> {
    file.write_all_at(&header.to_bytes(), 0)?;
    take_room(file, header.len(), header.file_size(), allocation)
}

/// Makes the file `end` bytes long, with zeros from `begin` on.
fn take_room(file: &File, begin: u64, end: u64, allocation: Allocation) -> io::Result<()> {
    match allocation {
        Allocation::Sparse => file.set_len(end),
        Allocation::Zeroed => write_zeros(file, begin, end),
        Allocation::Reserved => match rustix::fs::fallocate(file, FallocateFlags::empty(), begin, end - begin) {
            Err(Errno::OPNOTSUPP | Errno::NOSYS) => write_zeros(file, begin, end),
            done => Ok(done?),
        },
    }
}

/// Writes to the page where each coarser archive of a reserved file begins. Room that was reserved and not written is
/// marked so, and its first write parts the mark: with three archives the file's map then no longer fits into its inode.
/// Done while the file is made, this goes to the disk once instead of each time an archive gets its first slot, which for
/// 20 000 young files of three archives was 50 of 420 bytes a point. `pieces` are written anyway.
fn touch_archives(file: &File, header: &Header, pieces: &Pieces, allocation: Allocation) -> io::Result<()> {
    let coarser = header.archives.iter().skip(1).filter(|_| allocation == Allocation::Reserved);
    let mut begins = coarser.map(|archive| u64::from(archive.offset));
    let is_written = |begin| pieces.iter().any(|(at, _)| at == begin);
    begins.try_for_each(|begin| if is_written(begin) { Ok(()) } else { file.write_all_at(&[0], begin) })
}

fn write_zeros(layer: &impl WriteAt, begin: u64, end: u64) -> io::Result<()> {
    let zeros = [0; 64 * 1024];
    let mut at = begin;
    while at < end {
        let count = (end - at).min(zeros.len() as u64);
        layer.write_all_at(&zeros[..count as usize], at)?;
        at += count;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::fd::AsFd;

    use super::*;

    fn options() -> CreateOptions {
        CreateOptions::new("1s:1m,1m:1h".parse().unwrap())
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let mut names: Vec<String> =
            fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn a_name_that_is_taken_stays_what_it_was_and_nothing_lies_beside() {
        let folder = tempfile::tempdir().unwrap();
        let (path, now) = (folder.path().join("a.wsp"), Timestamp::from_secs(1_700_000_000));
        let points = [Point { time: now, value: 4.5 }];
        let create = |path: &Path| Whisper::create_filled(path, &Template::new(&options()), &points, now).map(|_| ());
        create(&path).unwrap();
        let first = fs::read(&path).unwrap();
        assert_eq!(create(&path).unwrap_err().io_kind(), Some(io::ErrorKind::AlreadyExists));
        std::os::unix::fs::symlink("nowhere", folder.path().join("b.wsp")).unwrap();
        assert_eq!(create(&folder.path().join("b.wsp")).unwrap_err().io_kind(), Some(io::ErrorKind::AlreadyExists));
        assert_eq!(create(&folder.path().join("c/d.wsp")).unwrap_err().io_kind(), Some(io::ErrorKind::NotFound));
        assert_eq!((fs::read(&path).unwrap() == first, names(&folder)), (true, vec!["a.wsp".into(), "b.wsp".into()]));
    }

    #[test]
    fn what_cannot_be_filled_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let full = |_: &File| Err(io::ErrorKind::StorageFull.into());
        let made = make(&NewPlace::from(&folder.path().join("a.wsp")), full);
        assert_eq!((made.unwrap_err().io_kind(), names(&folder)), (Some(io::ErrorKind::StorageFull), vec![]));
    }

    #[test]
    fn a_file_without_a_name_gets_one_from_root_and_from_anybody() {
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let (a, b, open) = (path("a"), path("b"), File::open(&folder).unwrap());
        // Not every file system knows files without names.
        if let Some(file) = nameless(&(&a).into()).unwrap() {
            assert_eq!(names(&folder), [""; 0]);
            link(&file, &(&a).into()).unwrap();
            let b = NewPlace::below(open.as_fd(), Path::new("b"), &b);
            link_as_anybody(&file, &b).unwrap();
            assert_eq!((link(&file, &b), link_as_anybody(&file, &b)), (Err(Errno::EXIST), Err(Errno::EXIST)));
            assert_eq!(fs::symlink_metadata(path("b")).unwrap().nlink(), 2);
        }
    }

    #[test]
    fn a_file_made_with_its_points_is_one_that_was_updated_with_them() {
        let folder = tempfile::tempdir().unwrap();
        let now = Timestamp::from_secs(1_700_000_000);
        let at = |seconds: i64, value: f64| Point { time: Timestamp::saturating_from(1_700_000_000 + seconds), value };
        let minutes: Vec<Point> = (0..90).map(|minute| at(-90 * 60 + minute * 60, minute as f64 * 1.37)).collect();
        let lists = [
            vec![],
            vec![at(0, 2.0)],
            minutes,
            vec![at(-5000, 3.0), at(-10, 4.0)],
            vec![at(-86_400 * 400, 5.0)],
            vec![at(90_000, 6.0)],
        ];
        let layouts = ["60s:1h", "60s:2h,5m:1d,1h:30d", "1s:1m,10s:5m,1m:1h,10m:1d,1h:30d"];
        for (layout, retentions) in layouts.iter().enumerate() {
            for allocation in [Allocation::Sparse, Allocation::Zeroed, Allocation::Reserved] {
                let options = CreateOptions { allocation, ..CreateOptions::new(retentions.parse().unwrap()) };
                let template = Template::new(&options);
                for (list, points) in lists.iter().enumerate() {
                    let path = |way: &str| folder.path().join(format!("{way}{layout}{allocation:?}{list}"));
                    let mut plain = Whisper::create(path("plain"), &options).unwrap();
                    let plain_out = plain.update_current(points, now).unwrap();
                    let (filled, out, _) = Whisper::create_filled(&path("filled"), &template, points, now).unwrap();
                    assert_eq!((out, filled.header()), (plain_out, plain.header()));
                    assert!(
                        fs::read(path("filled")).unwrap() == fs::read(path("plain")).unwrap(),
                        "{retentions} {points:?}"
                    );
                }
            }
        }
    }
}
