//! How full the file systems are: `/proc/self/mountinfo` says what is mounted, `statvfs` how full it is. Names and
//! units are those of Diamond's DiskSpaceCollector.
//!
//! `statvfs` on a dead NFS mount never returns, so network file systems are asked by a thread each ([`probe`]), and local
//! ones, which rarely hang, by one for all until it does ([`sweep`]); what does not answer in time is `stale` and costs
//! the others nothing. Those that answer from memory are asked in line, and where there are no others, so is all of it.

mod mounts;
mod probe;
mod sweep;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use regex_lite::Regex;
use serde::{Deserialize, Deserializer, de};
use whisper::Timestamp;

use self::mounts::{Distance, Mounts, Place};
use self::probe::{Answer, Living, Probe, Space};
use self::sweep::Sweep;
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
    mounts: Mounts,
    /// Whether something is mounted that may hang, so that we run on a thread of our own.
    waits: bool,
    /// One for each network file system, by mount point.
    probes: BTreeMap<PathBuf, Probe>,
    /// For the others.
    sweep: Sweep,
    living: Living,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let (probes, living) = (BTreeMap::new(), Living::at_most(MOST_THREADS));
    let (sweep, mounts) = (Sweep::new(&living), Mounts::of(site));
    let mut made =
        DiskSpace { options: options.try_into()?, site: site.clone(), mounts, waits: true, probes, sweep, living };
    made.waits = made.has_to_wait();
    Ok(Box::new(made))
}

impl Collector for DiskSpace {
    fn spec(&self) -> Spec {
        let class = if self.waits { Class::Slow } else { Class::Fast };
        // All network file systems share a patience, and the local ones two.
        let deadline = self.options.patience.saturating_mul(2).saturating_add(Duration::from_secs(1));
        Spec { name: "diskspace", class, default_interval: None, deadline }
    }

    fn run(&mut self, slot: Slot, out: &mut Out) -> Result<(), Fail> {
        let places = self.mounts.places(&self.options, &self.site, slot)?;
        // Something that was mounted since the last run must not be waited for here; the next run may.
        let patience = if self.waits { self.options.patience } else { Duration::ZERO };
        self.waits = places.iter().any(|place| place.distance != Distance::AtHand);
        let at = |distance| places.iter().filter(move |place| place.distance == distance);
        // Network file systems are asked first and heard last, so that they work while the local ones are read.
        self.probes.retain(|point, _| at(Distance::Remote).any(|place| place.path == *point));
        for Place { path, .. } in at(Distance::Remote) {
            self.probes.entry(path.clone()).or_insert_with(|| Probe::of(path.clone())).ask(&self.living);
        }
        let mut told = Telling { out, patience, first_fail: Ok(()) };
        for place in at(Distance::AtHand) {
            told.tell(place, Space::of(&place.path).map_or_else(Answer::Failed, Answer::Space));
        }
        if !patience.is_zero() {
            let points: Vec<PathBuf> = at(Distance::Local).map(|place| place.path.clone()).collect();
            let answers = self.sweep.ask(&points, patience);
            at(Distance::Local).zip(answers).for_each(|(place, answer)| told.tell(place, answer));
            for place in at(Distance::Remote) {
                if let Some(probe) = self.probes.get_mut(&place.path) {
                    told.tell(place, probe.answer(patience));
                }
            }
        }
        told.first_fail
    }
}

impl DiskSpace {
    /// Where nobody knows, it has to.
    fn has_to_wait(&mut self) -> bool {
        let slot = Slot { time: Timestamp::from_secs(0), monotonic: Duration::ZERO };
        let places = self.mounts.places(&self.options, &self.site, slot);
        !places.is_ok_and(|places| places.iter().all(|place| place.distance == Distance::AtHand))
    }
}

/// A run as far as it has come.
struct Telling<'a> {
    out: &'a mut Out,
    patience: Duration,
    first_fail: Result<(), Fail>,
}

impl Telling<'_> {
    fn tell(&mut self, Place { name, path, distance }: &Place, answer: Answer) {
        let remote = *distance == Distance::Remote;
        let fail = match answer {
            Answer::Space(space) => {
                publish(name, &space, self.out);
                if remote {
                    self.out.gauge(&["diskspace", name, "stale"], 0.0);
                }
                return;
            }
            Answer::Failed(source) => Fail::Read { path: path.clone(), source },
            Answer::Stale => {
                self.out.gauge(&["diskspace", name, "stale"], 1.0);
                // A network that is away is no fault of this host.
                if remote {
                    return;
                }
                Fail::Timeout { what: path.display().to_string(), after: self.patience }
            }
        };
        if self.first_fail.is_ok() {
            self.first_fail = Err(fail);
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

#[cfg(test)]
mod tests;
