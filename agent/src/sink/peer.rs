//! The other end of a connection.

use rustix::fd::OwnedFd;
use rustix::net::{RecvFlags, SendFlags, recv, send};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;

use super::wire::Wire;
use crate::outlet::{Handover, Way};

/// A connection, whatever it is wrapped in.
pub(crate) trait Peer: AsyncRead + AsyncWrite + Send + Unpin {
    /// The socket below.
    fn socket(&self) -> &TcpStream;

    /// What others may write with while the task that owns the connection does not; `None` where only it can.
    fn way(&self, _: Wire) -> Option<Box<dyn Way>> {
        None
    }
}

impl Peer for TcpStream {
    fn socket(&self) -> &TcpStream {
        self
    }

    fn way(&self, wire: Wire) -> Option<Box<dyn Way>> {
        // Without a descriptor to spare the task writes everything.
        let socket = rustix::io::fcntl_dupfd_cloexec(self, 0).ok()?;
        Some(Box::new(Socket { socket, wire }))
    }
}

/// The same socket by another descriptor.
struct Socket {
    socket: OwnedFd,
    wire: Wire,
}

impl Way for Socket {
    fn hand(&mut self, lines: &[u8]) -> Handover {
        if hung_up(&self.socket) {
            return Handover::Nothing;
        }
        let bytes = self.wire.encode(lines);
        match send(&self.socket, &bytes, SendFlags::DONTWAIT | SendFlags::NOSIGNAL) {
            Ok(sent) if sent == bytes.len() => Handover::Whole,
            Ok(sent) => Handover::Part(bytes[sent..].to_vec()),
            Err(_) => Handover::Nothing,
        }
    }
}

/// Whether the other side has closed; asks the kernel itself, since the runtime learns of a hang-up only when it next
/// looks, and a chunk would be lost until then. Takes nothing out, so that the runtime's own view stays true.
pub(crate) fn hung_up(socket: impl rustix::fd::AsFd) -> bool {
    matches!(recv(socket, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT), Ok((_, 0)))
}
