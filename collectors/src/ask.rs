//! Asking a service for its statistics: where it is, and one exchange of bytes that ends in time whatever it does.
//!
//! Nothing here knows a protocol. No name is resolved, because no deadline holds for that: a place is an address,
//! `localhost`, or a socket in the file system.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpStream};
use std::os::unix::net::UnixStream;
use std::panic::resume_unwind;
use std::path::PathBuf;
use std::thread;
use std::time::{Duration, Instant};

use serde::{Deserialize, Deserializer, de};

use crate::Fail;
use crate::dial::connect_unix;

/// Where a service listens: `127.0.0.1:6379`, `[::1]:6379`, `localhost:6379` (which is 127.0.0.1) or
/// `unix:/run/redis.sock`.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Place {
    Tcp(SocketAddr),
    Unix(PathBuf),
}

impl Place {
    /// The place that `text` says.
    ///
    /// # Errors
    /// What is wrong with it, for the operator.
    pub(crate) fn parse(text: &str) -> Result<Place, String> {
        if let Some(path) = text.strip_prefix("unix:") {
            return Ok(Place::Unix(path.into()));
        }
        let address = match text.strip_prefix("localhost:") {
            Some(port) => port.parse().ok().map(|port| SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), port)),
            None => text.parse().ok(),
        };
        address.map(Place::Tcp).ok_or_else(|| {
            format!("`{text}` is not ADDRESS:PORT, localhost:PORT or unix:PATH; names of other hosts are not resolved")
        })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Place::Tcp(address) => write!(f, "{address}"),
            Place::Unix(path) => write!(f, "{}", path.display()),
        }
    }
}

impl<'de> Deserialize<'de> for Place {
    fn deserialize<D: Deserializer<'de>>(input: D) -> Result<Place, D::Error> {
        Place::parse(&String::deserialize(input)?).map_err(de::Error::custom)
    }
}

/// The most that are asked at the same time.
const AT_ONCE: usize = 64;

/// What `ask` gives for each of `places`, in their order. They are asked at the same time, so that one that does not answer
/// costs the others nothing and all of them cost one deadline.
pub(crate) fn at_once<T: Sync, R: Send>(places: &[T], ask: impl Fn(&T) -> R + Sync) -> Vec<R> {
    if let [only] = places {
        return vec![ask(only)];
    }
    let ask = &ask;
    let mut answers = Vec::with_capacity(places.len());
    for some in places.chunks(AT_ONCE) {
        thread::scope(|scope| {
            let begin = |place| {
                let thread = thread::Builder::new().name("ask".to_owned());
                thread.spawn_scoped(scope, move || ask(place)).map_err(|_| place)
            };
            let begun: Vec<_> = some.iter().map(begin).collect();
            answers.extend(begun.into_iter().map(|begun| match begun {
                Ok(thread) => thread.join().unwrap_or_else(|panic| resume_unwind(panic)),
                // Without a thread one after the other.
                Err(place) => ask(place),
            }));
        });
    }
    answers
}

/// A connection to a service, with the moment at which it is given up.
#[derive(Debug)]
pub(crate) struct Exchange {
    stream: Stream,
    what: String,
    begun: Instant,
    until: Instant,
}

#[derive(Debug)]
enum Stream {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Exchange {
    /// Connects to `place`. All that follows is over after `patience`, counted from now.
    ///
    /// # Errors
    /// [`Fail::Reach`] when nobody listens, [`Fail::Timeout`] when nobody answers.
    pub(crate) fn open(place: &Place, patience: Duration) -> Result<Exchange, Fail> {
        let begun = Instant::now();
        let what = place.to_string();
        let connected = match place {
            // Zero would mean without end.
            Place::Tcp(address) => {
                TcpStream::connect_timeout(address, patience.max(Duration::from_millis(1))).map(Stream::Tcp)
            }
            Place::Unix(path) => connect_unix(path).map(Stream::Unix),
        };
        let until = begun + patience.min(Duration::from_secs(3600));
        match connected {
            Ok(stream) => Ok(Exchange { stream, what, begun, until }),
            Err(error) => Err(fault(what, begun, error)),
        }
    }

    /// Sends all of `bytes`.
    ///
    /// # Errors
    /// As [`open`](Exchange::open).
    pub(crate) fn say(&mut self, mut bytes: &[u8]) -> Result<(), Fail> {
        while !bytes.is_empty() {
            let left = Some(self.left()?);
            let sent = match &mut self.stream {
                Stream::Tcp(stream) => stream.set_write_timeout(left).and_then(|()| stream.write(bytes)),
                Stream::Unix(stream) => stream.set_write_timeout(left).and_then(|()| stream.write(bytes)),
            };
            match sent {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault(error)),
            }
        }
        Ok(())
    }

    /// Appends to `answer` what the service sends until `done` says that it is enough or the service hangs up. `done`
    /// is asked after every piece, and gets all that is there.
    ///
    /// # Errors
    /// As [`open`](Exchange::open), and [`Fail::TooLong`] for an answer of more than `longest` bytes.
    pub(crate) fn hear(
        &mut self,
        answer: &mut Vec<u8>,
        longest: usize,
        mut done: impl FnMut(&[u8]) -> bool,
    ) -> Result<(), Fail> {
        const PIECE: usize = 16 << 10;
        while !done(answer) {
            if answer.len() > longest {
                return Err(Fail::TooLong { path: self.what.clone().into(), limit: longest });
            }
            let left = Some(self.left()?);
            let filled = answer.len();
            answer.resize(filled + PIECE, 0);
            let room = &mut answer[filled..];
            let read = match &mut self.stream {
                Stream::Tcp(stream) => stream.set_read_timeout(left).and_then(|()| stream.read(room)),
                Stream::Unix(stream) => stream.set_read_timeout(left).and_then(|()| stream.read(room)),
            };
            answer.truncate(filled + read.as_ref().map_or(0, |read| *read));
            match read {
                Ok(0) => break,
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.fault(error)),
            }
        }
        Ok(())
    }

    fn left(&self) -> Result<Duration, Fail> {
        let left = self.until.saturating_duration_since(Instant::now());
        if left.is_zero() { Err(self.fault(io::ErrorKind::TimedOut.into())) } else { Ok(left) }
    }

    fn fault(&self, error: io::Error) -> Fail {
        fault(self.what.clone(), self.begun, error)
    }
}

fn fault(what: String, begun: Instant, source: io::Error) -> Fail {
    match source.kind() {
        io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut => Fail::Timeout { what, after: begun.elapsed() },
        _ => Fail::Reach { what, source },
    }
}
