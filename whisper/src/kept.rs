//! What can be known of a file while no handle is open: enough to write to it again without reading.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::layer::ReadAt;
use crate::ring::RECORD;
use crate::{Header, Point, Whisper};

/// Archives whose first slot's time is remembered; of further ones, which no usual file has, it is read each time.
const REMEMBERED: usize = 4;

/// In the place of a time: the archive is empty, which only who has made the file can know without looking.
const EMPTY: u32 = u32::MAX;

/// The header of a file and the times in the first slots of its archives, as a handle knew them.
///
/// Both hold as long as nobody else changes the file: times keep their places while an archive holds points. Whoever
/// keeps this over the life of a handle compares device, inode, size and time of change before it is used again. 24
/// bytes; series of one layout share the header.
///
/// ```
/// use whisper::{CreateOptions, Point, Timestamp, Whisper};
///
/// # let dir = tempfile::tempdir()?;
/// # let path = dir.path().join("load.wsp");
/// let now = Timestamp::from_secs(1_700_000_040);
/// let mut file = Whisper::create(&path, &CreateOptions::new("60s:1h,5m:1d".parse()?))?;
/// file.update(Point { time: now, value: 0.42 }, now)?;
/// let kept = file.keep();
///
/// let mut again = Whisper::resume(file.into_layer(), path.as_path(), &kept); // no system call
/// again.update(Point { time: now, value: 0.43 }, now)?; // and none but those of writing
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug)]
pub struct Kept {
    header: Arc<Header>,
    bases: [u32; REMEMBERED],
}

impl Kept {
    /// What the header says.
    pub fn header(&self) -> &Arc<Header> {
        &self.header
    }

    /// Lets go of its own copy of the header if `header` says the same, so that many series share one.
    pub fn share(&mut self, header: &Arc<Header>) -> bool {
        let same = *self.header == **header;
        if same {
            self.header = Arc::clone(header);
        }
        same
    }

    /// Where an update will begin and end to write in each archive by `points` that follow one another, oldest first, for
    /// whoever wants those pages in memory by then: the kernel needs the rest of a page that is written in part. Archives
    /// whose first slot is not known are left out, empty ones begin with the first point; gaps, points without a slot and
    /// the seam of a ring are not seen.
    pub fn edges<'a>(&'a self, points: &'a [Point]) -> impl Iterator<Item = u64> + 'a {
        let times = points.first().zip(points.last()).map(|(first, last)| (first.time.as_i64(), last.time.as_i64()));
        let archives = self.header.archives.iter().zip(self.bases).enumerate();
        let edges = archives.filter_map(move |(archive, (info, base))| {
            let ((first, last), ring) = (times?, info.ring(archive).ok()?);
            let base = match base {
                0 => return None,
                EMPTY => ring.floor(first),
                known => known.into(),
            };
            let position = |time| ring.position(ring.slot(base, ring.floor(time)));
            Some([position(first), position(last) + RECORD as u64 - 1])
        });
        edges.flatten()
    }
}

impl<L: ReadAt> Whisper<L> {
    /// What this handle knows of its file. No system call.
    pub fn keep(&self) -> Kept {
        let mut bases = [0; REMEMBERED];
        for (kept, base) in bases.iter_mut().zip(&self.bases.near) {
            *kept = base.load(Ordering::Relaxed);
        }
        Kept { header: Arc::clone(&self.header), bases }
    }

    /// Takes a layer of which all is known from before; `path` is only used in messages. No system call.
    pub fn resume(layer: L, path: impl Into<Box<Path>>, kept: &Kept) -> Whisper<L> {
        let bases = Bases { near: kept.bases.map(AtomicU32::new), far: Bases::far(&kept.header) };
        Whisper { layer, path: path.into(), header: Arc::clone(&kept.header), bases }
    }
}

/// Time in slot 0 of each archive, as far as it is known. Those of the first archives need no memory of their own.
#[derive(Debug)]
pub(crate) struct Bases {
    near: [AtomicU32; REMEMBERED],
    far: Box<[AtomicU32]>,
}

/// What is known of an archive's first slot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Base {
    /// It has to be read.
    Unknown,
    /// It is empty, and so are all others.
    Empty,
    /// Its time.
    At(u32),
}

impl Bases {
    /// All unknown but that of archive 0.
    pub(crate) fn new(header: &Header, first: u32) -> Bases {
        let bases = Bases { near: [const { AtomicU32::new(0) }; REMEMBERED], far: Bases::far(header) };
        bases.set(0, Base::At(first));
        bases
    }

    /// None of the slots of a new file is filled.
    pub(crate) fn of_new(header: &Header) -> Bases {
        Bases { near: [const { AtomicU32::new(EMPTY) }; REMEMBERED], far: Bases::far(header) }
    }

    fn far(header: &Header) -> Box<[AtomicU32]> {
        header.archives.iter().skip(REMEMBERED).map(|_| AtomicU32::new(0)).collect()
    }

    /// `archive` is one of the header's.
    pub(crate) fn get(&self, archive: usize) -> Base {
        match self.of(archive).load(Ordering::Relaxed) {
            0 => Base::Unknown,
            EMPTY => Base::Empty,
            time => Base::At(time),
        }
    }

    /// `archive` is one of the header's. The two times that mean something else here are not remembered.
    pub(crate) fn set(&self, archive: usize, base: Base) {
        let coded = match base {
            Base::Empty => EMPTY,
            Base::Unknown | Base::At(EMPTY) => 0,
            Base::At(time) => time,
        };
        self.of(archive).store(coded, Ordering::Relaxed);
    }

    fn of(&self, archive: usize) -> &AtomicU32 {
        if archive < REMEMBERED { &self.near[archive] } else { &self.far[archive - REMEMBERED] }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::io;
    use std::ops::Range;

    use proptest::prelude::*;

    use super::*;
    use crate::layer::{Memory, WriteAt};
    use crate::{CreateOptions, Timestamp, Tip};

    /// Remembers where it was written to.
    struct Recording {
        file: Memory,
        written: RefCell<Vec<Range<u64>>>,
    }

    impl ReadAt for Recording {
        fn read_at(&self, buf: &mut [u8], offset: u64) -> io::Result<usize> {
            self.file.read_at(buf, offset)
        }
    }

    impl WriteAt for Recording {
        fn write_all_at(&self, bytes: &[u8], offset: u64) -> io::Result<()> {
            self.written.borrow_mut().push(offset..offset + bytes.len() as u64);
            self.file.write_all_at(bytes, offset)
        }
    }

    fn minutes(begin: u32, count: u32) -> Vec<Point> {
        let time = |index| Timestamp::from_secs(1_750_000_000 + (begin + index) * 60);
        (0..count).map(|index| Point { time: time(index), value: 1.0 }).collect()
    }

    proptest! {
        #[test]
        fn an_update_writes_in_part_no_pages_but_those_of_its_edges(gap in 0_u32..50_000, count in 1_u32..900) {
            let layer = Recording { file: Memory::new(Vec::new(), 1 << 20), written: RefCell::default() };
            let options = CreateOptions::new("60s:7d,5m:30d,1h:1y".parse().unwrap());
            let mut file = Whisper::create_over(layer, "x.wsp", &options).unwrap();
            // Two hours, after which all archives have a first slot.
            let (first, second) = (minutes(0, 120), minutes(120 + gap, count));
            let mut update = |points: &[Point], tip: &mut Tip| {
                file.layer.written.borrow_mut().clear();
                let edges: Vec<u64> = file.keep().edges(points).collect();
                file.update_following(points, points[points.len() - 1].time, tip).unwrap();
                (edges, file.layer.written.take())
            };
            let mut tip = Tip::default();
            update(&first, &mut tip);
            let (edges, written) = update(&second, &mut tip);
            prop_assert!(!written.is_empty());
            let whole = |offset: u64| offset.is_multiple_of(4096);
            let at_edge = |offset: u64| edges.iter().any(|edge| edge / 4096 == offset / 4096);
            let header = file.header();
            let at_seam = |offset: u64| header.archives.iter().any(|archive| {
                let begin = u64::from(archive.offset);
                offset == begin || offset == begin + u64::from(archive.points) * RECORD as u64
            });
            for Range { start, end } in written {
                prop_assert!(whole(start) || at_edge(start) || at_seam(start), "{start} of {edges:?}");
                prop_assert!(whole(end) || at_edge(end - 1) || at_seam(end), "{end} of {edges:?}");
            }
        }
    }

    #[test]
    fn what_is_known_of_first_slots_is_kept_but_for_times_that_mean_something_else() {
        let header = Header::of(&CreateOptions::new("1:60,2:60,4:60,8:60,16:60".parse().unwrap()));
        let bases = Bases::new(&header, u32::MAX);
        assert_eq!(bases.get(0), Base::Unknown);
        for base in [Base::At(7), Base::Empty, Base::Unknown, Base::At(u32::MAX - 1)] {
            bases.set(4, base);
            assert_eq!(bases.get(4), base);
        }
        bases.set(1, Base::At(0));
        assert_eq!(bases.get(1), Base::Unknown);
        let new = Bases::of_new(&header);
        assert_eq!([0, 3, 4].map(|archive| new.get(archive)), [Base::Empty, Base::Empty, Base::Unknown]);
    }
}
