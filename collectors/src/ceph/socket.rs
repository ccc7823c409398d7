//! One question to an admin socket.
//!
//! ```text
//! we     {"prefix":"perf dump","format":"json"} 00         in one write; at most 1 024 bytes
//! daemon LL LL LL LL  answer of that many bytes  (closes)  length in big endian
//! ```
//!
//! An answer that begins with `ERROR: (` is a refusal, whatever was asked.

use std::io::{self, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::ask::connect_unix;
use crate::fail::excerpt;

/// Far more than the largest schema seen, 128 kB.
const LONGEST_ANSWER: usize = 8 << 20;

/// Why there is no answer.
#[derive(Debug)]
pub(super) enum Fault {
    /// Nobody listens: the socket was left behind, or the daemon is only starting.
    Down,
    /// Connected or in the queue, and no whole answer in time.
    Silent,
    /// The system does not let us.
    Io(io::Error),
    /// The daemon answers with an error.
    Refused(String),
    /// The answer is not what the protocol or the command promises.
    Garbled {
        /// What should have come.
        expectation: &'static str,
        /// What came.
        finding: String,
    },
}

impl Fault {
    /// What an error of the system means here.
    pub(super) fn from_io(error: io::Error) -> Fault {
        match error.kind() {
            io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Fault::Silent,
            // Gone between the listing and now, or stopped in the middle of the answer.
            io::ErrorKind::NotFound
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::BrokenPipe => Fault::Down,
            _ => Fault::Io(error),
        }
    }

    /// JSON that is none, or is of another form.
    pub(super) fn garbled(error: serde_json::Error) -> Fault {
        Fault::Garbled { expectation: "JSON of counters", finding: excerpt(error.to_string().as_bytes()) }
    }
}

/// The answer to `command` within `timeout`, all steps together.
///
/// # Errors
/// See [`Fault`].
pub(super) fn ask(path: &Path, command: &str, timeout: Duration) -> Result<Vec<u8>, Fault> {
    let until = Instant::now() + timeout.min(Duration::from_secs(3600));
    let mut daemon = connect_unix(path).map_err(Fault::from_io)?;
    let request = format!("{{\"prefix\":\"{command}\",\"format\":\"json\"}}\0");
    daemon.set_write_timeout(Some(left(until)?)).map_err(Fault::Io)?;
    daemon.write_all(request.as_bytes()).map_err(Fault::from_io)?;
    let mut length = [0; 4];
    read(&mut daemon, &mut length, until)?;
    let length = u32::from_be_bytes(length) as usize;
    if length > LONGEST_ANSWER {
        let finding = format!("a length of {length}");
        return Err(Fault::Garbled { expectation: "an answer of at most 8 MiB", finding });
    }
    // Grows with what really comes, not with what was promised.
    let mut answer = Vec::new();
    while answer.len() < length {
        let filled = answer.len();
        answer.resize(length.min(filled + (64 << 10)), 0);
        read(&mut daemon, &mut answer[filled..], until)?;
    }
    if answer.starts_with(b"ERROR: (") {
        return Err(Fault::Refused(excerpt(&answer)));
    }
    Ok(answer)
}

fn read(daemon: &mut UnixStream, mut bytes: &mut [u8], until: Instant) -> Result<(), Fault> {
    while !bytes.is_empty() {
        daemon.set_read_timeout(Some(left(until)?)).map_err(Fault::Io)?;
        match daemon.read(bytes) {
            Ok(0) => {
                let finding = format!("the end, {} bytes too early", bytes.len());
                return Err(Fault::Garbled { expectation: "an answer as long as it says", finding });
            }
            Ok(count) => bytes = &mut bytes[count..],
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Fault::from_io(error)),
        }
    }
    Ok(())
}

fn left(until: Instant) -> Result<Duration, Fault> {
    let left = until.saturating_duration_since(Instant::now());
    if left.is_zero() { Err(Fault::Silent) } else { Ok(left) }
}
