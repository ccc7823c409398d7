//! Accepting connections, the same for every protocol over a stream: limits, a stop that forgets nobody, named failures.

use std::future::Future;
use std::io;
use std::os::fd::{OwnedFd, RawFd};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use rustix::io::Errno;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{debug, error, warn};

use super::peers::{Peers, Place};
use super::socket::{self, Peer};
use super::spare::Spare;
use super::watched::{Listener, Socket};
use crate::stats::Stats;

/// How long accepting rests when it failed for want of descriptors or memory.
const REST: Duration = Duration::from_millis(100);

/// One line is logged about connections that cannot be accepted in such a time.
const TOLD: Duration = Duration::from_secs(10);

/// How long a stop goes on to accept what the kernel had completed, while accepting fails.
const PATIENCE: Duration = Duration::from_secs(3);

/// What one listener and its connections share.
#[derive(Clone)]
pub(crate) struct Accept {
    /// One permit a connection; further peers wait in the kernel's queue.
    pub(crate) permits: Arc<Semaphore>,
    /// Who holds how many. `None` while a proxy has yet to say who they are.
    pub(crate) peers: Option<Arc<Peers>>,
    /// Closes archives when we need their descriptors.
    pub(crate) spare: Spare,
    /// See [`nearly_full`].
    pub(crate) nearly_full: RawFd,
    pub(crate) stats: Arc<Stats>,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
}

/// A connection that was let in.
#[derive(Debug)]
pub(crate) struct Accepted {
    pub(crate) socket: Socket,
    pub(crate) peer: Peer,
    /// `None` when the peer is not known yet.
    pub(crate) place: Option<Place>,
}

impl Accept {
    /// Serves each connection in a task of its own until `stop` fires. Peers whose connection the kernel had completed
    /// by then are served as well, since they believe that they were heard.
    pub(crate) async fn run<F>(&self, listener: &Listener, serve: impl Fn(Accepted) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let mut told: Option<Instant> = None;
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                accepted = self.next(listener) => accepted,
            };
            match accepted {
                Ok((socket, peer, permit)) => self.admit(socket, peer, Some(permit), &serve),
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) => {
                    // Mostly "too many open files"; the connection stays in the queue until there are some.
                    if told.is_none_or(|told| told.elapsed() >= TOLD) {
                        told = Some(Instant::now());
                        warn!(%error, "Cannot accept a connection; trying again. Raise the limit of open files.");
                    }
                    self.spare.ask();
                    tokio::time::sleep(REST).await;
                }
            }
        }
    }

    /// Serves the peers that wait in the kernel's queue, beyond the limit of connections if need be.
    pub(crate) async fn rest<F>(&self, listener: &OwnedFd, serve: impl Fn(Accepted) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let until = Instant::now() + PATIENCE;
        loop {
            match socket::accept(listener).and_then(|(socket, peer)| Ok((Socket::watch(socket, peer)?, peer))) {
                Ok((socket, peer)) => self.admit(socket, peer, None, &serve),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if is_of_one_connection(&error) => {}
                Err(error) if Instant::now() >= until => {
                    return warn!(%error, "Peers that wait to be accepted are turned away by the stop.");
                }
                // Connections that are read out give their descriptors back.
                Err(_) => tokio::time::sleep(REST / 10).await,
            }
        }
    }

    async fn next(&self, listener: &Listener) -> io::Result<(Socket, Peer, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(io::Error::other)?;
        let (socket, peer) = listener.accept().await?;
        if socket.number() >= self.nearly_full {
            self.spare.ask();
        }
        Ok((socket, peer, permit))
    }

    fn admit<F>(&self, socket: Socket, peer: Peer, permit: Option<OwnedSemaphorePermit>, serve: &impl Fn(Accepted) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let place = match &self.peers {
            None => None,
            Some(peers) => match peers.admit(peer.ip()) {
                Some(place) => Some(place),
                None => {
                    self.stats.turned_away.fetch_add(1, Relaxed);
                    return debug!(%peer, "A connection is turned away: its address holds as many as it may.");
                }
            },
        };
        self.spawn(serve(Accepted { socket, peer, place }), peer, permit);
    }

    /// Runs a connection as one of ours: counted, waited for by a stop, and named if it panics.
    pub(crate) fn spawn(
        &self,
        serve: impl Future<Output = ()> + Send + 'static,
        peer: Peer,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        let open = Open { peer, stats: Arc::clone(&self.stats), _permit: permit };
        open.stats.connections.fetch_add(1, Relaxed);
        self.tracker.spawn(async move {
            let _open = open;
            serve.await;
        });
    }
}

/// A descriptor from this number on is one of the last that this process may have: the kernel gives the lowest first.
pub(crate) fn nearly_full() -> RawFd {
    let limit = rustix::process::getrlimit(rustix::process::Resource::Nofile).current;
    limit.and_then(|limit| RawFd::try_from(limit - limit / 16).ok()).unwrap_or(RawFd::MAX)
}

/// Errors of `accept` that belong to a connection which is gone already, or that a firewall forbade.
fn is_of_one_connection(error: &io::Error) -> bool {
    let of_one = [Errno::CONNABORTED, Errno::INTR, Errno::PROTO, Errno::PERM, Errno::NETDOWN, Errno::HOSTUNREACH];
    Errno::from_io_error(error).is_some_and(|errno| of_one.contains(&errno))
}

/// Counts an open connection, and makes a panic in it an error with a name.
struct Open {
    peer: Peer,
    stats: Arc<Stats>,
    _permit: Option<OwnedSemaphorePermit>,
}

impl Drop for Open {
    fn drop(&mut self) {
        self.stats.connections.fetch_sub(1, Relaxed);
        if std::thread::panicking() {
            error!(peer = %self.peer, "The task of a connection panicked; the connection is closed. This is a bug.");
        }
    }
}
