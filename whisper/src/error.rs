//! Why a Whisper file could not be used.

use std::io;
use std::path::{Path, PathBuf};

use crate::{InvalidFactor, RetentionError, Timestamp, UnknownAggregation};

/// What is wrong with which file, and what to do about it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The archives asked for break a rule of the format.
    #[error(transparent)]
    InvalidConfiguration(#[from] RetentionError),
    /// No such aggregation method.
    #[error(transparent)]
    InvalidAggregationMethod(#[from] UnknownAggregation),
    /// The xFilesFactor is not from 0 to 1.
    #[error(transparent)]
    InvalidXFilesFactor(#[from] InvalidFactor),
    /// A window that ends before it begins.
    #[error("the window begins at {from}, after its end at {until}; swap the two")]
    InvalidTimeInterval {
        /// Begin, seconds since the epoch.
        from: i64,
        /// End, seconds since the epoch.
        until: i64,
    },
    /// A window of more slots than any file of this size can fill.
    #[error("{path}: the window has {slots} slots and at most {limit} are given at once; ask for a shorter one")]
    WindowTooWide {
        /// The file.
        path: PathBuf,
        /// Slots asked for.
        slots: u64,
        /// Slots given at most.
        limit: u64,
    },
    /// No archive has the step that was asked for.
    #[error("{path}: no archive has a step of {step} s; its steps are {steps:?}")]
    UnknownStep {
        /// The file.
        path: PathBuf,
        /// What was asked for.
        step: u64,
        /// What there is.
        steps: Vec<u32>,
    },
    /// A point in the future, or older than the file remembers.
    #[error("{path}: {time} lies outside the file's time, which at {now} covers the last {max_retention} s")]
    TimestampNotCovered {
        /// The file.
        path: PathBuf,
        /// The point's time.
        time: Timestamp,
        /// The clock.
        now: Timestamp,
        /// How far back the file reaches, in seconds.
        max_retention: u32,
    },
    /// The file is no Whisper file, or a damaged one.
    #[error("{path}: {damage}")]
    Corrupt {
        /// The file.
        path: PathBuf,
        /// What was found.
        damage: Damage,
    },
    /// Merging and comparing need files with the same archives.
    #[error("{from} and {to} have different archives; resize one of them first")]
    UnlikeArchives {
        /// The file read from.
        from: PathBuf,
        /// The other file.
        to: PathBuf,
    },
    /// There is no such file.
    #[error("{path} does not exist")]
    NotFound {
        /// The path tried.
        path: PathBuf,
    },
    /// Creation never replaces a file.
    #[error("{path} exists already; remove it first, or choose another name")]
    Exists {
        /// The path tried.
        path: PathBuf,
    },
    /// A directory, a FIFO or a device carries the name.
    #[error("{path} is {kind}; a Whisper file must be a regular file")]
    NotAFile {
        /// The path tried.
        path: PathBuf,
        /// What it is, with its article.
        kind: &'static str,
    },
    /// The operating system refused: permissions, a full disk, a vanished mount.
    #[error("cannot {action} {path}")]
    Io {
        /// What was tried, as an infinitive.
        action: &'static str,
        /// On which file.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

/// What is damaged about a file. Archives are counted from 0 in the order of the header.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Damage {
    /// Fewer bytes than the fixed part of a header; a full disk during creation leaves this behind.
    HeaderCutShort {
        /// Size of the file.
        len: u64,
    },
    /// The first four bytes name no aggregation method: not a Whisper file, or one with go-carbon's additions.
    UnknownAggregation {
        /// The number found.
        code: u32,
    },
    /// The file is in go-carbon's compressed format.
    Compressed,
    /// The xFilesFactor is not from 0 to 1.
    XFilesFactor {
        /// The number found.
        value: f32,
    },
    /// The archive table is longer than the file, or than any valid table.
    ArchiveTable {
        /// Number of archives the header promises.
        archives: u32,
        /// Size of the file.
        len: u64,
    },
    /// The header promises no archives.
    NoArchives,
    /// An archive without points, or with a step of zero.
    EmptyArchive {
        /// Which archive.
        archive: usize,
        /// Its step.
        step: u32,
        /// Its number of points.
        points: u32,
    },
    /// The first slot of an archive lies past the end of the file.
    BasePoint {
        /// Which archive.
        archive: usize,
        /// Where its first slot should be.
        offset: u64,
    },
    /// A slot, or a whole stretch of slots, is cut off by the end of the file.
    SlotsCutShort {
        /// Which archive.
        archive: usize,
        /// Where the archive should end.
        end: u64,
    },
    /// The archives that the header promises do not fill the file exactly.
    Size {
        /// Size by the header.
        promised: u64,
        /// Size of the file.
        len: u64,
    },
    /// An archive does not begin where the one before it ends.
    Offset {
        /// Which archive.
        archive: usize,
        /// Where it should begin.
        expected: u64,
        /// Where the header puts it.
        found: u64,
    },
    /// The longest retention in the header differs from that of the archives.
    MaxRetention {
        /// By the archives.
        expected: u64,
        /// By the header.
        found: u32,
    },
    /// No archive is old enough for a time that the header covers.
    NoArchiveFor {
        /// Age of the time in seconds.
        age: i64,
    },
    /// The archives break one of the five rules.
    Rules(RetentionError),
}

impl std::fmt::Display for Damage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Damage::HeaderCutShort { len } => write!(f, "a header has at least 16 bytes, the file has {len}")?,
            Damage::UnknownAggregation { code } => {
                write!(f, "its first four bytes should name an aggregation method, 1 to 8, and say {code}")?;
            }
            Damage::Compressed => {
                return f.write_str(
                    "it is in go-carbon's compressed format, which is not read here; convert it there first",
                );
            }
            Damage::XFilesFactor { value } => write!(f, "its xFilesFactor should be from 0 to 1 and is {value}")?,
            Damage::ArchiveTable { archives, len } => {
                write!(f, "the header promises {archives} archives, more than a file of {len} bytes can describe")?;
            }
            Damage::NoArchives => f.write_str("the header promises no archives, a file needs at least one")?,
            Damage::EmptyArchive { archive, step, points } => {
                write!(f, "archive {archive} has a step of {step} s and {points} points, both should be at least 1")?;
            }
            Damage::BasePoint { archive, offset } => {
                write!(f, "archive {archive} should begin at byte {offset}, where the file has already ended")?;
            }
            Damage::SlotsCutShort { archive, end } => {
                write!(f, "archive {archive} should reach to byte {end}, the file ends within it")?;
            }
            Damage::Size { promised, len } => write!(f, "the header promises {promised} bytes, the file has {len}")?,
            Damage::Offset { archive, expected, found } => {
                write!(f, "archive {archive} should begin at byte {expected}, the header puts it at {found}")?;
            }
            Damage::MaxRetention { expected, found } => {
                write!(f, "its archives reach back {expected} s, the header says {found} s")?;
            }
            Damage::NoArchiveFor { age } => write!(f, "no archive reaches back {age} s although the header says so")?,
            Damage::Rules(error) => write!(f, "{error}")?,
        }
        f.write_str("; `whisper fsck --repair` sets it right or aside, then carbon makes a new one")
    }
}

impl Error {
    /// Whether the file itself is at fault: it will refuse every time until someone repairs or removes it.
    pub fn is_corrupt(&self) -> bool {
        matches!(self, Error::Corrupt { .. } | Error::NotAFile { .. })
    }

    /// What the operating system said, if it was the one that refused.
    pub fn io_kind(&self) -> Option<io::ErrorKind> {
        match self {
            Error::Io { source, .. } => Some(source.kind()),
            Error::NotFound { .. } => Some(io::ErrorKind::NotFound),
            Error::Exists { .. } => Some(io::ErrorKind::AlreadyExists),
            _ => None,
        }
    }

    /// An error of the operating system, with absence and presence told apart.
    #[cfg_attr(not(feature = "file"), expect(dead_code, reason = "only files meet the operating system"))]
    pub(crate) fn io(action: &'static str, path: &Path, source: io::Error) -> Error {
        let path = path.to_owned();
        match source.kind() {
            io::ErrorKind::NotFound => Error::NotFound { path },
            io::ErrorKind::AlreadyExists => Error::Exists { path },
            _ => Error::Io { action, path, source },
        }
    }
}
