//! `/proc/mdstat` as Diamond reads it, for series that have to go on as they were: only what its expressions find, and
//! arrays are parted by empty lines alone, so what follows an inactive one belongs to that.

use regex_lite::Regex;

use super::publish_bitmap;
use crate::Out;

/// Diamond's expressions.
#[derive(Debug)]
pub(super) struct Reader {
    member: Regex,
    status: Regex,
    recovery: Regex,
}

/// What the groups of the status are called, by their numbers; 0 is the whole.
const STATUS: [&str; 9] = [
    "",
    "blocks",
    "superblock_version",
    "raid_level",
    "chunk_size",
    "algorithm",
    "total_members",
    "actual_members",
    "rounding_factor",
];

impl Reader {
    pub(super) fn new() -> Reader {
        let compiled = |pattern: &str| Regex::new(pattern).expect("a pattern of our own, which a test compiles");
        Reader {
            member: compiled(r"^.*\[\d*\]\(?([FS])?\)?$"),
            status: compiled(
                r"^ *(\d*) blocks (?:super (\d\.\d) )?(?:level (\d), (\d*)k chunk, algorithm (\d) )?(?:\[(\d*)/(\d*)\])?(?:(\d*)k rounding)?",
            ),
            recovery: compiled(
                r"(?m)^ *\[.*\] *recovery = (\d*\.?\d*)% \(\d*/\d*\) finish=(\d*\.?\d*)min speed=(\d*)K/sec$",
            ),
        }
    }

    /// Publishes every array but those whose lines Diamond cannot read.
    pub(super) fn publish(&self, mdstat: &str, out: &mut Out) {
        // The personalities before, and the unused devices behind them.
        let arrays = mdstat.split_once('\n').map_or("", |(_, rest)| rest);
        let arrays = arrays.strip_suffix('\n').unwrap_or(arrays);
        let arrays = arrays.rsplit_once('\n').map_or("", |(rest, _)| rest);
        for block in arrays.split("\n\n") {
            let mut lines = block.trim_start_matches('\n').lines();
            let head = lines.next().and_then(|head| head.split_once(" : "));
            if let (Some((array, members)), Some(status)) = (head, lines.next()) {
                self.publish_array(array, members, status, out);
                self.publish_rest(array, block, out);
            }
        }
    }

    fn publish_array(&self, array: &str, members: &str, status: &str, out: &mut Out) {
        let (mut active, mut faulty, mut spare) = (0.0, 0.0, 0.0);
        // `active raid1` are no members, and of `inactive sda1[0]` neither is the disk.
        for member in members.split(' ').skip(2).filter_map(|member| self.member.captures(member)) {
            match member.get(1).map(|state| state.as_str()) {
                Some("F") => faulty += 1.0,
                Some(_) => spare += 1.0,
                None => active += 1.0,
            }
        }
        for (name, count) in [("active", active), ("faulty", faulty), ("spare", spare)] {
            out.gauge(&["mdstat", array, "member_count", name], count).decimals(1);
        }
        let Some(found) = self.status.captures(status) else { return };
        for (at, name) in STATUS.iter().enumerate().skip(1) {
            let value = found.get(at).and_then(|digits| digits.as_str().parse::<f64>().ok());
            let scale = if matches!(*name, "chunk_size" | "rounding_factor") { 1024.0 } else { 1.0 };
            if let Some(value) = value {
                out.gauge(&["mdstat", array, "status", name], value * scale).decimals(1);
            }
        }
    }

    fn publish_rest(&self, array: &str, block: &str, out: &mut Out) {
        if let Some(bitmap) = block.lines().find_map(|line| line.trim_start().strip_prefix("bitmap: ")) {
            publish_bitmap(array, bitmap, out);
        }
        let Some(found) = self.recovery.captures(block) else { return };
        let number = |at: usize| found.get(at).and_then(|digits| digits.as_str().parse::<f64>().ok());
        let values = [
            ("percent", number(1)),
            ("remaining_time", number(2).map(|minutes| (minutes * 60_000.0).trunc())),
            ("speed", number(3).map(|kilobytes| kilobytes * 1024.0)),
        ];
        for (name, value) in values {
            if let Some(value) = value {
                out.gauge(&["mdstat", array, "recovery", name], value).decimals(1);
            }
        }
    }
}
