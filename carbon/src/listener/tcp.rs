//! The plaintext protocol over TCP.

use std::cell::RefCell;
use std::io::{ErrorKind, Read};
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use carbon_line::Decoder;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::batch::Batch;
use crate::intake::Intake;

/// Bytes taken from a socket at once.
const READ: usize = 256 * 1024;

/// How long a stop reads what the kernel had accepted, for one connection whose peer keeps sending.
const DRAIN: Duration = Duration::from_secs(3);

thread_local! {
    // Read buffers belong to workers, not to connections: an idle connection holds none.
    static BUFFER: RefCell<Vec<u8>> = RefCell::new(vec![0; READ]);
}

/// How plaintext connections are served.
#[derive(Debug)]
pub(crate) struct Plaintext {
    pub(crate) intake: Arc<Intake>,
    pub(crate) max_line: usize,
    pub(crate) idle_timeout: Duration,
    pub(crate) stop: CancellationToken,
}

/// What one attempt to read brought.
enum Progress {
    Bytes,
    Nothing,
    End,
}

impl Plaintext {
    /// Serves one peer until it hangs up, is silent for too long, or `stop` fires. Whole lines that our side of the
    /// connection had received by then are always delivered.
    pub(crate) async fn serve(self: Arc<Self>, stream: TcpStream, peer: SocketAddr) {
        let stats = &self.intake.stats;
        stats.connections.fetch_add(1, Relaxed);
        let mut decoder = Decoder::with_longest(self.max_line);
        if self.until_stop(&stream, &mut decoder, peer).await {
            self.drain(stream, &mut decoder, peer).await;
        }
        if let Some(reject) = decoder.finish() {
            self.intake.refuse(reject, b"", &peer);
        }
        stats.connections.fetch_sub(1, Relaxed);
    }

    /// `true` when the stop ended it and there may be more to read.
    async fn until_stop(&self, stream: &TcpStream, decoder: &mut Decoder, peer: SocketAddr) -> bool {
        let mut batch = Batch::new();
        loop {
            let readable = tokio::select! {
                biased;
                () = self.stop.cancelled() => return true,
                readable = timeout(self.idle_timeout, stream.readable()) => readable,
            };
            if !matches!(readable, Ok(Ok(()))) {
                return false;
            }
            if let Progress::End = self.read(|buffer| stream.try_read(buffer), decoder, peer, &mut batch) {
                return false;
            }
            // A full cache makes us wait here; we stop reading, and TCP slows the sender down.
            self.intake.accept(&mut batch).await;
            // An idle connection keeps no batch.
            batch.shrink_to(64);
        }
    }

    /// Reads until the kernel has nothing more. Asked directly, since the runtime may not have heard of the latest
    /// bytes yet.
    async fn drain(&self, stream: TcpStream, decoder: &mut Decoder, peer: SocketAddr) {
        let Ok(mut stream) = stream.into_std() else { return };
        let (until, mut batch) = (Instant::now() + DRAIN, Batch::new());
        while Instant::now() < until {
            if !matches!(self.read(|buffer| stream.read(buffer), decoder, peer, &mut batch), Progress::Bytes) {
                return;
            }
            self.intake.accept(&mut batch).await;
        }
    }

    fn read(
        &self,
        read: impl FnOnce(&mut [u8]) -> std::io::Result<usize>,
        decoder: &mut Decoder,
        peer: SocketAddr,
        batch: &mut Batch,
    ) -> Progress {
        BUFFER.with_borrow_mut(|buffer| match read(buffer) {
            Ok(0) => Progress::End,
            Ok(count) => {
                self.intake.decode(decoder, &buffer[..count], &peer, batch);
                Progress::Bytes
            }
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted) => Progress::Nothing,
            Err(_) => Progress::End,
        })
    }
}
