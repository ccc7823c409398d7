//! Which admin sockets there are, and whose they are by their names.

use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use glob::Pattern;

use super::cleaned::cleaned;
use crate::{Fail, Site};

/// Far more daemons than a host has.
const MOST_SOCKETS: usize = 1024;

/// The first parts of daemons' names.
const KINDS: [&str; 6] = ["mon", "mgr", "osd", "mds", "client", "rgw"];

/// A daemon by the name of its socket.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Daemon {
    /// What the cluster is called there, `ceph` nearly everywhere.
    pub(super) cluster: String,
    pub(super) kind: String,
    /// As the daemon is called, dots and all.
    pub(super) id: String,
}

/// A socket file that was found.
#[derive(Clone, Debug)]
pub(super) struct Socket {
    pub(super) path: PathBuf,
    pub(super) daemon: Daemon,
    /// Which file it is: a daemon that starts anew makes a new one.
    pub(super) file: (u64, u64, i64),
}

/// What was found, and what could not be looked at.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) sockets: Vec<Socket>,
    pub(super) fail: Option<Fail>,
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
        if id.is_empty() {
            return None;
        }
        Some(Daemon { cluster: cleaned(&name[..at]), kind: kind.to_owned(), id: id.to_owned() })
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

/// All sockets that one of `patterns` names, in order of their paths.
///
/// # Errors
/// [`Fail::Absent`] when not even the directories are there.
pub(super) fn sockets(site: &Site, patterns: &[String]) -> Result<Listing, Fail> {
    let root = Pattern::escape(&site.root().to_string_lossy());
    let (mut sockets, mut fail, mut there) = (Vec::new(), None, false);
    for pattern in patterns {
        // Most hosts have no daemon, and a glob costs more than a run of most collectors.
        match fs::read_dir(site.path(literal(pattern))).map(|mut entries| entries.next().is_none()) {
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => continue,
            Ok(empty) => {
                there = true;
                if empty {
                    continue;
                }
            }
            Err(_) => there = true,
        }
        let whole = format!("{}/{}", root.trim_end_matches('/'), pattern.trim_start_matches('/'));
        // A pattern that is none was refused with the options.
        for found in glob::glob(&whole).into_iter().flatten().take(MOST_SOCKETS * 4) {
            match found {
                Ok(path) => sockets.extend(Socket::at(path)),
                Err(error) => {
                    let path = error.path().to_owned();
                    fail.get_or_insert(Fail::Read { path, source: error.into() });
                }
            }
        }
    }
    if !there {
        return Err(Fail::Absent { what: format!("a directory of Ceph's sockets ({})", patterns.join(", ")) });
    }
    sockets.sort_by(|one, other| one.path.cmp(&other.path));
    // Two patterns, or two ways to one directory, may find the same.
    sockets.dedup_by(|one, other| one.path == other.path);
    sockets.truncate(MOST_SOCKETS);
    Ok(Listing { sockets, fail })
}

/// The part of `pattern` before the first component with a wildcard.
fn literal(pattern: &str) -> &str {
    let wild = pattern.find(['*', '?', '[']).unwrap_or(pattern.len());
    pattern[..wild].rsplit_once('/').map_or("/", |(folder, _)| if folder.is_empty() { "/" } else { folder })
}

impl Socket {
    /// `None` for what is no socket, or is not named like one of Ceph's.
    fn at(path: PathBuf) -> Option<Socket> {
        let daemon = Daemon::of(&path)?;
        let file = fs::metadata(&path).ok().filter(|file| file.file_type().is_socket())?;
        Some(Socket { path, daemon, file: identity(&file) })
    }

    /// The id of the cluster when the socket lies in a directory named by one, as cephadm has it.
    pub(super) fn fsid(&self) -> Option<&str> {
        let folder = self.path.parent()?.file_name()?.to_str()?;
        is_fsid(folder).then_some(folder)
    }
}

fn identity(file: &Metadata) -> (u64, u64, i64) {
    (file.dev(), file.ino(), file.ctime_nsec().wrapping_add(file.ctime().wrapping_mul(1_000_000_000)))
}

/// Whether `text` is a UUID in its usual form.
pub(super) fn is_fsid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}
