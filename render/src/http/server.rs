//! The sockets: accepts connections, hands requests to a router, ends in order.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::response::Response;
use hyper::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::Service;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::{TowerToHyperService, TowerToHyperServiceFuture};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};
use tokio::sync::Semaphore;
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{debug, info, warn};

use super::access::Peer;
use super::admin::{AdminSocket, OwnPath};
use super::bare::Worded;
use super::desk::Part;
use super::patient::Patient;
use super::raw_quotes::RawQuotes;
use super::workers::Workers;
use super::{Sources, Status, router, status_router};
use crate::config::{HttpConfig, RenderConfig};

/// Bytes of a request's head: enough for a dashboard's longest GET.
const LONGEST_HEAD: usize = 256 * 1024;

/// Pause after a connection that could not be accepted.
const REST: Duration = Duration::from_millis(100);

/// Why the server did not start.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// Another program has the port, or the address is not of this host.
    #[error("cannot listen for HTTP on {address}; {remedy}")]
    Listen {
        /// Where it was tried.
        address: SocketAddr,
        /// What to do about it.
        remedy: &'static str,
        /// What the system said.
        source: io::Error,
    },
    /// The admin socket cannot be made: its folder is not there, or another process listens.
    #[error("cannot listen at {path}; choose another path with `[http] admin-socket`, or \"\" for none")]
    Admin {
        /// Where it was tried.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file of tokens cannot be used.
    #[error("`[http] token-file`: {reason}")]
    Tokens {
        /// Why.
        reason: String,
    },
}

/// A running HTTP server. Dropping it leaves it running until the runtime ends; [`Server::stop`] ends it in order.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// A handle of the listening socket, for a successor.
    socket: OwnedFd,
    doors: Doors,
}

impl Server {
    /// Listens on `http.listen`, and on `http.admin_socket` if there is one, and answers from `sources` at once.
    ///
    /// # Errors
    /// An address cannot be listened on, or the file of tokens cannot be used.
    pub async fn start(http: HttpConfig, config: RenderConfig, sources: Sources) -> Result<Server, ServerError> {
        let parts = Parts::of(&sources.status);
        Server::with(router(http.clone(), config, sources), parts, http, None, workers().await).await
    }

    /// As [`Server::start`], on a socket that listens already.
    ///
    /// # Errors
    /// As [`Server::start`], or when the socket cannot be watched.
    pub async fn start_on(
        listener: std::net::TcpListener,
        http: HttpConfig,
        config: RenderConfig,
        sources: Sources,
    ) -> Result<Server, ServerError> {
        let parts = Parts::of(&sources.status);
        Server::with(router(http.clone(), config, sources), parts, http, Some(listener), workers().await).await
    }

    /// As [`Server::start`], for a process without queries: tells how it is doing, on `/health` and `/metrics`.
    ///
    /// # Errors
    /// As [`Server::start`].
    pub async fn start_status(http: HttpConfig, status: Status) -> Result<Server, ServerError> {
        let parts = Parts::of(&status);
        Server::with(status_router(http.clone(), status), parts, http, None, None).await
    }

    /// As [`Server::start_status`], on a socket that listens already.
    ///
    /// # Errors
    /// As [`Server::start_on`].
    pub async fn start_status_on(
        listener: std::net::TcpListener,
        http: HttpConfig,
        status: Status,
    ) -> Result<Server, ServerError> {
        let parts = Parts::of(&status);
        Server::with(status_router(http.clone(), status), parts, http, Some(listener), None).await
    }

    async fn with(
        routes: Router,
        parts: Parts,
        http: HttpConfig,
        given: Option<std::net::TcpListener>,
        workers: Option<Workers>,
    ) -> Result<Server, ServerError> {
        let fault =
            |source: io::Error| ServerError::Listen { address: http.listen, remedy: remedy(source.kind()), source };
        check_tokens(&http)?;
        let listener = match given {
            Some(given) => given,
            None => TcpListener::bind(http.listen).await.and_then(TcpListener::into_std).map_err(fault)?,
        };
        let listener = watched(listener, workers.as_ref()).map_err(fault)?;
        let socket = listener.as_fd().try_clone_to_owned().map_err(fault)?;
        let address = listener.local_addr().map_err(fault)?;
        let mut doors = Doors { parts, ..Doors::default() };
        doors.open_admin(&routes, &http)?;
        info!(%address, "Answering HTTP.");
        doors.open(listener, routes, http, workers);
        Ok(Server { address, socket, doors })
    }

    /// Where it listens, with the port the system chose if none was given.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The listening socket, for a process that takes over. Both accept until this one stops.
    pub fn socket(&self) -> Option<OwnedFd> {
        self.socket.try_clone().ok()
    }

    /// Accepts nothing more, lets requests in flight finish within `drain-for`, and closes every connection.
    pub async fn stop(self) {
        drop(self.socket);
        self.doors.close().await;
    }
}

/// A server on the admin socket alone, for a process that answers HTTP nowhere else.
#[derive(Debug)]
pub struct AdminServer {
    doors: Doors,
}

impl AdminServer {
    /// Listens on `http.admin_socket`; nothing without one.
    ///
    /// # Errors
    /// The path cannot be listened on.
    pub fn start(http: HttpConfig, status: Status) -> Result<Option<AdminServer>, ServerError> {
        if http.admin_socket.is_none() {
            return Ok(None);
        }
        let mut doors = Doors { parts: Parts::of(&status), ..Doors::default() };
        doors.open_admin(&status_router(http.clone(), status), &http)?;
        Ok(Some(AdminServer { doors }))
    }

    /// As [`Server::stop`].
    pub async fn stop(self) {
        self.doors.close().await;
    }
}

/// The parts of this process.
#[derive(Clone, Default)]
struct Parts(Vec<Arc<dyn Part>>);

impl Parts {
    fn of(status: &Status) -> Parts {
        Parts(status.parts.clone())
    }

    /// Has each give back what it can do without.
    fn spare_descriptors(&self) {
        self.0.iter().for_each(|part| part.spare_descriptors());
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|part| part.name())).finish()
    }
}

/// The listening sockets of a server, each with its task.
#[derive(Debug, Default)]
struct Doors {
    /// Asked for descriptors when there are none left.
    parts: Parts,
    stop: CancellationToken,
    accepting: Vec<JoinHandle<()>>,
    admin: Option<OwnPath>,
}

impl Doors {
    /// Accepts on the runtime of `workers`, which ends with the last connection; else on this one.
    fn open(&mut self, listener: impl Listen, routes: Router, http: HttpConfig, workers: Option<Workers>) {
        let accepting = accept(listener, routes, self.parts.clone(), http, self.stop.clone());
        self.accepting.push(match workers {
            Some(workers) => workers.runtime.clone().spawn(async move {
                accepting.await;
                drop(workers);
            }),
            None => tokio::spawn(accepting),
        });
    }

    fn open_admin(&mut self, routes: &Router, http: &HttpConfig) -> Result<(), ServerError> {
        let Some(path) = &http.admin_socket else { return Ok(()) };
        let opened = AdminSocket::open(path, http.admin_socket_mode);
        let AdminSocket { listener, path } =
            opened.map_err(|source| ServerError::Admin { path: path.clone(), source })?;
        self.admin = Some(path);
        self.open(listener, routes.clone(), http.clone(), None);
        Ok(())
    }

    async fn close(self) {
        self.stop.cancel();
        for accepting in self.accepting {
            if let Err(error) = accepting.await {
                warn!(%error, "The HTTP server ended early.");
            }
        }
        drop(self.admin);
    }
}

/// Threads for who asks; without them, those of this runtime serve.
async fn workers() -> Option<Workers> {
    let started = Workers::start().await;
    started.inspect_err(|error| warn!(%error, "Queries have no threads of their own.")).ok()
}

/// The socket, watched by the runtime that will accept on it.
fn watched(listener: std::net::TcpListener, workers: Option<&Workers>) -> io::Result<TcpListener> {
    let _within = workers.map(|workers| workers.runtime.enter());
    listener.set_nonblocking(true)?;
    TcpListener::from_std(listener)
}

/// # Errors
/// The file of tokens cannot be used.
fn check_tokens(http: &HttpConfig) -> Result<(), ServerError> {
    match http.token_problem() {
        Some(reason) => Err(ServerError::Tokens { reason }),
        None => Ok(()),
    }
}

/// A socket that connections come from.
trait Listen: Send + 'static {
    type Stream: AsyncRead + AsyncWrite + Unpin + Send + 'static;

    /// The next connection, and who it is.
    fn next(&self) -> impl Future<Output = io::Result<(Self::Stream, Peer)>> + Send;
}

impl Listen for TcpListener {
    type Stream = TcpStream;

    async fn next(&self) -> io::Result<(TcpStream, Peer)> {
        let (stream, address) = self.accept().await?;
        // Small answers must not wait for the peer's delayed acknowledgement; a socket that refuses this still works.
        let _ = stream.set_nodelay(true);
        Ok((stream, Peer::At(address.ip())))
    }
}

impl Listen for UnixListener {
    type Stream = UnixStream;

    async fn next(&self) -> io::Result<(UnixStream, Peer)> {
        self.accept().await.map(|(stream, _)| (stream, Peer::Admin))
    }
}

fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => "another program listens there: stop it or choose another port with `--http ADDR`",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one with `--http ADDR`",
        io::ErrorKind::AddrNotAvailable => "this host has no such address: choose one of its own with `--http ADDR`",
        _ => "choose another address with `--http ADDR`",
    }
}

async fn accept(listener: impl Listen, routes: Router, parts: Parts, http: HttpConfig, stop: CancellationToken) {
    let places = Arc::new(Semaphore::new(http.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        // The place comes first: a client that finds none waits in the listen queue, and costs us nothing there.
        let place = tokio::select! {
            () = stop.cancelled() => break,
            place = places.clone().acquire_owned() => place,
            Some(_) = connections.join_next() => continue,
        };
        let (stream, peer) = tokio::select! {
            () = stop.cancelled() => break,
            accepted = listener.next() => match accepted {
                Ok(accepted) => accepted,
                Err(error) => {
                    // Out of descriptors, usually: trying again at once would only burn CPU.
                    warn!(%error, "A connection could not be accepted; trying again. Raise the limit of open files.");
                    parts.spare_descriptors();
                    tokio::time::sleep(REST).await;
                    continue;
                }
            },
        };
        let connection = graceful.watch(serve(stream, Named { routes: routes.clone(), peer }, &http));
        connections.spawn(async move {
            if let Err(error) = connection.await {
                debug!(?peer, %error, "A connection ended early.");
            }
            drop(place);
        });
    }
    drop(listener);
    if tokio::time::timeout(http.drain_for, graceful.shutdown()).await.is_err() {
        warn!(
            connections = connections.len(),
            "Stopped before every request was answered; raise `drain-for` to wait longer."
        );
    }
    connections.shutdown().await;
}

fn serve<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(
    stream: S,
    routes: Named,
    http: &HttpConfig,
) -> http1::Connection<TokioIo<RawQuotes<Worded<Patient<S>>>>, Named> {
    let stream = RawQuotes::new(Worded::new(Patient::new(stream, http.send_timeout)));
    http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(http.header_timeout)
        .max_buf_size(LONGEST_HEAD)
        .serve_connection(TokioIo::new(stream), routes)
}

/// The routes, told who asks.
struct Named {
    routes: Router,
    peer: Peer,
}

impl Service<Request<Incoming>> for Named {
    type Response = Response;
    type Error = Infallible;
    type Future = TowerToHyperServiceFuture<Router, Request<Incoming>>;

    fn call(&self, mut request: Request<Incoming>) -> Self::Future {
        request.extensions_mut().insert(self.peer);
        TowerToHyperService::new(self.routes.clone()).call(request)
    }
}
