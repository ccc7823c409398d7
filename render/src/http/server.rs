//! The server: its sockets, opened and closed in order.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::path::PathBuf;

use axum::Router;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::accept::{Listen, Parts, accept};
use super::admin::{AdminSocket, OwnPath};
use super::workers::Workers;
use super::{Sources, Status, router, status_router};
use crate::config::{HttpConfig, RenderConfig};

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

fn remedy(kind: io::ErrorKind) -> &'static str {
    match kind {
        io::ErrorKind::AddrInUse => "another program listens there: stop it or choose another port with `--http ADDR`",
        io::ErrorKind::PermissionDenied => "ports below 1024 need a privilege: choose a higher one with `--http ADDR`",
        io::ErrorKind::AddrNotAvailable => "this host has no such address: choose one of its own with `--http ADDR`",
        _ => "choose another address with `--http ADDR`",
    }
}
