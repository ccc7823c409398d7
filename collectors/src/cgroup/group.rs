//! The files of one control group.

use std::path::Path;

use crate::proc::{fields, lines, number, read_once, text};
use crate::{Bits, Fail, Out, Unit, stall};

/// How deep a group may lie and be measured.
pub(super) const DEEPEST: usize = 10;

/// A file of `KEY COUNT` lines: the file, its key, the two parts of the name, and what a count is multiplied with.
type Keyed = (&'static str, &'static str, [&'static str; 2], f64);

/// Microseconds a second as percent of one processor.
const PERCENT: f64 = 1e-4;

const COUNTERS: [Keyed; 8] = [
    ("cpu.stat", "usage_usec", ["cpu", "usage"], PERCENT),
    ("cpu.stat", "user_usec", ["cpu", "user"], PERCENT),
    ("cpu.stat", "system_usec", ["cpu", "system"], PERCENT),
    ("cpu.stat", "throttled_usec", ["cpu", "throttled"], PERCENT),
    ("memory.events", "high", ["memory", "events_high"], 1.0),
    ("memory.events", "max", ["memory", "events_max"], 1.0),
    ("memory.events", "oom_kill", ["memory", "events_oom_kill"], 1.0),
    ("memory.stat", "pgmajfault", ["memory", "pgmajfault"], 1.0),
];

const GAUGES: [Keyed; 4] = [
    ("memory.stat", "anon", ["memory", "anon"], 1.0),
    ("memory.stat", "file", ["memory", "file"], 1.0),
    ("memory.stat", "kernel", ["memory", "kernel"], 1.0),
    ("memory.stat", "shmem", ["memory", "shmem"], 1.0),
];

/// Files that hold one number, or `max` where there is no limit.
const SINGLE: [(&str, [&str; 2]); 5] = [
    ("memory.current", ["memory", "current"]),
    ("memory.max", ["memory", "max"]),
    ("memory.swap.current", ["memory", "swap"]),
    ("pids.current", ["pids", "current"]),
    ("pids.max", ["pids", "max"]),
];

/// Publishes what the group in `folder` uses, below the parts of `name`. Files of controllers that are off for it are
/// not there, and so are all files of a group that has just ended.
///
/// # Errors
/// The first file that is not as the kernel writes it.
pub(super) fn publish(folder: &Path, name: &[String], bytes: &mut Vec<u8>, out: &mut Out) -> Result<(), Fail> {
    let mut parts: Vec<&str> = name.iter().map(String::as_str).collect();
    for file in ["cpu.stat", "memory.stat", "memory.events"] {
        let path = folder.join(file);
        if let Some(table) = present(&path, bytes)? {
            publish_keyed(&path, table, file, &mut parts, out)?;
        }
    }
    for (file, [subject, value]) in SINGLE {
        let path = folder.join(file);
        let Some(digits) = present(&path, bytes)?.map(<[u8]>::trim_ascii).filter(|digits| *digits != b"max") else {
            continue;
        };
        let count = number(digits).ok_or_else(|| Fail::parse(&path, 1, "a number or `max`", digits))?;
        parts.extend([subject, value]);
        out.gauge(&parts, count as f64);
        parts.truncate(name.len());
    }
    let path = folder.join("io.stat");
    if let Some(table) = present(&path, bytes)? {
        publish_io(&path, table, &mut parts, out)?;
    }
    for resource in ["cpu", "io", "memory"] {
        let path = folder.join(format!("{resource}.pressure"));
        if let Some(pressure) = present(&path, bytes)? {
            parts.extend([resource, "pressure"]);
            stall::publish(&path, pressure, &parts, false, out)?;
            parts.truncate(name.len());
        }
    }
    Ok(())
}

/// The contents of a file that may not be there, or not be for us: pressure can be off, too.
fn present<'a>(path: &Path, bytes: &'a mut Vec<u8>) -> Result<Option<&'a [u8]>, Fail> {
    match read_once(path, bytes) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(Fail::Absent { .. } | Fail::Read { .. }) => Ok(None),
        Err(fail) => Err(fail),
    }
}

fn publish_keyed(path: &Path, table: &[u8], file: &str, parts: &mut Vec<&str>, out: &mut Out) -> Result<(), Fail> {
    let depth = parts.len();
    for (at, line) in lines(table) {
        let mut columns = fields(line);
        let (Some(key), Some(digits)) = (columns.next().and_then(text), columns.next()) else { continue };
        let known = |keyed: &[Keyed]| keyed.iter().find(|known| known.0 == file && known.1 == key).copied();
        let (counter, gauge) = (known(&COUNTERS), known(&GAUGES));
        let Some((_, _, name, scale)) = counter.or(gauge) else { continue };
        let count = number(digits).ok_or_else(|| Fail::parse(path, at, "a count", digits))?;
        parts.extend(name);
        if counter.is_some() {
            out.counter(parts, count, Bits::B64).scale(scale).decimals(2);
        } else {
            out.gauge(parts, count as f64).unit(Unit::Bytes);
        }
        parts.truncate(depth);
    }
    Ok(())
}

/// `8:0 rbytes=1459200 wbytes=314773504 rios=192 wios=353 ..`, a line for each device; the sum of them is published.
fn publish_io(path: &Path, table: &[u8], parts: &mut Vec<&str>, out: &mut Out) -> Result<(), Fail> {
    const KEYS: [(&str, &str); 4] =
        [("rbytes", "read_byte"), ("wbytes", "write_byte"), ("rios", "reads"), ("wios", "writes")];
    let mut sums = [0_u64; KEYS.len()];
    for (at, line) in lines(table) {
        for (key, digits) in fields(line).skip(1).filter_map(text).filter_map(|column| column.split_once('=')) {
            let Some(which) = KEYS.iter().position(|(known, _)| *known == key) else { continue };
            let count = number(digits.as_bytes()).ok_or_else(|| Fail::parse(path, at, "a count", line))?;
            sums[which] = sums[which].saturating_add(count);
        }
    }
    let depth = parts.len();
    for ((_, name), sum) in KEYS.iter().zip(sums) {
        parts.extend(["io", name]);
        out.counter(parts, sum, Bits::B64).decimals(2);
        parts.truncate(depth);
    }
    Ok(())
}
