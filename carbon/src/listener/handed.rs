//! Sockets that change hands: from a service manager to a daemon, or from a daemon to its successor. While they do,
//! the kernel keeps what peers send and completes their connections, so nobody is refused and nothing is lost.

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::{Mutex, PoisonError};

use super::Protocol;
use super::socket::{self, Address};

/// All that is handed over.
#[derive(Debug, Default)]
pub struct Handed {
    /// Sockets that listen.
    pub listeners: Vec<HandedListener>,
    /// Connections of peers.
    pub connections: Vec<HandedConnection>,
}

/// A socket that listens, or that takes datagrams.
#[derive(Debug)]
pub struct HandedListener {
    /// What is spoken there.
    pub protocol: Protocol,
    /// The socket, bound and, if it is for connections, listening.
    pub socket: OwnedFd,
    /// Datagrams dropped by the kernel that have been counted already.
    pub counted: u32,
    /// Whether somebody else keeps it as well, such as a service manager, and its path if it has one.
    pub lent: bool,
}

/// A connection and what it has brought so far.
#[derive(Debug)]
pub struct HandedConnection {
    /// What is spoken there.
    pub protocol: Protocol,
    /// The socket.
    pub socket: OwnedFd,
    /// Who sends; `None` over a unix socket.
    pub peer: Option<SocketAddr>,
    /// Whether a PROXY header is still awaited.
    pub awaits_header: bool,
    /// Whether the line that goes on has been refused already, as too long.
    pub skipping: bool,
    /// The start of a header, a line or a frame.
    pub unfinished: Vec<u8>,
}

impl Handed {
    /// The addresses of the listeners for `protocol` that are only lent to us, so that nobody but their owner can open
    /// others in their place.
    ///
    /// # Errors
    /// When one of them is no socket.
    pub fn lent(&self, protocol: Protocol) -> io::Result<Vec<Address>> {
        let spoken = self.listeners.iter().filter(|listener| listener.lent && listener.protocol == protocol);
        spoken.map(|listener| socket::address_of(&listener.socket)).collect()
    }

    /// Takes out a listener for `protocol` at `asked`. A port of 0 is content with any port.
    pub(crate) fn take(&mut self, protocol: Protocol, asked: &Address) -> Option<HandedListener> {
        let fits = |found: Address| match (&found, asked) {
            (Address::Ip(found), Address::Ip(asked)) if asked.port() == 0 => found.ip() == asked.ip(),
            _ => found == *asked,
        };
        let place = self.listeners.iter().position(|listener| {
            listener.protocol == protocol && socket::address_of(&listener.socket).is_ok_and(fits)
        })?;
        Some(self.listeners.swap_remove(place))
    }
}

/// Where tasks leave their sockets when the daemon hands over instead of stopping.
#[derive(Debug, Default)]
pub(crate) struct Desk(Mutex<Option<Handed>>);

impl Desk {
    /// From here on sockets are left here; before, they are closed by those who have them.
    pub(crate) fn open(&self) {
        *self.lock() = Some(Handed::default());
    }

    /// All that was left.
    pub(crate) fn close(&self) -> Handed {
        self.lock().take().unwrap_or_default()
    }

    /// Whether the daemon hands over.
    pub(crate) fn is_open(&self) -> bool {
        self.lock().is_some()
    }

    pub(crate) fn leave_listener(&self, listener: HandedListener) {
        if let Some(handed) = self.lock().as_mut() {
            handed.listeners.push(listener);
        }
    }

    pub(crate) fn leave_connection(&self, connection: HandedConnection) {
        if let Some(handed) = self.lock().as_mut() {
            handed.connections.push(connection);
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Handed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
