//! Which file systems are mounted, and what they are called. The kernel is asked whether its table has changed, which
//! costs a hundredth of reading it.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rustix::event::{PollFd, PollFlags, Timespec, poll};

use super::{MOST_MOUNTS, Options};
use crate::proc::{ProcFile, fields, lines, text};
use crate::{Fail, Site, Slot};

/// They answer `statvfs` from counters in memory and never wait for a disk.
const AT_HAND: [&str; 3] = ["ext2", "ext3", "ext4"];

/// What may lie above a mount point without making the way to it long.
const NEAR: [&str; 8] = ["ext2", "ext3", "ext4", "xfs", "btrfs", "tmpfs", "overlay", "rootfs"];

/// Labels change rarely, and asking costs a way through four folders: how often that is done while nothing is mounted.
const LABELS_EVERY: Duration = Duration::from_secs(60);

/// How a file system is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Distance {
    /// It cannot hang.
    AtHand,
    /// On a disk that may die under it.
    Local,
    Remote,
}

/// A file system to measure.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Mount {
    pub(super) point: String,
    pub(super) device: String,
    pub(super) distance: Distance,
}

/// A file system to measure, with its name in metrics, and its mount point as we reach it.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) name: String,
    pub(super) path: PathBuf,
    pub(super) distance: Distance,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Mounts {
    table: ProcFile,
    mounts: Vec<Mount>,
    labels: BTreeMap<PathBuf, String>,
    /// When the folder of labels was changed last, and when that was asked.
    labelled: Option<i64>,
    asked: Option<Duration>,
    /// Whether the table tells of changes, as the kernel's own does.
    tells: bool,
    places: Vec<Place>,
    read: bool,
}

impl Mounts {
    pub(super) fn of(site: &Site) -> Mounts {
        let table = ProcFile::new(site.path("proc/self/mountinfo"));
        let (mounts, labels, places) = (Vec::new(), BTreeMap::new(), Vec::new());
        Mounts { table, mounts, labels, labelled: None, asked: None, tells: false, places, read: false }
    }

    /// What there is to measure.
    ///
    /// # Errors
    /// When the table of the kernel cannot be read.
    pub(super) fn places(&mut self, options: &Options, site: &Site, slot: Slot) -> Result<&[Place], Fail> {
        let mut new = false;
        if !self.read || self.changed() {
            self.read = false;
            let (path, table) = self.table.read()?;
            self.mounts = options.mounts(path, table)?;
            self.tells = self.table.file().is_some_and(|table| {
                rustix::fs::fstatfs(table).is_ok_and(|system| system.f_type == rustix::fs::PROC_SUPER_MAGIC)
            });
            (self.read, new) = (true, true);
        }
        if new || self.asked.is_none_or(|asked| slot.monotonic.saturating_sub(asked) >= LABELS_EVERY) {
            new |= self.name(site, slot);
        }
        if new {
            let place = |mount: &Mount| Place {
                name: mount.name(&self.labels),
                path: site.path(&mount.point),
                distance: mount.distance,
            };
            self.places = self.mounts.iter().map(place).collect();
        }
        Ok(&self.places)
    }

    /// Reads the labels when they may be others; gives whether they were read.
    fn name(&mut self, site: &Site, slot: Slot) -> bool {
        let folder = site.path("dev/disk/by-label");
        let changed = fs::metadata(&folder).ok().map(|folder| folder.mtime());
        // What changed just now may change again within the same tick.
        let settled = changed.is_none_or(|changed| changed + 2 < i64::from(slot.time.secs()));
        let read = self.labelled != changed || !settled;
        if read {
            self.labels = labels(&folder, site);
            self.labelled = changed;
        }
        self.asked = Some(slot.monotonic).filter(|_| settled);
        read
    }

    /// Whether the table may be another than when this was asked last.
    pub(super) fn changed(&self) -> bool {
        let Some(file) = self.table.file() else { return true };
        let mut wait = [PollFd::new(file, PollFlags::PRI)];
        !self.tells || !poll(&mut wait, Some(&Timespec::default())).is_ok_and(|changed| changed == 0)
    }
}

impl Options {
    /// The file systems that are wanted, each device once, where it was mounted first.
    pub(super) fn mounts(&self, path: &Path, mountinfo: &[u8]) -> Result<Vec<Mount>, Fail> {
        let (mut devices, mut mounts) = (Vec::new(), Vec::<Mount>::new());
        // What makes the way long to all that is mounted below it.
        let mut far = Vec::new();
        for (at, line) in lines(mountinfo) {
            // 27 1 254:0 / /mount\040point rw,relatime [shared:1 ..] - ext4 /dev/vda rw
            let mut columns = fields(line);
            let (device, point) = (columns.nth(2), columns.nth(1));
            let mut rest = columns.skip_while(|column| *column != b"-").skip(1);
            let (Some(device), Some(point), Some(kind), Some(source)) = (device, point, rest.next(), rest.next())
            else {
                return Err(Fail::parse(path, at, "a mount with ` - TYPE SOURCE`", line));
            };
            let Some(point) = unescaped(point) else { continue };
            let kind = text(kind).unwrap_or_default();
            if !NEAR.contains(&kind) {
                far.push(point.clone());
            }
            if !self.filesystems.iter().any(|wanted| wanted == kind) {
                continue;
            }
            let Some(source) = unescaped(source) else { continue };
            let system = ["/dev", "/proc", "/sys"].iter().any(|root| Path::new(&point).starts_with(root));
            let excluded = self.exclude_filters.iter().any(|pattern| pattern.is_match(&point));
            if system || excluded || !source.contains(['/', ':']) || devices.contains(&device) {
                continue;
            }
            if mounts.len() >= MOST_MOUNTS {
                break;
            }
            devices.push(device);
            let remote = kind.starts_with("nfs") || kind.contains("gluster") || kind.starts_with("fuse");
            let distance = match remote {
                true => Distance::Remote,
                false if AT_HAND.contains(&kind) => Distance::AtHand,
                false => Distance::Local,
            };
            mounts.push(Mount { point, device: source, distance });
        }
        for mount in mounts.iter_mut().filter(|mount| mount.distance == Distance::AtHand) {
            if far.iter().any(|far| Path::new(&mount.point).starts_with(far)) {
                mount.distance = Distance::Local;
            }
        }
        Ok(mounts)
    }
}

impl Mount {
    /// The label where there is one, else the mount point with `_` for `/` and `.`.
    pub(super) fn name(&self, labels: &BTreeMap<PathBuf, String>) -> String {
        if let Some(label) = labels.get(Path::new(&self.device)) {
            return label.clone();
        }
        match self.point.as_str() {
            "/" => "root".to_owned(),
            "/tmp" => "tmp".to_owned(),
            point => point.replace(['/', '.'], "_"),
        }
    }
}

/// Labels by device, from the links in `folder`; none where udev does not run.
pub(super) fn labels(folder: &Path, site: &Site) -> BTreeMap<PathBuf, String> {
    let links = fs::read_dir(folder).into_iter().flatten().flatten().take(MOST_MOUNTS);
    let label = |link: fs::DirEntry| {
        let device = fs::canonicalize(link.path()).ok()?;
        let device = device.strip_prefix(site.root()).map_or(device.clone(), |below| Path::new("/").join(below));
        let label = link.file_name().to_string_lossy().into_owned();
        // Diamond leaves what udev has written for a blank.
        Some((device, if site.is_diamond() { label } else { label.replace("\\x20", " ") }))
    };
    links.filter_map(label).collect()
}

/// `field` with the kernel's `\040` and its like turned back; `None` when it is no text then.
pub(super) fn unescaped(field: &[u8]) -> Option<String> {
    let mut bytes = Vec::with_capacity(field.len());
    let mut rest = field;
    while let Some((byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'\\', [a @ b'0'..=b'3', b @ b'0'..=b'7', c @ b'0'..=b'7', after @ ..]) => {
                bytes.push((a - b'0') * 64 + (b - b'0') * 8 + (c - b'0'));
                rest = after;
            }
            _ => bytes.push(*byte),
        }
    }
    String::from_utf8(bytes).ok()
}
