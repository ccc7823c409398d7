//! `[memory]`: one limit for the whole process, shared out to what can grow.

use std::fs;
use std::path::Path;

use bytesize::ByteSize;
use serde::Deserialize;

/// How much memory the process may use.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub(crate) struct MemoryConfig {
    /// Bytes in all, such as "1GiB". Default: a quarter of what this machine or its control group has, at least 256 MiB
    /// (or half of it where that is less) and at most 4 GiB.
    pub(crate) max: Option<ByteSize>,
}

/// What each use may take up, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Shares {
    pub(crate) max: usize,
    /// Points that wait to be written: a half, but for a thirty-second of that.
    pub(crate) cache: usize,
    /// Newest pages of archives, where the page cache does not keep them: that thirty-second.
    pub(crate) pages: usize,
    /// Names: a quarter, but for a sixteenth of that.
    pub(crate) index: usize,
    /// Connections of senders: an eighth.
    pub(crate) connections: usize,
    /// Points that queries have read: an eighth.
    pub(crate) queries: usize,
    /// Series whose newest slots are kept in mind for the next write; their 64 bytes each are a sixteenth of the index.
    pub(crate) tips: usize,
}

/// Less than this is too little to work with.
const LEAST: u64 = 16 << 20;

/// What the allocator takes for one series' newest slots.
const TIP: usize = 64;

/// The bounds of the default.
const LOW: u64 = 256 << 20;
const HIGH: u64 = 4 << 30;

impl MemoryConfig {
    /// What is wrong with the values, each problem with its key; empty when nothing is.
    pub(crate) fn problems(&self) -> Vec<String> {
        let low = self.max.filter(|max| max.as_u64() < LEAST);
        low.map(|max| format!("memory.max is {max}, expected at least {}", ByteSize(LEAST))).into_iter().collect()
    }

    /// The limit, shared out.
    pub(crate) fn shares(&self) -> Shares {
        self.shares_at(Path::new("/"))
    }

    /// As [`MemoryConfig::shares`], on the machine whose files lie below `root`.
    fn shares_at(&self, root: &Path) -> Shares {
        let quarter = || {
            let available = available(root).unwrap_or(4 * LOW);
            // A small control group would end a process that takes more than it has.
            (available / 4).clamp(LOW.min(available / 2), HIGH)
        };
        let max = self.max.map_or_else(quarter, |max| max.as_u64());
        let max = usize::try_from(max).unwrap_or(usize::MAX);
        let (index, tips) = (max / 64 * 15, max / 64 / TIP);
        Shares { max, cache: max / 64 * 31, pages: max / 64, index, connections: max / 8, queries: max / 8, tips }
    }
}

/// The memory of the machine, or of the control groups around this process when that is less.
fn available(root: &Path) -> Option<u64> {
    let meminfo = fs::read_to_string(root.join("proc/meminfo")).ok();
    let machine = meminfo.as_deref().and_then(total);
    machine.into_iter().chain(group_limits(root)).min()
}

/// `MemTotal:  16303428 kB`
fn total(meminfo: &str) -> Option<u64> {
    let line = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
    line.split_ascii_whitespace().next()?.parse::<u64>().ok()?.checked_mul(1024)
}

/// The limits of this process's group and of all groups around it, in either version of the hierarchy.
fn group_limits(root: &Path) -> Vec<u64> {
    let groups = fs::read_to_string(root.join("proc/self/cgroup")).unwrap_or_default();
    let mut limits = Vec::new();
    // Each line is `number:controllers:path`; version 2 has number 0 and names no controller.
    for line in groups.lines() {
        let mut fields = line.splitn(3, ':').skip(1);
        let (Some(controllers), Some(path)) = (fields.next(), fields.next()) else { continue };
        let (tree, file) = match controllers {
            "" => ("sys/fs/cgroup", "memory.max"),
            _ if controllers.split(',').any(|name| name == "memory") => {
                ("sys/fs/cgroup/memory", "memory.limit_in_bytes")
            }
            _ => continue,
        };
        // A container sees its own group as the root of the tree, whatever its path says.
        for group in Path::new(path.trim_start_matches('/')).ancestors() {
            let limit = fs::read_to_string(root.join(tree).join(group).join(file)).ok();
            // "max" is no limit; version 1 has a huge number for it, which the machine's memory undercuts.
            limits.extend(limit.and_then(|text| text.trim().parse::<u64>().ok()));
        }
    }
    limits
}

#[cfg(test)]
mod tests {
    use super::*;

    const MIB: usize = 1 << 20;

    #[track_caller]
    fn check(files: &[(&str, &str)], expected_mib: usize) {
        let root = tempfile::tempdir().unwrap();
        for (path, text) in files {
            let path = root.path().join(path);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        assert_eq!(MemoryConfig::default().shares_at(root.path()).max, expected_mib * MIB);
    }

    #[test]
    fn a_quarter_of_the_machine_within_bounds() {
        check(&[("proc/meminfo", "MemTotal:        8388608 kB\nMemFree: 1 kB\n")], 2048);
        check(&[("proc/meminfo", "MemTotal:      786432 kB\n")], 256);
        check(&[("proc/meminfo", "MemTotal:      262144 kB\n")], 128);
        check(&[("proc/meminfo", "MemTotal:   838860800 kB\n")], 4096);
        check(&[], 256);
    }

    #[test]
    fn the_tightest_group_counts() {
        let machine = ("proc/meminfo", "MemTotal: 33554432 kB\n");
        let member = ("proc/self/cgroup", "0::/system.slice/plumbago.service\n");
        let unlimited = ("sys/fs/cgroup/system.slice/plumbago.service/memory.max", "max\n");
        check(&[machine, member, unlimited], 4096);
        check(&[machine, member, unlimited, ("sys/fs/cgroup/system.slice/memory.max", "4294967296\n")], 1024);
        let first = ("proc/self/cgroup", "5:devices:/\n4:cpu,memory:/box\n0::/\n");
        check(&[machine, first, ("sys/fs/cgroup/memory/box/memory.limit_in_bytes", "2147483648\n")], 512);
        check(&[machine, first, ("sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n")], 4096);
    }

    #[test]
    fn a_chosen_limit_is_shared_out() {
        let config: MemoryConfig = toml::from_str("max = \"1GiB\"").unwrap();
        let shares = config.shares();
        assert_eq!((shares.max, shares.cache, shares.index), (1024 * MIB, 496 * MIB, 240 * MIB));
        assert_eq!((shares.tips * TIP, shares.pages), (16 * MIB, 16 * MIB));
        assert_eq!((shares.connections, shares.queries), (128 * MIB, 128 * MIB));
        assert_eq!(config.problems(), Vec::<String>::new());
        let tiny: MemoryConfig = toml::from_str("max = \"1MiB\"").unwrap();
        assert_eq!(tiny.problems().len(), 1);
        assert!(toml::from_str::<MemoryConfig>("max = \"much\"").is_err());
    }
}
