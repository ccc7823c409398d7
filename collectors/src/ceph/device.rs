//! The disk below an OSD: which one it is, and what the kernel counts for it.

use std::fs;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::{Bits, Out, Site, Unit, Value};

/// Bytes of a sector in `/sys/block`, whatever the disk has.
const SECTOR: f64 = 512.0;

/// Layers of device mapper below an OSD: encryption over a logical volume over a disk, and one to spare.
const MOST_LAYERS: usize = 4;

/// Where an OSD's data rest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Device {
    /// `nvme0n1`, the disk and not the volume on it.
    pub(super) name: String,
    /// The kernel's counters of the volume.
    stat: PathBuf,
}

impl Device {
    /// The device below the first of `folders`, an OSD's data directory as the daemon and as the host may call it, that
    /// has one.
    pub(super) fn below(folders: &[PathBuf], site: &Site) -> Option<Device> {
        folders.iter().find_map(|folder| Device::of(folder, site))
    }

    fn of(folder: &Path, site: &Site) -> Option<Device> {
        // BlueStore has its data behind `block`, FileStore below `current`.
        let data =
            ["block", "current"].map(|name| folder.join(name)).into_iter().find_map(|path| fs::metadata(path).ok())?;
        // A file stands in for a disk in tests; then it is the disk that the file is on.
        let number = if data.file_type().is_block_device() { data.rdev() } else { data.dev() };
        let (major, minor) = (rustix::fs::major(number), rustix::fs::minor(number));
        let system = site.path(&format!("/sys/dev/block/{major}:{minor}"));
        let stat = system.join("stat");
        let name = disk(fs::canonicalize(&system).ok()?)?;
        stat.exists().then_some(Device { name, stat })
    }

    /// Puts the kernel's counters into `out`, below `root`.
    pub(super) fn publish(&self, root: &str, out: &mut Out) {
        let Some(numbers) = fs::read_to_string(&self.stat).ok().and_then(|text| numbers(&text)) else { return };
        let [reads, _, sectors_read, read_ms, writes, _, sectors_written, write_ms, in_flight, busy_ms] = numbers;
        let path = |what| [root, "device", what];
        let seconds = |ms: u64| ms as f64 / 1000.0;
        for (what, count, ms) in [("read", reads, read_ms), ("write", writes, write_ms)] {
            out.value(&path(what), Value::Avg { sum: seconds(ms), count }).significant(6).unit(Unit::Seconds);
        }
        for (what, raw) in [("read_bytes", sectors_read), ("write_bytes", sectors_written)] {
            let path = [root, "device", what, "rate"];
            let added = out.value(&path, Value::Counter { raw, bits: Bits::B64 });
            added.scale(SECTOR).significant(6).unit(Unit::Bytes);
        }
        out.value(&[root, "device", "busy", "rate"], Value::Total(seconds(busy_ms))).significant(6).unit(Unit::Seconds);
        out.value(&path("in_flight"), Value::Gauge(in_flight as f64));
    }
}

/// The first numbers of a `stat` file.
fn numbers(text: &str) -> Option<[u64; 10]> {
    let mut fields = text.split_ascii_whitespace().map(str::parse);
    let mut numbers = [0; 10];
    for number in &mut numbers {
        *number = fields.next()?.ok()?;
    }
    Some(numbers)
}

/// The name of the disk that `volume`, a directory of `/sys/devices`, is on; the volume's own when it is on several.
fn disk(mut volume: PathBuf) -> Option<String> {
    for _ in 0..MOST_LAYERS {
        let mut below = fs::read_dir(volume.join("slaves")).into_iter().flatten().flatten();
        match (below.next(), below.next()) {
            (Some(only), None) => volume = fs::canonicalize(only.path()).ok()?,
            _ => break,
        }
    }
    Some(volume.file_name()?.to_str()?.to_owned())
}

/// Where OSD `id` keeps its data: as it says itself, and where cephadm mounts that from.
pub(super) fn folders(said: &Path, id: &str, fsid: Option<&str>, site: &Site) -> Vec<PathBuf> {
    let cephadm = fsid.map(|fsid| site.path(&format!("/var/lib/ceph/{fsid}/osd.{id}")));
    let own = said.to_str().map(|said| site.path(said));
    cephadm.into_iter().chain(own).collect()
}
