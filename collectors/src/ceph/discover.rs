//! Which admin sockets there are, and whose they are by their names.

use std::fs;
use std::io;
use std::os::unix::fs::FileTypeExt;
use std::path::{Path, PathBuf};

use crate::{Fail, Site};

/// Far more daemons than a host has.
const MOST_SOCKETS: usize = 1024;

/// The first parts of daemons' names.
const KINDS: [&str; 6] = ["mon", "mgr", "osd", "mds", "client", "rgw"];

/// A daemon by the name of its socket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Daemon {
    pub(super) cluster: String,
    pub(super) kind: String,
    pub(super) id: String,
}

impl Daemon {
    /// Whose socket `path` is: `CLUSTER-TYPE.ID.asok`. `None` when it is not named like one.
    ///
    /// A client's socket also names its process, `.PID.COOKIE`, which is new at each start and is cut off.
    pub(super) fn of(path: &Path) -> Option<Daemon> {
        let name = path.file_name()?.to_str()?.strip_suffix(".asok")?;
        // The name of a cluster may hold a `-`, so what follows it is looked for.
        let found = KINDS.iter().filter_map(|kind| Some((name.find(&format!("-{kind}."))?, *kind))).min();
        let (at, kind) = found.filter(|(at, _)| *at > 0)?;
        let id = &name[at + 1 + kind.len() + 1..];
        let id = if kind == "client" { without_process(id) } else { id };
        Some(Daemon { cluster: cleaned(&name[..at]), kind: kind.to_owned(), id: cleaned(id) })
    }
}

fn without_process(id: &str) -> &str {
    let number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let mut parts = id.rsplitn(3, '.');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(cookie), Some(pid), Some(rest)) if number(cookie) && number(pid) && !rest.is_empty() => rest,
        _ => id,
    }
}

/// `text` with every run of characters that a name of ours does not have as one `_`.
pub(super) fn cleaned(text: &str) -> String {
    let mut name = String::with_capacity(text.len());
    let mut dirty = false;
    for c in text.chars() {
        let fine = c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if fine {
            name.push(c);
        } else if !dirty {
            name.push('_');
        }
        dirty = !fine;
    }
    name
}

/// All `*.asok` sockets in `directories`, in order.
///
/// # Errors
/// [`Fail::Absent`] when none of the directories is there, [`Fail::Read`] when one may not be read.
pub(super) fn sockets(site: &Site, directories: &[String]) -> Result<Vec<PathBuf>, Fail> {
    let mut sockets = Vec::new();
    let mut there = false;
    for directory in directories {
        let folders = match directory.strip_suffix("/*") {
            Some(parent) => entries(&site.path(parent), |kind| kind.is_dir())?.unwrap_or_default(),
            None => vec![site.path(directory)],
        };
        for folder in folders {
            if let Some(found) = entries(&folder, |kind| kind.is_socket())? {
                there = true;
                sockets.extend(found.into_iter().filter(|path| path.extension().is_some_and(|end| end == "asok")));
            }
        }
    }
    if !there {
        return Err(Fail::Absent { what: format!("a directory of Ceph sockets ({})", directories.join(", ")) });
    }
    sockets.sort();
    sockets.dedup();
    sockets.truncate(MOST_SOCKETS);
    Ok(sockets)
}

/// What is of one kind in `folder`; `None` when there is no such folder.
fn entries(folder: &Path, wanted: fn(&fs::FileType) -> bool) -> Result<Option<Vec<PathBuf>>, Fail> {
    let list = match fs::read_dir(folder) {
        Ok(list) => list,
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(None);
        }
        Err(source) => return Err(Fail::Read { path: folder.to_owned(), source }),
    };
    let list = list.flatten().take(MOST_SOCKETS * 4);
    Ok(Some(list.filter(|entry| entry.file_type().is_ok_and(|kind| wanted(&kind))).map(|entry| entry.path()).collect()))
}
