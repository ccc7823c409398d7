//! Sockets: they take bytes in, and stop reading when the cache is full.

mod accept;
mod beat;
mod beats;
mod buffer;
mod connection;
mod datagrams;
mod framing;
mod handed;
mod kernel_drops;
mod peers;
mod ports;
mod socket;
mod spare;
mod steady;
mod unfinished;
mod watched;

use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use carbon_storage::Store;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::intake::Intake;
use crate::{Config, Error};
use handed::Desk;
pub use handed::{Handed, HandedConnection, HandedListener};
use ports::Ports;
pub use socket::Address;
use socket::UnixPath;

/// What a listener speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Protocol {
    /// Lines over TCP.
    Plaintext,
    /// Pickles over TCP.
    Pickle,
    /// Lines in datagrams.
    Udp,
    /// Lines over a unix socket.
    Unix,
    /// Cache queries over TCP.
    CarbonLink,
}

impl Protocol {
    /// The option of the configuration that asks for such a listener, which is also the name it is announced by.
    pub fn key(self) -> &'static str {
        match self {
            Protocol::Plaintext => "plaintext",
            Protocol::Pickle => "pickle",
            Protocol::Udp => "udp",
            Protocol::Unix => "unix",
            Protocol::CarbonLink => "carbonlink",
        }
    }

    /// The protocol with that [`Protocol::key`].
    pub fn named(key: &str) -> Option<Protocol> {
        let all = [Protocol::Plaintext, Protocol::Pickle, Protocol::Udp, Protocol::Unix, Protocol::CarbonLink];
        all.into_iter().find(|protocol| protocol.key() == key)
    }
}

/// What the tasks of listeners hang on.
#[derive(Clone, Debug, Default)]
pub(crate) struct Tasks {
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
    pub(crate) desk: Arc<Desk>,
}

impl Tasks {
    /// Ends all of them. Each reads out what the kernel had accepted, or leaves its socket on the desk if that is open.
    pub(crate) async fn end(&self) {
        self.stop.cancel();
        self.tracker.close();
        self.tracker.wait().await;
    }
}

/// One open socket that nobody reads from yet.
#[derive(Debug)]
struct Bound {
    address: Address,
    listener: HandedListener,
    path: Option<UnixPath>,
}

/// All sockets of the daemon, opened and not read from.
#[derive(Debug, Default)]
pub(crate) struct Listeners {
    bound: Vec<Bound>,
    connections: Vec<HandedConnection>,
}

impl Listeners {
    /// Opens every socket that the configuration asks for and nobody has handed to us. From here on the kernel keeps
    /// what peers send. Handed listeners that the configuration does not ask for are closed.
    ///
    /// # Errors
    /// When one cannot be had; the others are closed again.
    pub(crate) fn bind(config: &Config, mut handed: Handed) -> Result<Listeners, Error> {
        let tcp = [
            (Protocol::Plaintext, &config.plaintext),
            (Protocol::Pickle, &config.pickle),
            (Protocol::CarbonLink, &config.carbonlink),
        ];
        let mut bound = Vec::new();
        for (protocol, addresses) in tcp {
            for address in addresses {
                let open = || Ok((socket::tcp(*address)?, None));
                bound.push(bind(&mut handed, protocol, Address::Ip(*address), open)?);
            }
        }
        for address in &config.udp {
            let open = || Ok((socket::udp(*address, config.udp_buffer)?, None));
            bound.push(bind(&mut handed, Protocol::Udp, Address::Ip(*address), open)?);
        }
        for path in &config.unix {
            let open = || socket::unix(path, config.unix_mode).map(|(socket, path)| (socket, Some(path)));
            bound.push(bind(&mut handed, Protocol::Unix, Address::Unix(path.clone()), open)?);
        }
        Ok(Listeners { bound, connections: handed.connections })
    }

    /// Where each of them can be reached, with the ports that the system chose.
    pub(crate) fn addresses(&self) -> Vec<(Protocol, Address)> {
        self.bound.iter().map(|bound| (bound.listener.protocol, bound.address.clone())).collect()
    }

    /// Reads from all of them in tasks.
    ///
    /// # Errors
    /// When the runtime cannot watch a socket.
    pub(crate) fn start(
        self,
        config: &Config,
        store: Arc<dyn Store>,
        intake: &Arc<Intake>,
        tasks: &Tasks,
    ) -> Result<(), Error> {
        let ports = Ports::new(config, store, intake, tasks);
        for Bound { address, listener, path } in self.bound {
            let protocol = listener.protocol;
            info!(protocol = protocol.key(), %address, "Listening.");
            ports.open(listener, path).map_err(|source| refused(protocol, address, source))?;
        }
        self.connections.into_iter().for_each(|connection| ports.resume(connection));
        Ok(())
    }
}

/// A listener that was handed to us, or a new one.
fn bind(
    handed: &mut Handed,
    protocol: Protocol,
    asked: Address,
    open: impl FnOnce() -> io::Result<(OwnedFd, Option<UnixPath>)>,
) -> Result<Bound, Error> {
    let found = match handed.take(protocol, &asked) {
        // Whoever opened it may have meant to wait on it.
        Some(listener) => {
            rustix::io::ioctl_fionbio(&listener.socket, true).map(|()| (listener, None)).map_err(Into::into)
        }
        None => open().map(|(socket, path)| (HandedListener { protocol, socket, counted: 0, lent: false }, path)),
    };
    let bound = found.and_then(|(listener, path)| {
        let address = socket::address_of(&listener.socket)?;
        // Our predecessor made the path, and it is ours to remove from now on.
        let path = match &address {
            Address::Unix(at) if path.is_none() && !listener.lent => UnixPath::claim(at).ok(),
            _ => path,
        };
        Ok(Bound { address, listener, path })
    });
    bound.map_err(|source| refused(protocol, asked, source))
}

fn refused(protocol: Protocol, address: Address, source: io::Error) -> Error {
    Error::Listen { address, key: protocol.key(), source }
}
