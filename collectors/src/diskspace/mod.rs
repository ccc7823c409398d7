//! How full the file systems are: `/proc/self/mountinfo` says what is mounted, `statvfs` how full it is. Names and
//! units are those of Diamond's DiskSpaceCollector.
//!
//! `statvfs` on a dead NFS mount never returns, so network file systems are asked by a thread each ([`probe`]), and local
//! ones, which rarely hang, by one for all until it does ([`sweep`]); what does not answer in time is `stale` and costs
//! the others nothing.

mod probe;
mod sweep;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use regex_lite::Regex;
use serde::{Deserialize, Deserializer, de};

use self::probe::{Answer, Living, Probe, Space};
use self::sweep::Sweep;
use crate::proc::{ProcFile, fields, lines, text};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec, Unit};

/// Far more than a host has.
const MOST_MOUNTS: usize = 512;

/// Threads that may hang, over the life of a collector.
const MOST_THREADS: usize = 512;

/// `[collectors.diskspace]`.
#[derive(Debug, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {
    /// Types of file systems to measure. Default: those on disks, and NFS and GlusterFS.
    filesystems: Vec<String>,
    /// Mount points left out, as regular expressions that have to match from the start. Default `^/export/home`.
    #[serde(deserialize_with = "anchored")]
    exclude_filters: Vec<Regex>,
    /// How long a file system may take to answer. Default "2s".
    #[serde(with = "humantime_serde")]
    patience: Duration,
}

const FILESYSTEMS: [&str; 12] =
    ["ext2", "ext3", "ext4", "xfs", "glusterfs", "nfs", "nfs4", "ntfs", "hfs", "fat32", "fat16", "btrfs"];

impl Default for Options {
    fn default() -> Options {
        Options {
            filesystems: FILESYSTEMS.map(str::to_owned).to_vec(),
            exclude_filters: vec![Regex::new("^/export/home").expect("a pattern without special characters")],
            patience: Duration::from_secs(2),
        }
    }
}

fn anchored<'de, D: Deserializer<'de>>(input: D) -> Result<Vec<Regex>, D::Error> {
    let patterns = Vec::<String>::deserialize(input)?;
    let compile = |pattern: &String| {
        Regex::new(&format!("^(?:{pattern})")).map_err(|error| de::Error::custom(format!("`{pattern}`: {error}")))
    };
    patterns.iter().map(compile).collect()
}

struct DiskSpace {
    options: Options,
    site: Site,
    mountinfo: ProcFile,
    /// One for each network file system, by mount point.
    probes: BTreeMap<PathBuf, Probe>,
    /// For the others.
    sweep: Sweep,
    living: Living,
}

/// A file system to measure.
#[derive(Debug, PartialEq, Eq)]
struct Mount {
    point: String,
    device: String,
    remote: bool,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let mountinfo = ProcFile::new(site.path("proc/self/mountinfo"));
    let (probes, living) = (BTreeMap::new(), Living::at_most(MOST_THREADS));
    let sweep = Sweep::new(&living);
    Ok(Box::new(DiskSpace { options: options.try_into()?, site: site.clone(), mountinfo, probes, sweep, living }))
}

impl Collector for DiskSpace {
    fn spec(&self) -> Spec {
        // All network file systems share a patience, and the local ones two.
        let deadline = self.options.patience.saturating_mul(2).saturating_add(Duration::from_secs(1));
        Spec { name: "diskspace", class: Class::Slow, default_interval: None, deadline }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, mountinfo) = self.mountinfo.read()?;
        let mounts = self.options.mounts(path, mountinfo)?;
        let labels = labels(&self.site);
        // Network file systems are asked first and heard last, so that they work while the local ones are read.
        let remote: Vec<PathBuf> =
            mounts.iter().filter(|mount| mount.remote).map(|mount| self.site.path(&mount.point)).collect();
        self.probes.retain(|point, _| remote.contains(point));
        for point in remote {
            self.probes.entry(point.clone()).or_insert_with(|| Probe::of(point)).ask(&self.living);
        }
        let mut first_fail = Ok(());
        let local: Vec<&Mount> = mounts.iter().filter(|mount| !mount.remote).collect();
        let points: Vec<PathBuf> = local.iter().map(|mount| self.site.path(&mount.point)).collect();
        let answers = self.sweep.ask(&points, self.options.patience);
        for ((mount, point), answer) in local.into_iter().zip(points).zip(answers) {
            let name = mount.name(&labels);
            match answer {
                Answer::Space(space) => publish(&name, &space, out),
                Answer::Failed(source) => first_fail = first_fail.and(Err(Fail::Read { path: point, source })),
                Answer::Stale => {
                    out.gauge(&["diskspace", &name, "stale"], 1.0);
                    let (what, after) = (point.display().to_string(), self.options.patience);
                    first_fail = first_fail.and(Err(Fail::Timeout { what, after }));
                }
            }
        }
        for mount in mounts.iter().filter(|mount| mount.remote) {
            let (name, point) = (mount.name(&labels), self.site.path(&mount.point));
            let Some(probe) = self.probes.get_mut(&point) else { continue };
            match probe.answer(self.options.patience) {
                Answer::Space(space) => {
                    publish(&name, &space, out);
                    out.gauge(&["diskspace", &name, "stale"], 0.0);
                }
                Answer::Stale => {
                    out.gauge(&["diskspace", &name, "stale"], 1.0);
                }
                Answer::Failed(source) => first_fail = first_fail.and(Err(Fail::Read { path: point, source })),
            }
        }
        first_fail
    }
}

impl Options {
    /// The file systems that are wanted, each device once, where it was mounted first.
    fn mounts(&self, path: &Path, mountinfo: &[u8]) -> Result<Vec<Mount>, Fail> {
        let mut devices = Vec::new();
        let mut mounts = Vec::new();
        for (at, line) in lines(mountinfo) {
            // 27 1 254:0 / /mount\040point rw,relatime [shared:1 ..] - ext4 /dev/vda rw
            let mut columns = fields(line);
            let (device, point) = (columns.nth(2), columns.nth(1));
            let mut rest = columns.skip_while(|column| *column != b"-").skip(1);
            let (Some(device), Some(point), Some(kind), Some(source)) = (device, point, rest.next(), rest.next())
            else {
                return Err(Fail::parse(path, at, "a mount with ` - TYPE SOURCE`", line));
            };
            let Some(kind) = text(kind).filter(|kind| self.filesystems.iter().any(|wanted| wanted == kind)) else {
                continue;
            };
            let (Some(point), Some(source)) = (unescaped(point), unescaped(source)) else { continue };
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
            mounts.push(Mount { point, device: source, remote });
        }
        Ok(mounts)
    }
}

impl Mount {
    /// The label where there is one, else the mount point with `_` for `/` and `.`.
    fn name(&self, labels: &BTreeMap<PathBuf, String>) -> String {
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

fn publish(name: &str, space: &Space, out: &mut Out) {
    let percent = |part: f64, of: f64| if of > 0.0 { 100.0 * part / of } else { 0.0 };
    let bytes = [
        ("byte_used", space.bytes - space.bytes_free, Unit::Bytes),
        ("byte_free", space.bytes_free, Unit::Bytes),
        ("byte_avail", space.bytes_avail, Unit::Bytes),
        ("byte_percentfree", percent(space.bytes_free, space.bytes), Unit::Percent),
    ];
    for (what, value, unit) in bytes {
        out.gauge(&["diskspace", name, what], value).decimals(2).unit(unit);
    }
    // btrfs and some network file systems have no fixed number of inodes and say 0.
    let percentfree = percent(space.inodes_free, space.inodes);
    out.gauge(&["diskspace", name, "inodes_percentfree"], percentfree).decimals(2).unit(Unit::Percent);
    out.gauge(&["diskspace", name, "inodes_used"], space.inodes - space.inodes_free);
    out.gauge(&["diskspace", name, "inodes_free"], space.inodes_free);
    out.gauge(&["diskspace", name, "inodes_avail"], space.inodes_avail);
}

/// Labels by device, from the links in `/dev/disk/by-label`; none where udev does not run.
fn labels(site: &Site) -> BTreeMap<PathBuf, String> {
    let folder = site.path("dev/disk/by-label");
    let links = fs::read_dir(&folder).into_iter().flatten().flatten().take(MOST_MOUNTS);
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
fn unescaped(field: &[u8]) -> Option<String> {
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

#[cfg(test)]
mod tests;
