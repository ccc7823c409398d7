//! Accepts connections and serves each in a task of its own, until it is told to stop.

use std::convert::Infallible;
use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};
use std::time::{Duration, Instant};

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
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{debug, warn};

use super::Status;
use super::access::Peer;
use super::bare::Worded;
use super::desk::Part;
use super::patient::Patient;
use super::raw_quotes::RawQuotes;
use crate::config::HttpConfig;

/// Bytes of a request's head: enough for a dashboard's longest GET.
const LONGEST_HEAD: usize = 256 * 1024;

/// Pause after a connection that could not be accepted.
const REST: Duration = Duration::from_millis(100);

/// One line is logged about that in such a time.
const TOLD: Duration = Duration::from_secs(10);

/// The parts of this process, asked for descriptors when there are none left.
#[derive(Clone, Default)]
pub(super) struct Parts {
    all: Vec<Arc<dyn Part>>,
    /// Whether they are being asked. Until that is done nobody knows whether it was enough.
    under_way: Arc<AtomicBool>,
}

impl Parts {
    pub(super) fn of(status: &Status) -> Parts {
        Parts { all: status.parts.clone(), under_way: Arc::default() }
    }

    /// Has each give back what it can do without, on a thread that may wait for a disk.
    fn spare_descriptors(&self) {
        if self.under_way.swap(true, Relaxed) {
            return;
        }
        let (parts, done) = (self.all.clone(), Done(Arc::clone(&self.under_way)));
        drop(tokio::task::spawn_blocking(move || {
            let _done = done;
            parts.iter().for_each(|part| part.spare_descriptors());
        }));
    }
}

impl fmt::Debug for Parts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.all.iter().map(|part| part.name())).finish()
    }
}

/// Lets the next one ask, also after a panic and when nothing runs any more.
struct Done(Arc<AtomicBool>);

impl Drop for Done {
    fn drop(&mut self) {
        self.0.store(false, Relaxed);
    }
}

/// A socket that connections come from.
pub(super) trait Listen: Send + 'static {
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

/// Serves who comes, with at most `connections` of `http` at a time; on stop, what is in flight has `drain-for` to end.
pub(super) async fn accept(
    listener: impl Listen,
    routes: Router,
    parts: Parts,
    http: HttpConfig,
    stop: CancellationToken,
) {
    let places = Arc::new(Semaphore::new(http.connections));
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    let mut told: Option<Instant> = None;
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
                    if told.is_none_or(|told| told.elapsed() >= TOLD) {
                        told = Some(Instant::now());
                        warn!(%error, "Cannot accept a connection; trying again. Raise the limit of open files.");
                    }
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
