//! Sockets in the file system.

use std::io;
use std::os::unix::net::UnixStream;
use std::path::Path;

use rustix::fs::OFlags;
use rustix::io::FdFlags;
use rustix::net::{AddressFamily, SocketAddrUnix, SocketType};

/// Connects to a socket in the file system without waiting: one whose queue is full has not looked at it for long, and
/// gives `WouldBlock`.
pub(crate) fn connect_unix(path: &Path) -> io::Result<UnixStream> {
    let address = SocketAddrUnix::new(path)?;
    let socket = rustix::net::socket(AddressFamily::UNIX, SocketType::STREAM, None)?;
    rustix::io::fcntl_setfd(&socket, FdFlags::CLOEXEC)?;
    rustix::fs::fcntl_setfl(&socket, OFlags::NONBLOCK)?;
    rustix::net::connect(&socket, &address)?;
    rustix::fs::fcntl_setfl(&socket, OFlags::empty())?;
    Ok(UnixStream::from(socket))
}
