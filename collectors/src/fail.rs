//! Why a run gave less than it should.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

/// Why a collector could not measure.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fail {
    /// This host has no such thing (no Ceph daemon, no such kernel file). Never logged above debug.
    #[error("{what} is not on this host")]
    Absent {
        /// The file, directory or device that was looked for.
        what: String,
    },
    /// The source is there and cannot be read; usually a matter of permissions.
    #[error("cannot read {path}")]
    Read {
        /// What was read.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The source does not look as expected: a kernel newer than us, or half an answer.
    #[error("{path} line {line}: expected {expectation}, found `{finding}`")]
    Parse {
        /// What was read.
        path: PathBuf,
        /// Counted from 1.
        line: usize,
        /// What should have stood there.
        expectation: &'static str,
        /// What stands there, cut to a readable length.
        finding: String,
    },
    /// More bytes than any honest source has; nothing of it is used.
    #[error("{path} has more than {limit} bytes; it is not what it should be")]
    TooLong {
        /// What was read.
        path: PathBuf,
        /// The most that is read of it.
        limit: usize,
    },
    /// Nobody listens, or the other side hung up: the service does not run, or listens elsewhere.
    #[error("cannot reach {what}")]
    Reach {
        /// Who was asked.
        what: String,
        /// What the system said.
        source: io::Error,
    },
    /// The other side took connections or requests and did not answer in time.
    #[error("{what} gave no answer within {} ms", after.as_millis())]
    Timeout {
        /// Who was asked.
        what: String,
        /// How long it was waited for.
        after: Duration,
    },
    /// The other side answered with a refusal.
    #[error("{what} answers: {answer}")]
    Refused {
        /// Who was asked.
        what: String,
        /// The first line of its answer, cut to a readable length.
        answer: String,
    },
    /// A program of the user's did not do what a plugin does. The same words as long as it is the same fault.
    #[error("{fault}")]
    Program {
        /// What it did, in words.
        fault: String,
    },
}

impl Fail {
    /// A [`Fail::Parse`] with `finding` cut to what fits a log line.
    pub fn parse(path: impl Into<PathBuf>, line: usize, expectation: &'static str, finding: &[u8]) -> Fail {
        Fail::Parse { path: path.into(), line, expectation, finding: excerpt(finding) }
    }
}

/// The beginning of `bytes` as one printable line.
pub(crate) fn excerpt(bytes: &[u8]) -> String {
    const LONGEST: usize = 80;
    let line = bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
    let text = String::from_utf8_lossy(&line[..line.len().min(LONGEST)]);
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
