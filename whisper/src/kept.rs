//! What can be known of a file while no handle is open: enough to write to it again without reading.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use crate::layer::ReadAt;
use crate::{Header, Whisper};

/// Archives whose first slot's time is remembered; of further ones, which no usual file has, it is read each time.
const REMEMBERED: usize = 4;

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

/// Time in slot 0 of each archive; 0 while unknown or empty. Those of the first archives need no memory of their own.
#[derive(Debug)]
pub(crate) struct Bases {
    near: [AtomicU32; REMEMBERED],
    far: Box<[AtomicU32]>,
}

impl Bases {
    /// All unknown but that of archive 0.
    pub(crate) fn new(header: &Header, first: u32) -> Bases {
        let near = [first, 0, 0, 0].map(AtomicU32::new);
        Bases { near, far: Bases::far(header) }
    }

    fn far(header: &Header) -> Box<[AtomicU32]> {
        header.archives.iter().skip(REMEMBERED).map(|_| AtomicU32::new(0)).collect()
    }

    /// `archive` is one of the header's.
    pub(crate) fn of(&self, archive: usize) -> &AtomicU32 {
        if archive < REMEMBERED { &self.near[archive] } else { &self.far[archive - REMEMBERED] }
    }
}
