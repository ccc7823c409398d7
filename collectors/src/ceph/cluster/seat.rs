//! One speaker for each monitor: of several agents that read the same admin socket, the first one holds a name that the
//! system gives to one at a time, and the others stay silent until it ends.
//!
//! The name is that of an abstract socket, which nobody can connect to and which goes with its process. It says which file
//! the admin socket is. Agents in network namespaces of their own do not see each other's.

use std::io;
use std::os::unix::net::UnixDatagram;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Seat {
    held: Option<(String, UnixDatagram)>,
}

impl Seat {
    /// Whether this agent may speak for the monitor whose admin socket is `file`; holds the right to do so from then on.
    pub(super) fn take(&mut self, file: &str) -> bool {
        if self.held.as_ref().is_some_and(|(held, _)| held == file) {
            return true;
        }
        self.held = None;
        match bind(file) {
            Ok(socket) => {
                self.held = socket.map(|socket| (file.to_owned(), socket));
                true
            }
            // Without such sockets several may speak: the same values under the same names and slots.
            Err(error) => error.kind() != io::ErrorKind::AddrInUse,
        }
    }

    /// Lets another agent speak.
    pub(super) fn leave(&mut self) {
        self.held = None;
    }
}

#[cfg(target_os = "linux")]
fn bind(file: &str) -> io::Result<Option<UnixDatagram>> {
    use std::os::linux::net::SocketAddrExt as _;

    let address = std::os::unix::net::SocketAddr::from_abstract_name(format!("plumbago/ceph/{file}"))?;
    UnixDatagram::bind_addr(&address).map(Some)
}

#[cfg(not(target_os = "linux"))]
fn bind(_: &str) -> io::Result<Option<UnixDatagram>> {
    Ok(None)
}
