//! How the software RAIDs are, from `/proc/mdstat`. Names and units are those of Diamond's MdStatCollector.
//!
//! ```text
//! md1 : active raid5 sdf1[3] sde1[1](F) sdd1[0]                                           members
//!       39058432 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [U_U]            status
//!       [==>...]  recovery = 12.6% (2464384/19529216) finish=13.5min speed=21062K/sec     recovery
//!       bitmap: 1/2 pages [4KB], 65536KB chunk                                            bitmap
//! ```

mod diamond;

use std::time::Duration;

use serde::Deserialize;

use crate::proc::{ProcFile, fields, lines, text};
use crate::{Class, Collector, Fail, Made, Out, Site, Slot, Spec};

/// What the kernel may be doing with an array; Diamond knows the first.
const ACTIONS: [&str; 4] = ["recovery", "resync", "reshape", "check"];

/// `[collectors.mdstat]`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
struct Options {}

struct Mdstat {
    mdstat: ProcFile,
    /// Reads as Diamond does.
    diamond: Option<diamond::Reader>,
}

pub(crate) fn build(site: &Site, options: toml::Table) -> Made {
    let Options {} = options.try_into()?;
    let diamond = site.is_diamond().then(diamond::Reader::new);
    Ok(Box::new(Mdstat { mdstat: ProcFile::new(site.path("proc/mdstat")), diamond }))
}

impl Collector for Mdstat {
    fn spec(&self) -> Spec {
        Spec { name: "mdstat", class: Class::Fast, default_interval: None, deadline: Duration::from_secs(1) }
    }

    fn run(&mut self, _: Slot, out: &mut Out) -> Result<(), Fail> {
        let (path, mdstat) = self.mdstat.read()?;
        if let Some(reader) = &self.diamond {
            let mdstat = text(mdstat).ok_or_else(|| Fail::parse(path, 1, "text", mdstat))?;
            reader.publish(mdstat, out);
            return Ok(());
        }
        let mut array = None;
        for (at, line) in lines(mdstat) {
            let line = text(line).ok_or_else(|| Fail::parse(path, at, "text", line))?;
            if !line.starts_with([' ', '\t']) {
                array = line.split_once(" : ").filter(|(name, _)| name.starts_with("md")).map(|(name, rest)| {
                    publish_members(name, rest, out);
                    name
                });
                continue;
            }
            let Some(array) = array else { continue };
            let line = line.trim();
            if let Some(bitmap) = line.strip_prefix("bitmap: ") {
                publish_bitmap(array, bitmap, out);
            } else if line.contains(" blocks") {
                publish_status(array, line, out);
            } else if let Some((action, progress)) = progress(line) {
                publish_progress(array, action, progress, out);
            }
        }
        Ok(())
    }
}

/// `active raid1 sdb2[1] sdc2[2](S)`: devices that serve, that have failed, that wait.
fn publish_members(array: &str, members: &str, out: &mut Out) {
    let (mut active, mut faulty, mut spare) = (0, 0, 0);
    for member in members.split_whitespace().filter(|word| word.contains('[')) {
        match member.rsplit_once(']').map(|(_, flags)| flags) {
            Some(flags) if flags.contains("(F)") => faulty += 1,
            Some(flags) if flags.contains("(S)") => spare += 1,
            _ => active += 1,
        }
    }
    for (name, count) in [("active", active), ("faulty", faulty), ("spare", spare)] {
        out.gauge(&["mdstat", array, "member_count", name], f64::from(count)).decimals(1);
    }
}

/// `39058432 blocks super 1.2 level 5, 512k chunk, algorithm 2 [3/2] [U_U]`, of which each part may be missing.
fn publish_status(array: &str, line: &str, out: &mut Out) {
    let mut publish = |name: &str, value: Option<f64>| {
        if let Some(value) = value {
            out.gauge(&["mdstat", array, "status", name], value).decimals(1);
        }
    };
    let words: Vec<&str> = fields(line.as_bytes()).filter_map(text).map(|word| word.trim_end_matches(',')).collect();
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).map(|at| words[at]);
        let after = words.get(at + 1).copied();
        let kilobytes = || before.and_then(|word| word.strip_suffix('k')).and_then(number);
        match *word {
            "blocks" => publish("blocks", before.and_then(number)),
            "super" => publish("superblock_version", after.and_then(number)),
            "level" => publish("raid_level", after.and_then(number)),
            "algorithm" => publish("algorithm", after.and_then(number)),
            "chunk" | "chunks" => publish("chunk_size", kilobytes().map(|kilobytes| kilobytes * 1024.0)),
            "rounding" => publish("rounding_factor", kilobytes().map(|kilobytes| kilobytes * 1024.0)),
            word => {
                let counts = word.strip_prefix('[').and_then(|word| word.strip_suffix(']'));
                if let Some((total, actual)) = counts.and_then(|counts| counts.split_once('/')) {
                    publish("total_members", number(total));
                    publish("actual_members", number(actual));
                }
            }
        }
    }
}

/// `1/2 pages [4KB], 65536KB chunk`; the sizes are published in kB, as Diamond does whatever its manual says.
fn publish_bitmap(array: &str, line: &str, out: &mut Out) {
    let mut words = line.split_whitespace();
    let (allocated, total) = words.next().and_then(|pages| pages.split_once('/')).unwrap_or_default();
    let page = words.nth(1).map(|word| word.trim_matches(['[', ']', ',']));
    let chunk = words.next();
    let kilobytes = |word: Option<&str>| word.and_then(|word| word.strip_suffix("KB")).and_then(number);
    let values = [
        ("allocated_pages", number(allocated)),
        ("total_pages", number(total)),
        ("page_size", kilobytes(page)),
        ("chunk_size", kilobytes(chunk)),
    ];
    for (name, value) in values {
        if let Some(value) = value {
            out.gauge(&["mdstat", array, "bitmap", name], value).decimals(1);
        }
    }
}

/// What the kernel does with the array, and how far it is; `resync=DELAYED` has come nowhere.
fn progress(line: &str) -> Option<(&'static str, &str)> {
    ACTIONS.iter().find_map(|action| {
        let (_, rest) = line.split_once(action)?;
        Some((*action, rest.trim_start().strip_prefix('=')?))
    })
}

/// `12.6% (2464384/19529216) finish=13.5min speed=21062K/sec`, as percent, milliseconds, and bytes a second.
fn publish_progress(array: &str, action: &str, line: &str, out: &mut Out) {
    for word in line.split_whitespace() {
        let (name, value) = if let Some(percent) = word.strip_suffix('%') {
            ("percent", number(percent))
        } else if let Some(minutes) = word.strip_prefix("finish=").and_then(|word| word.strip_suffix("min")) {
            ("remaining_time", number(minutes).map(|minutes| (minutes * 60_000.0).trunc()))
        } else if let Some(speed) = word.strip_prefix("speed=").and_then(|word| word.strip_suffix("K/sec")) {
            ("speed", number(speed).map(|kilobytes| kilobytes * 1024.0))
        } else {
            continue;
        };
        if let Some(value) = value {
            out.gauge(&["mdstat", array, action, name], value).decimals(1);
        }
    }
}

/// A number with or without a fraction; no sign, no exponent.
fn number(digits: &str) -> Option<f64> {
    digits.starts_with(|c: char| c.is_ascii_digit()).then(|| digits.parse().ok()).flatten()
}

#[cfg(test)]
mod tests;
