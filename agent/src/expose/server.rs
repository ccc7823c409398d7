//! The socket of the page: a request for each connection, few of them at a time, and none for long.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::header::{ALLOW, CONTENT_TYPE, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;
use tracing::{debug, warn};

use super::Exposed;

/// Connections at a time; more are closed at once.
const MOST_PEERS: usize = 8;

/// How long a request's head may take, and a whole connection.
const HEAD: Duration = Duration::from_secs(5);
const PATIENCE: Duration = Duration::from_secs(20);

/// Bytes of a request's head; hyper takes no less.
const LONGEST_HEAD: usize = 8 << 10;

/// Answers until it is dropped.
#[derive(Debug)]
pub(super) struct Door {
    address: SocketAddr,
    _task: AbortOnDropHandle<()>,
}

impl Door {
    /// Where it is.
    pub(super) fn address(&self) -> SocketAddr {
        self.address
    }
}

/// Answers at `address` with what is `exposed`. Has to be called within a tokio runtime.
///
/// # Errors
/// Another program has the port, or the address is not of this host.
pub(super) fn open(address: SocketAddr, exposed: Arc<Exposed>) -> io::Result<Door> {
    let listener = std::net::TcpListener::bind(address)?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let task = tokio::spawn(accept(TcpListener::from_std(listener)?, exposed));
    Ok(Door { address, _task: AbortOnDropHandle::new(task) })
}

async fn accept(listener: TcpListener, exposed: Arc<Exposed>) {
    let (mut peers, mut refused) = (JoinSet::new(), false);
    loop {
        tokio::select! {
            accepted = listener.accept() => match accepted {
                Ok((_, peer)) if peers.len() >= MOST_PEERS => {
                    if !std::mem::replace(&mut refused, true) {
                        warn!(%peer, "Too many ask for the page of values at the same time; some are turned away.");
                    }
                }
                Ok((socket, _)) => drop(peers.spawn(answer(socket, Arc::clone(&exposed)))),
                Err(error) => {
                    debug!("A connection could not be taken: {error}.");
                    // Without descriptors the next try fails at once, too.
                    sleep(Duration::from_secs(1)).await;
                }
            },
            Some(_) = peers.join_next() => refused &= !peers.is_empty(),
        }
    }
}

async fn answer(socket: TcpStream, exposed: Arc<Exposed>) {
    let service = service_fn(|request: Request<Incoming>| {
        let answer = respond(&request, &exposed);
        async { Ok::<_, Infallible>(answer) }
    });
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(HEAD).max_buf_size(LONGEST_HEAD).keep_alive(false);
    match timeout(PATIENCE, http.serve_connection(TokioIo::new(socket), service)).await {
        Ok(Ok(())) => {}
        Ok(Err(error)) => debug!("A request for the page of values failed: {error}."),
        Err(_) => debug!("A request for the page of values took too long."),
    }
}

fn respond(request: &Request<Incoming>, exposed: &Exposed) -> Response<Full<Bytes>> {
    let read = matches!(*request.method(), Method::GET | Method::HEAD);
    let (status, body) = match request.uri().path() {
        _ if !read => (StatusCode::METHOD_NOT_ALLOWED, "only GET and HEAD\n".to_owned()),
        "/metrics" => (StatusCode::OK, exposed.page(Instant::now())),
        "/" => (StatusCode::OK, "the values of Plumbago's agent are at /metrics\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "there is /metrics\n".to_owned()),
    };
    let mut response = Response::new(Full::from(body));
    *response.status_mut() = status;
    let text = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");
    response.headers_mut().insert(CONTENT_TYPE, text);
    if !read {
        response.headers_mut().insert(ALLOW, HeaderValue::from_static("GET, HEAD"));
    }
    response
}
