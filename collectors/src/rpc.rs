//! The form of `/proc/net/rpc/nfs` and `/proc/net/rpc/nfsd`: a word, then counts by position. Two collectors read it.

use std::path::Path;

use crate::proc::{fields, lines, number, text};
use crate::{Bits, Fail, Out};

/// What the positions of one line mean.
#[derive(Clone, Copy)]
pub(crate) struct Row {
    /// The word at its beginning.
    pub(crate) word: &'static str,
    /// The parts of the name between the collector's own and the count's.
    pub(crate) group: &'static [&'static str],
    /// The counts in order; an empty name is passed over, and so is what a newer kernel adds behind the last.
    pub(crate) names: &'static [&'static str],
}

/// Procedures of NFS 2, behind the number of them.
pub(crate) const PROC2: Row = Row {
    word: "proc2",
    group: &["v2"],
    names: &[
        "", "null", "getattr", "setattr", "root", "lookup", "readlink", "read", "wrcache", "write", "create", "remove",
        "rename", "link", "symlink", "mkdir", "rmdir", "readdir", "fsstat",
    ],
};

/// Procedures of NFS 3, behind the number of them.
pub(crate) const PROC3: Row = Row {
    word: "proc3",
    group: &["v3"],
    names: &[
        "",
        "null",
        "getattr",
        "setattr",
        "lookup",
        "access",
        "readlink",
        "read",
        "write",
        "create",
        "mkdir",
        "symlink",
        "mknod",
        "remove",
        "rmdir",
        "rename",
        "link",
        "readdir",
        "readdirplus",
        "fsstat",
        "fsinfo",
        "pathconf",
        "commit",
    ],
};

/// Publishes every count of the lines that `rows` know as a rate under `root`, with three decimals.
///
/// # Errors
/// [`Fail::Parse`] at the first count that is no number.
pub(crate) fn publish(path: &Path, table: &[u8], root: &str, rows: &[Row], out: &mut Out) -> Result<(), Fail> {
    for (at, line) in lines(table) {
        let mut counts = fields(line);
        let word = counts.next().and_then(text).unwrap_or_default();
        let Some(row) = rows.iter().find(|row| row.word == word) else { continue };
        for (name, digits) in row.names.iter().zip(counts) {
            if name.is_empty() {
                continue;
            }
            let mut parts = [root, "", "", ""];
            parts[1..=row.group.len()].copy_from_slice(row.group);
            parts[row.group.len() + 1] = name;
            publish_count(path, at, &parts[..row.group.len() + 2], digits, out)?;
        }
    }
    Ok(())
}

/// Publishes one count of line `at`, or seconds with a fraction, as a rate under the name `parts`.
///
/// # Errors
/// [`Fail::Parse`] when it is neither.
pub(crate) fn publish_count(path: &Path, at: usize, parts: &[&str], digits: &[u8], out: &mut Out) -> Result<(), Fail> {
    let seconds = || text(digits).and_then(|text| text.parse::<f64>().ok()).filter(|seconds| *seconds >= 0.0);
    if let Some(count) = number(digits) {
        out.counter(parts, count, Bits::B64).decimals(3);
    } else if let Some(seconds) = seconds() {
        out.total(parts, seconds).decimals(3);
    } else {
        return Err(Fail::parse(path, at, "a count", digits));
    }
    Ok(())
}
