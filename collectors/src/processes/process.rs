//! What the files of one process say.

use std::fs;
use std::path::Path;

use crate::Fail;
use crate::proc::{fields, lines, number, read_once, text};

/// What is read of every process at every run.
#[derive(Debug, PartialEq)]
pub(super) struct Stat<'a> {
    /// The kernel's short name of it.
    pub(super) name: &'a str,
    /// Ticks in user space and in the kernel.
    pub(super) user: u64,
    /// Ticks in the kernel.
    pub(super) system: u64,
    pub(super) threads: u64,
    /// Ticks after the start of the host; with the number it tells a process from a later one of the same number.
    pub(super) started: u64,
    /// Memory pages in use.
    pub(super) pages: u64,
}

/// The numbers behind the name in `/proc/PID/stat`, counted from the state, which is 0.
const USER: usize = 11;
const THREADS: usize = 17;
const STARTED: usize = 19;
const PAGES: usize = 21;

/// Reads `/proc/PID/stat`. The name is in brackets and may hold anything, brackets and newlines too.
///
/// # Errors
/// [`Fail::Parse`] when a number is missing.
pub(super) fn stat<'a>(path: &Path, stat: &'a [u8]) -> Result<Stat<'a>, Fail> {
    let broken = || Fail::parse(path, 1, "a name in brackets and 22 fields behind it", stat);
    let open = stat.iter().position(|byte| *byte == b'(').ok_or_else(broken)?;
    let close = stat.iter().rposition(|byte| *byte == b')').filter(|close| *close > open).ok_or_else(broken)?;
    let mut rest = fields(&stat[close + 1..]);
    let mut at = 0;
    let mut nth = |wanted: usize| {
        let digits = rest.nth(wanted - at);
        at = wanted + 1;
        digits.and_then(number).ok_or_else(broken)
    };
    Ok(Stat {
        name: text(&stat[open + 1..close]).unwrap_or("?"),
        user: nth(USER)?,
        system: nth(USER + 1)?,
        threads: nth(THREADS)?,
        started: nth(STARTED)?,
        pages: nth(PAGES)?,
    })
}

/// What is read of the processes of a group only, by the names of Diamond and in their order. What we may not see is
/// not there.
pub(super) const DETAILS: [&[&str]; 14] = [
    &["num_fds"],
    &["io_counters", "read_count"],
    &["io_counters", "write_count"],
    &["io_counters", "read_bytes"],
    &["io_counters", "write_bytes"],
    &["num_ctx_switches", "voluntary"],
    &["num_ctx_switches", "involuntary"],
    &["memory_info_ex", "vms"],
    &["memory_info_ex", "rss"],
    &["memory_info_ex", "shared"],
    &["memory_info_ex", "text"],
    &["memory_info_ex", "lib"],
    &["memory_info_ex", "data"],
    &["memory_info_ex", "dirty"],
];

/// The details of the process in `folder`.
pub(super) fn details(folder: &Path, bytes: &mut Vec<u8>) -> [Option<u64>; DETAILS.len()] {
    let mut found = [None; DETAILS.len()];
    found[0] = fs::read_dir(folder.join("fd")).ok().map(|files| files.count() as u64);
    if let Ok(io) = read_once(&folder.join("io"), bytes) {
        found[1..5].copy_from_slice(&["syscr:", "syscw:", "read_bytes:", "write_bytes:"].map(|key| keyed(io, key)));
    }
    if let Ok(status) = read_once(&folder.join("status"), bytes) {
        let keys = ["voluntary_ctxt_switches:", "nonvoluntary_ctxt_switches:"];
        found[5..7].copy_from_slice(&keys.map(|key| keyed(status, key)));
    }
    if let Ok(statm) = read_once(&folder.join("statm"), bytes) {
        let page = rustix::param::page_size() as u64;
        for (found, pages) in found[7..].iter_mut().zip(fields(statm)) {
            *found = number(pages).map(|pages| pages.saturating_mul(page));
        }
    }
    found
}

/// The number behind `key` at the beginning of a line.
fn keyed(table: &[u8], key: &str) -> Option<u64> {
    let (_, line) = lines(table).find(|(_, line)| line.starts_with(key.as_bytes()))?;
    fields(line).nth(1).and_then(number)
}

/// The path of the program, and the words it was started with, parted by spaces; both empty for what we may not see and
/// for threads of the kernel.
pub(super) fn program(folder: &Path, bytes: &mut Vec<u8>) -> (String, String) {
    let exe = fs::read_link(folder.join("exe")).map(|exe| exe.to_string_lossy().into_owned()).unwrap_or_default();
    let cmdline = read_once(&folder.join("cmdline"), bytes).unwrap_or_default();
    let words = cmdline.strip_suffix(b"\0").unwrap_or(cmdline);
    (exe, String::from_utf8_lossy(words).replace('\0', " "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_may_hold_brackets_and_spaces() {
        let line =
            b"7 (a) b) S 1 7 7 0 -1 4194304 109 0 0 0 12 34 0 0 20 0 5 0 1356 2998272 414 18446744073709551615 9\n";
        let expected = Stat { name: "a) b", user: 12, system: 34, threads: 5, started: 1356, pages: 414 };
        assert_eq!(stat(Path::new("stat"), line).unwrap(), expected);
    }

    #[test]
    fn a_cut_line_is_refused() {
        for line in
            ["", "7 (a", "7 )a(", "7 (a) S 1 7", "7 (a) S 1 7 7 0 -1 x 109 0 0 0 -12 34 0 0 20 0 5 0 1356 2998272 4"]
        {
            assert!(stat(Path::new("stat"), line.as_bytes()).is_err(), "{line}");
        }
    }
}
