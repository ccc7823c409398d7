//! Accepting connections, the same for every protocol over TCP: a limit, a stop that forgets nobody, named failures.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tracing::{error, warn};

/// What one listener and its connections share.
#[derive(Clone, Debug)]
pub(crate) struct Accept {
    /// One permit a connection; further peers wait in the kernel's queue.
    pub(crate) permits: Arc<Semaphore>,
    pub(crate) tracker: TaskTracker,
    pub(crate) stop: CancellationToken,
}

impl Accept {
    /// Serves each connection in a task of its own until `stop` fires. Peers whose connection the kernel had completed
    /// by then are served as well, since they believe that they were heard.
    pub(crate) async fn run<F>(self, listener: TcpListener, serve: impl Fn(TcpStream, SocketAddr) -> F)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        loop {
            let accepted = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                accepted = self.next(&listener) => accepted,
            };
            match accepted {
                Ok((stream, peer, permit)) => self.spawn(serve(stream, peer), peer, Some(permit)),
                Err(error) => {
                    // Mostly "too many open files"; the connection stays in the queue until there are some.
                    warn!(%error, "Cannot accept a connection; trying again in 100 ms. Raise the limit of open files.");
                    tokio::time::sleep(Duration::from_millis(100)).await;
                }
            }
        }
        let Ok(listener) = listener.into_std() else { return };
        while let Ok((stream, peer)) = listener.accept() {
            if stream.set_nonblocking(true).is_ok()
                && let Ok(stream) = TcpStream::from_std(stream)
            {
                self.spawn(serve(stream, peer), peer, None);
            }
        }
    }

    async fn next(&self, listener: &TcpListener) -> std::io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        let permit = Arc::clone(&self.permits).acquire_owned().await.map_err(std::io::Error::other)?;
        let (stream, peer) = listener.accept().await?;
        Ok((stream, peer, permit))
    }

    fn spawn(
        &self,
        serve: impl Future<Output = ()> + Send + 'static,
        peer: SocketAddr,
        permit: Option<OwnedSemaphorePermit>,
    ) {
        self.tracker.spawn(async move {
            let _permit = permit;
            let _named = Named(peer);
            serve.await;
        });
    }
}

/// Makes a panic in a connection an error with a name.
struct Named(SocketAddr);

impl Drop for Named {
    fn drop(&mut self) {
        if std::thread::panicking() {
            error!(peer = %self.0, "The task of a connection panicked; the connection is closed. This is a bug.");
        }
    }
}
