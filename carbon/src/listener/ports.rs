//! The tasks of listeners: one for each socket, and one for each connection.

use std::io;
use std::sync::Arc;

use carbon_line::Decoder;
use carbon_line::frame::Frames;
use carbon_storage::Store;
use tokio::net::UdpSocket;
use tokio::sync::Semaphore;

use super::accept::{Accept, Accepted, nearly_full};
use super::beats::Beats;
use super::connection::{Serving, Stream};
use super::datagrams::Datagrams;
use super::framing::{Framing, Head};
use super::handed::{HandedConnection, HandedListener};
use super::kernel_drops::KernelDrops;
use super::peers::{Peers, Place};
use super::socket::{Peer, UnixPath};
use super::spare::Spare;
use super::unfinished::Unfinished;
use super::watched::{Listener, Socket};
use super::{Protocol, Tasks};
use crate::Config;
use crate::carbonlink::{CarbonLink, MOST_LARGE};
use crate::intake::Intake;

/// Cache query connections held at once; a renderer needs a handful.
const MOST_QUERIERS: usize = 256;

/// What the tasks of listeners are made of.
pub(crate) struct Ports {
    serving: Arc<Serving>,
    link: Arc<CarbonLink>,
    accept: Accept,
    most_queriers: Accept,
    formats: Formats,
}

impl Ports {
    pub(crate) fn new(config: &Config, store: Arc<dyn Store>, intake: &Arc<Intake>, tasks: &Tasks) -> Ports {
        let peers = Peers::new(config.max_connections_per_peer);
        let spare = Spare::new(Arc::clone(&store));
        let accept = |most: usize, peers: Option<Arc<Peers>>| Accept {
            permits: Arc::new(Semaphore::new(most.min(Semaphore::MAX_PERMITS))),
            peers,
            spare: spare.clone(),
            nearly_full: nearly_full(),
            stats: Arc::clone(&intake.stats),
            tracker: tasks.tracker.clone(),
            stop: tasks.stop.clone(),
        };
        Ports {
            link: Arc::new(CarbonLink {
                cache: Arc::clone(&intake.cache),
                store: Arc::clone(&store),
                stats: Arc::clone(&intake.stats),
                large: Semaphore::new(MOST_LARGE),
                idle_timeout: config.idle_timeout,
                stop: tasks.stop.clone(),
            }),
            // Behind a proxy all peers have its address until they are introduced.
            accept: accept(config.max_connections, (!config.proxy_protocol).then(|| Arc::clone(&peers))),
            most_queriers: accept(MOST_QUERIERS, None),
            serving: Arc::new(Serving {
                intake: Arc::clone(intake),
                peers,
                unfinished: Unfinished::new(config.max_unfinished, Arc::clone(&intake.stats)),
                idle_timeout: config.idle_timeout,
                stop: tasks.stop.clone(),
                desk: Arc::clone(&tasks.desk),
                beats: Beats::new(intake),
            }),
            formats: Formats { proxied: config.proxy_protocol, max_line: config.max_line, max_frame: config.max_frame },
        }
    }

    /// Serves one listener until the stop.
    pub(crate) fn open(&self, listener: HandedListener, path: Option<UnixPath>) -> io::Result<()> {
        let HandedListener { protocol, socket, counted, lent } = listener;
        match protocol {
            Protocol::Plaintext | Protocol::Pickle => self.streams(protocol, Listener::tcp(socket)?, path, lent),
            Protocol::Unix => self.streams(protocol, Listener::unix(socket)?, path, lent),
            Protocol::Udp => self.datagrams(UdpSocket::from_std(socket.into())?, counted, lent),
            Protocol::CarbonLink => self.queries(Listener::tcp(socket)?, lent),
        }
        Ok(())
    }

    /// Goes on with a connection of our predecessor.
    pub(crate) fn resume(&self, connection: HandedConnection) {
        let HandedConnection { protocol, socket, peer, awaits_header, skipping, unfinished } = connection;
        let peer = peer.map_or(Peer::Unix, Peer::Ip);
        // It was let in once, and is not turned away now.
        let place = if awaits_header { None } else { self.serving.peers.admit(peer.ip()) };
        let permit = Arc::clone(&self.accept.permits).try_acquire_owned().ok();
        if let Ok(socket) = Socket::watch(socket, peer) {
            let mut stream = self.formats.stream(protocol, peer, place);
            stream.head = awaits_header.then(Head::default);
            let serve = Arc::clone(&self.serving).resume(socket, stream, skipping, unfinished);
            self.accept.spawn(serve, peer, permit);
        }
    }

    fn streams(&self, protocol: Protocol, listener: Listener, path: Option<UnixPath>, lent: bool) {
        let (serving, accept, formats) = (Arc::clone(&self.serving), self.accept.clone(), self.formats);
        let desk = Arc::clone(&self.serving.desk);
        let serve = move |accepted: Accepted| {
            let stream = formats.stream(protocol, accepted.peer, accepted.place);
            Arc::clone(&serving).serve(accepted.socket, stream)
        };
        self.accept.tracker.spawn(async move {
            accept.run(&listener, &serve).await;
            let Ok(socket) = listener.into_inner() else { return };
            if desk.is_open() {
                desk.leave_listener(HandedListener { protocol, socket, counted: 0, lent });
                return path.into_iter().for_each(UnixPath::keep);
            }
            accept.rest(&socket, &serve).await;
            drop(socket);
            // Removing the path is the file system's work, so it is none for this thread.
            let _ = tokio::task::spawn_blocking(move || drop(path)).await;
        });
    }

    fn datagrams(&self, socket: UdpSocket, counted: u32, lent: bool) {
        let (intake, stop) = (Arc::clone(&self.serving.intake), self.serving.stop.clone());
        let drops = KernelDrops::of(&socket, Arc::clone(&intake.stats), counted);
        let datagrams = Datagrams { intake, socket, stop: stop.clone() };
        let desk = Arc::clone(&self.serving.desk);
        self.accept.tracker.spawn(async move {
            let (drops, ()) = tokio::join!(drops.follow(stop), datagrams.run());
            if desk.is_open() {
                let counted = drops.map_or(0, |drops| drops.seen());
                if let Ok(socket) = datagrams.socket.into_std() {
                    let socket = socket.into();
                    desk.leave_listener(HandedListener { protocol: Protocol::Udp, socket, counted, lent });
                }
                return;
            }
            let _socket = datagrams.drain().await;
            if let Some(drops) = drops {
                drops.look().await;
            }
        });
    }

    fn queries(&self, listener: Listener, lent: bool) {
        let (link, accept) = (Arc::clone(&self.link), self.most_queriers.clone());
        let desk = Arc::clone(&self.serving.desk);
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
            if let Ok(socket) = listener.into_inner() {
                desk.leave_listener(HandedListener { protocol: Protocol::CarbonLink, socket, counted: 0, lent });
            }
        });
    }
}

/// How streams are cut.
#[derive(Clone, Copy, Debug)]
struct Formats {
    proxied: bool,
    max_line: usize,
    max_frame: usize,
}

impl Formats {
    fn stream(self, protocol: Protocol, peer: Peer, place: Option<Place>) -> Stream {
        let framing = match protocol {
            Protocol::Pickle => Framing::Pickle(Frames::with_longest(self.max_frame)),
            _ => Framing::Plaintext(Decoder::with_longest(self.max_line)),
        };
        // No proxy stands before a path of this host.
        let proxied = self.proxied && protocol != Protocol::Unix;
        Stream { protocol, peer, place, head: proxied.then(Head::default), framing, claim: None, noisy: false }
    }
}
