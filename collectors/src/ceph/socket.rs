//! One question to an admin socket, without ever waiting: whoever calls says when the socket is ready.
//!
//! ```text
//! we     {"prefix":"perf dump","format":"json"} 00         in one write; at most 1 024 bytes
//! daemon LL LL LL LL  answer of that many bytes  (closes)  length in big endian
//! ```
//!
//! An answer that begins with `ERROR: (` is a refusal, whatever was asked.

use std::io::{self, Read, Write};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use crate::dial::connect_unix;
use crate::fail::excerpt;

/// Far more than the largest schema seen, 128 kB.
const LONGEST_ANSWER: usize = 8 << 20;

/// Room that is made for the next piece of an answer.
const PIECE: usize = 32 << 10;

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
    fn from_io(error: io::Error) -> Fault {
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

/// A question that was asked.
pub(super) struct Talk {
    daemon: UnixStream,
    /// Length and answer, as far as they are here.
    heard: Vec<u8>,
    until: Instant,
}

impl Talk {
    /// Asks the daemon at `path`; what it answers goes into `heard`. The whole is over after `timeout`.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(super) fn begin(
        path: &Path,
        request: &str,
        timeout: Duration,
        mut heard: Vec<u8>,
    ) -> Result<Talk, (Fault, Vec<u8>)> {
        heard.clear();
        let until = Instant::now() + timeout.min(Duration::from_secs(3600));
        let asked = connect_unix(path).and_then(|mut daemon| {
            daemon.set_nonblocking(true)?;
            // A socket that was just connected has room for a thousand bytes.
            daemon.write_all(request.as_bytes()).map(|()| daemon)
        });
        match asked {
            Ok(daemon) => Ok(Talk { daemon, heard, until }),
            Err(error) => Err((Fault::from_io(error), heard)),
        }
    }

    pub(super) fn socket(&self) -> BorrowedFd<'_> {
        self.daemon.as_fd()
    }

    pub(super) fn until(&self) -> Instant {
        self.until
    }

    /// Bytes that this answer takes up so far.
    pub(super) fn size(&self) -> usize {
        self.heard.capacity()
    }

    /// Takes what is there. `true` when that is all of the answer.
    ///
    /// # Errors
    /// See [`Fault`].
    pub(super) fn hear(&mut self) -> Result<bool, Fault> {
        loop {
            if let Some(whole) = self.promised()?
                && self.heard.len() >= whole
            {
                self.heard.truncate(whole);
                let answer = self.answer();
                return if answer.starts_with(b"ERROR: (") { Err(Fault::Refused(excerpt(answer))) } else { Ok(true) };
            }
            // Memory grows with what really comes, not with what was promised.
            let filled = self.heard.len();
            self.heard.resize(filled + PIECE, 0);
            let read = self.daemon.read(&mut self.heard[filled..]);
            self.heard.truncate(filled + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(0) => return Err(self.cut_off()),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(false),
                Err(error) => return Err(Fault::from_io(error)),
            }
        }
    }

    /// The answer, once it is whole.
    pub(super) fn answer(&self) -> &[u8] {
        self.heard.get(4..).unwrap_or_default()
    }

    /// Gives the memory back.
    pub(super) fn end(self) -> Vec<u8> {
        self.heard
    }

    /// Bytes of length and answer together.
    fn promised(&self) -> Result<Option<usize>, Fault> {
        let Some(length) = self.heard.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if length > LONGEST_ANSWER {
            let finding = format!("a length of {length}");
            return Err(Fault::Garbled { expectation: "an answer of at most 8 MiB", finding });
        }
        Ok(Some(4 + length))
    }

    fn cut_off(&self) -> Fault {
        if self.heard.is_empty() {
            // A daemon that stops takes connections until its last moment.
            return Fault::Down;
        }
        let whole = self.heard.first_chunk::<4>().map_or(4, |length| u32::from_be_bytes(*length) as usize + 4);
        let missing = whole.saturating_sub(self.heard.len());
        let finding = format!("the end, {missing} bytes too early");
        Fault::Garbled { expectation: "an answer as long as it says", finding }
    }
}
