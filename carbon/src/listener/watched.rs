//! Sockets that the runtime watches, the same for TCP and unix.

use std::io::{self, ErrorKind};
use std::os::fd::{AsRawFd, OwnedFd, RawFd};

use tokio::io::Interest;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::socket::Peer;

/// A socket that accepts connections.
#[derive(Debug)]
pub(crate) enum Listener {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpStream),
    Unix(UnixStream),
}

impl Listener {
    pub(crate) fn tcp(listener: OwnedFd) -> io::Result<Listener> {
        TcpListener::from_std(listener.into()).map(Listener::Tcp)
    }

    pub(crate) fn unix(listener: OwnedFd) -> io::Result<Listener> {
        UnixListener::from_std(listener.into()).map(Listener::Unix)
    }

    pub(crate) async fn accept(&self) -> io::Result<(Socket, Peer)> {
        match self {
            Listener::Tcp(listener) => listener.accept().await.map(|(stream, ip)| (Socket::Tcp(stream), Peer::Ip(ip))),
            Listener::Unix(listener) => listener.accept().await.map(|(stream, _)| (Socket::Unix(stream), Peer::Unix)),
        }
    }

    /// The socket itself, no longer watched.
    pub(crate) fn into_inner(self) -> io::Result<OwnedFd> {
        match self {
            Listener::Tcp(listener) => listener.into_std().map(OwnedFd::from),
            Listener::Unix(listener) => listener.into_std().map(OwnedFd::from),
        }
    }
}

impl Socket {
    pub(crate) fn watch(connection: OwnedFd, peer: Peer) -> io::Result<Socket> {
        match peer {
            Peer::Ip(_) => TcpStream::from_std(connection.into()).map(Socket::Tcp),
            Peer::Unix => UnixStream::from_std(connection.into()).map(Socket::Unix),
        }
    }

    /// The number of its descriptor.
    pub(crate) fn number(&self) -> RawFd {
        match self {
            Socket::Tcp(stream) => stream.as_raw_fd(),
            Socket::Unix(stream) => stream.as_raw_fd(),
        }
    }

    pub(crate) async fn readable(&self) -> io::Result<()> {
        match self {
            Socket::Tcp(stream) => stream.readable().await,
            Socket::Unix(stream) => stream.readable().await,
        }
    }

    /// Reads once. A read that does not fill the buffer has emptied the socket, so that the next one waits for the
    /// runtime and not for a refusal of the kernel.
    pub(crate) fn try_read(&self, buffer: &mut [u8]) -> io::Result<usize> {
        let (mut read, room) = (0, buffer.len());
        let mut attempt = |count: io::Result<usize>| {
            read = count?;
            if (1..room).contains(&read) { Err(ErrorKind::WouldBlock.into()) } else { Ok(()) }
        };
        let tried =
            match self {
                Socket::Tcp(stream) => stream
                    .try_io(Interest::READABLE, || attempt(rustix::io::read(stream, buffer).map_err(io::Error::from))),
                Socket::Unix(stream) => stream
                    .try_io(Interest::READABLE, || attempt(rustix::io::read(stream, buffer).map_err(io::Error::from))),
            };
        if read > 0 { Ok(read) } else { tried.map(|()| 0) }
    }

    /// The connection itself, no longer watched.
    pub(crate) fn into_inner(self) -> io::Result<OwnedFd> {
        match self {
            Socket::Tcp(stream) => stream.into_std().map(OwnedFd::from),
            Socket::Unix(stream) => stream.into_std().map(OwnedFd::from),
        }
    }
}
