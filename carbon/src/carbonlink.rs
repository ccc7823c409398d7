//! Answers cache queries of other processes: our own renderer, or graphite-web. This file knows sockets and limits; what
//! is answered stands in [`answer`].
//!
//! A peer costs at most [`SMALL`] bytes each way unless it holds one of [`MOST_LARGE`] permits, so that neither large
//! questions nor slow readers of large answers add up. Whoever stops in the middle of a question, or does not fetch its
//! answer, is cut off.

mod answer;

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use carbon_line::carbonlink::{Request, Response};
use carbon_line::frame;
use carbon_storage::Store;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, SemaphorePermit};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tracing::debug;

use crate::cache::Cache;
use crate::stats::Stats;

/// Bytes that a question or an answer may have without a permit.
const SMALL: usize = 256 << 10;

/// Large questions and answers in memory at once.
pub(crate) const MOST_LARGE: usize = 4;

/// Most bytes of an answer: two million points. Whoever asks for more is told to ask in parts.
const LARGEST: usize = 32 << 20;

/// How long a question may take to arrive once it has begun.
const ARRIVES_WITHIN: Duration = Duration::from_secs(10);

/// How long an answer may take to be fetched.
const FETCHED_WITHIN: Duration = Duration::from_secs(30);

/// How queries are served.
pub(crate) struct CarbonLink {
    pub(crate) cache: Arc<Cache>,
    pub(crate) store: Arc<dyn Store>,
    pub(crate) stats: Arc<Stats>,
    /// How long a peer may be silent between two questions.
    pub(crate) idle_timeout: Duration,
    /// [`MOST_LARGE`] permits.
    pub(crate) large: Semaphore,
    pub(crate) stop: CancellationToken,
}

impl CarbonLink {
    /// Answers one peer until it hangs up, breaks the protocol, is silent or slow for too long, or `stop` fires.
    pub(crate) async fn serve(self: Arc<Self>, mut stream: TcpStream) {
        loop {
            let exchanged = tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                exchanged = self.exchange(&mut stream) => exchanged,
            };
            if let Err(error) = exchanged {
                return debug!(%error, "A cache query connection ended.");
            }
        }
    }

    async fn exchange(&self, stream: &mut TcpStream) -> io::Result<()> {
        let length = within(self.idle_timeout, "is silent", stream.read_u32()).await? as usize;
        if length > frame::LONGEST_FRAME {
            return Err(io::Error::other(format!("a query announces {length} bytes")));
        }
        let mut permit = Permit { all: &self.large, held: None };
        permit.for_size(length).await;
        // Grows with what really arrives, whatever was announced.
        let mut body = Vec::new();
        within(
            ARRIVES_WITHIN,
            "stops in the middle of a query",
            (&mut *stream).take(length as u64).read_to_end(&mut body),
        )
        .await?;
        if body.len() < length {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let answer = match Request::decode(&body) {
            Ok(request) => self.answer(request, &mut permit).await,
            Err(error) => Response::Error(error.to_string()).encode(),
        };
        within(FETCHED_WITHIN, "does not fetch its answer", send(stream, &answer)).await
    }
}

/// A small answer goes out in one piece; a large one is not copied for the sake of the length before it.
async fn send(stream: &mut TcpStream, answer: &[u8]) -> io::Result<()> {
    if answer.len() <= SMALL {
        return stream.write_all(&frame::wrap(answer).map_err(io::Error::other)?).await;
    }
    stream.write_u32(u32::try_from(answer.len()).map_err(io::Error::other)?).await?;
    stream.write_all(answer).await
}

async fn within<T>(limit: Duration, fault: &str, work: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    let late = |_| io::Error::new(io::ErrorKind::TimedOut, format!("the peer {fault} for {limit:?}"));
    timeout(limit, work).await.map_err(late)?
}

/// The right to hold much, taken when it is needed and given back with the exchange.
struct Permit<'a> {
    all: &'a Semaphore,
    held: Option<SemaphorePermit<'a>>,
}

impl Permit<'_> {
    /// Waits for a permit if `size` bytes need one.
    async fn for_size(&mut self, size: usize) {
        if size > SMALL && self.held.is_none() {
            // The semaphore is never closed.
            self.held = self.all.acquire().await.ok();
        }
    }
}
