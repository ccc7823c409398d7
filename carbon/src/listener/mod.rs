//! Sockets: they take bytes in, and stop reading when the cache is full.

mod accept;
mod buffer;
mod connection;
mod datagrams;
mod framing;
mod kernel_drops;
mod peers;
mod socket;
mod unfinished;
mod watched;

use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use carbon_line::Decoder;
use carbon_line::frame::Frames;
use carbon_storage::Store;
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::info;

use crate::carbonlink::{CarbonLink, MOST_LARGE};
use crate::intake::Intake;
use crate::{Config, Error};
use accept::{Accept, Accepted};
use connection::{Serving, Stream};
use datagrams::Datagrams;
use framing::{Framing, Head};
use kernel_drops::KernelDrops;
use peers::Peers;
pub use socket::Address;
use socket::UnixPath;
use unfinished::Unfinished;
use watched::{Listener, Socket};

/// Cache query connections held at once; a renderer needs a handful.
const MOST_QUERIERS: usize = 256;

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
}

/// One open socket that nobody reads from yet.
#[derive(Debug)]
struct Bound {
    protocol: Protocol,
    address: Address,
    socket: OwnedFd,
    path: Option<UnixPath>,
}

/// All sockets of the daemon, opened and not read from.
#[derive(Debug, Default)]
pub(crate) struct Listeners(Vec<Bound>);

impl Listeners {
    /// Opens every socket that the configuration asks for. From here on the kernel keeps what peers send.
    ///
    /// # Errors
    /// When one cannot be had; the others are closed again.
    pub(crate) fn bind(config: &Config) -> Result<Listeners, Error> {
        let mut listeners = Listeners::default();
        for address in &config.plaintext {
            listeners.add(Protocol::Plaintext, *address, socket::tcp(*address))?;
        }
        for address in &config.pickle {
            listeners.add(Protocol::Pickle, *address, socket::tcp(*address))?;
        }
        for address in &config.udp {
            listeners.add(Protocol::Udp, *address, socket::udp(*address, config.udp_buffer))?;
        }
        for path in &config.unix {
            let refused = |source| refused(Protocol::Unix, Address::Unix(path.clone()), source);
            let (socket, owned) = socket::unix(path, config.unix_mode).map_err(refused)?;
            let address = Address::Unix(path.clone());
            listeners.0.push(Bound { protocol: Protocol::Unix, address, socket, path: Some(owned) });
        }
        for address in &config.carbonlink {
            listeners.add(Protocol::CarbonLink, *address, socket::tcp(*address))?;
        }
        Ok(listeners)
    }

    fn add(&mut self, protocol: Protocol, asked: SocketAddr, opened: io::Result<OwnedFd>) -> Result<(), Error> {
        let named = opened.and_then(|socket| Ok((socket::address_of(&socket)?, socket)));
        let (address, socket) = named.map_err(|source| refused(protocol, Address::Ip(asked), source))?;
        self.0.push(Bound { protocol, address, socket, path: None });
        Ok(())
    }

    /// Where each of them can be reached, with the ports that the system chose.
    pub(crate) fn addresses(&self) -> Vec<(Protocol, Address)> {
        self.0.iter().map(|bound| (bound.protocol, bound.address.clone())).collect()
    }

    /// Reads from all of them, in tasks of `tracker` that end after `stop` fires.
    ///
    /// # Errors
    /// When the runtime cannot watch a socket.
    pub(crate) fn start(
        self,
        config: &Config,
        store: Arc<dyn Store>,
        intake: &Arc<Intake>,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Result<(), Error> {
        let ports = Ports::new(config, store, intake, tracker, stop);
        for bound in self.0 {
            let Bound { protocol, address, socket, path } = bound;
            info!(protocol = protocol.key(), %address, "Listening.");
            let started = match protocol {
                Protocol::Plaintext | Protocol::Pickle => {
                    Listener::tcp(socket).map(|listener| ports.streams(protocol, listener, path))
                }
                Protocol::Unix => Listener::unix(socket).map(|listener| ports.streams(protocol, listener, path)),
                Protocol::Udp => UdpSocket::from_std(socket.into()).map(|socket| ports.datagrams(socket)),
                Protocol::CarbonLink => Listener::tcp(socket).map(|listener| ports.queries(listener)),
            };
            started.map_err(|source| refused(protocol, address, source))?;
        }
        Ok(())
    }
}

fn refused(protocol: Protocol, address: Address, source: io::Error) -> Error {
    Error::Listen { address, key: protocol.key(), source }
}

/// What the tasks of listeners are made of.
struct Ports {
    serving: Arc<Serving>,
    link: Arc<CarbonLink>,
    accept: Accept,
    most_queriers: Accept,
    proxied: bool,
    max_line: usize,
    max_frame: usize,
}

impl Ports {
    fn new(
        config: &Config,
        store: Arc<dyn Store>,
        intake: &Arc<Intake>,
        tracker: &TaskTracker,
        stop: &CancellationToken,
    ) -> Ports {
        let peers = Peers::new(config.max_connections_per_peer);
        let accept = |most: usize, peers: Option<Arc<Peers>>| Accept {
            permits: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            peers,
            stats: Arc::clone(&intake.stats),
            tracker: tracker.clone(),
            stop: stop.clone(),
        };
        Ports {
            link: Arc::new(CarbonLink {
                cache: Arc::clone(&intake.cache),
                store,
                stats: Arc::clone(&intake.stats),
                large: Semaphore::new(MOST_LARGE),
                idle_timeout: config.idle_timeout,
                stop: stop.clone(),
            }),
            // Behind a proxy all peers have its address until they are introduced.
            accept: accept(config.max_connections, (!config.proxy_protocol).then(|| Arc::clone(&peers))),
            most_queriers: accept(MOST_QUERIERS, None),
            serving: Arc::new(Serving {
                intake: Arc::clone(intake),
                peers,
                unfinished: Unfinished::new(config.max_unfinished, Arc::clone(&intake.stats)),
                idle_timeout: config.idle_timeout,
                stop: stop.clone(),
            }),
            proxied: config.proxy_protocol,
            max_line: config.max_line,
            max_frame: config.max_frame,
        }
    }

    fn streams(&self, protocol: Protocol, listener: Listener, path: Option<UnixPath>) {
        let (serving, accept) = (Arc::clone(&self.serving), self.accept.clone());
        // No proxy stands before a path of this host.
        let proxied = self.proxied && protocol != Protocol::Unix;
        let (max_line, max_frame) = (self.max_line, self.max_frame);
        let serve = move |accepted: Accepted| {
            let framing = match protocol {
                Protocol::Pickle => Framing::Pickle(Frames::with_longest(max_frame)),
                _ => Framing::Plaintext(Decoder::with_longest(max_line)),
            };
            let Accepted { socket, peer, place } = accepted;
            let stream = Stream { peer, place, head: proxied.then(Head::default), framing, claim: None };
            Arc::clone(&serving).serve(socket, stream)
        };
        self.accept.tracker.spawn(async move {
            accept.run(&listener, &serve).await;
            if let Ok(listener) = listener.into_inner() {
                accept.rest(&listener, &serve).await;
            }
            // Removing the path is the file system's work, so it is none for this thread.
            let _ = tokio::task::spawn_blocking(move || drop(path)).await;
        });
    }

    fn datagrams(&self, socket: UdpSocket) {
        let (intake, stop) = (Arc::clone(&self.serving.intake), self.serving.stop.clone());
        let drops = KernelDrops::of(&socket, Arc::clone(&intake.stats));
        let datagrams = Datagrams { intake, socket, stop: stop.clone() };
        self.accept.tracker.spawn(async move {
            let (drops, ()) = tokio::join!(drops.follow(stop), datagrams.run());
            let _socket = datagrams.drain().await;
            if let Some(drops) = drops {
                drops.look().await;
            }
        });
    }

    fn queries(&self, listener: Listener) {
        let (link, accept) = (Arc::clone(&self.link), self.most_queriers.clone());
        self.accept.tracker.spawn(async move {
            let serve = |accepted: Accepted| {
                let link = Arc::clone(&link);
                async move {
                    if let Socket::Tcp(stream) = accepted.socket {
                        link.serve(stream).await;
                    }
                }
            };
            accept.run(&listener, serve).await;
        });
    }
}
