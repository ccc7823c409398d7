//! Graphite's plaintext protocol over TCP: connects when there is something to send, keeps the connection, and gives
//! nothing up that the buffer can still hold.

use std::hash::{BuildHasher, RandomState};
use std::io;
use std::sync::Arc;
use std::time::Duration;

use rustix::net::RecvFlags;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use crate::{AgentConfig, Buffer};

/// Delivers a buffer to one listener.
#[derive(Debug)]
pub struct Graphite {
    destination: String,
    buffer: Arc<Buffer>,
    pauses: Pauses,
    patience: Duration,
}

impl Graphite {
    /// Will deliver `buffer` to the destination of `config`.
    pub fn new(config: &AgentConfig, buffer: Arc<Buffer>) -> Graphite {
        let pauses = Pauses { first: config.retry_first, most: config.retry_most, failures: 0 };
        Graphite { destination: config.destination.clone(), buffer, pauses, patience: config.patience }
    }

    /// Delivers until `closing` fires and the buffer is empty. Who calls bounds how long that may take.
    pub async fn run(mut self, closing: CancellationToken) {
        let mut told = false;
        while self.wait_for_lines(&closing).await {
            let error = match self.connect().await {
                Ok(peer) => {
                    if told {
                        info!(peer = self.destination, "Delivers again.");
                    }
                    told = false;
                    match self.deliver(peer, &closing).await {
                        Ok(()) => return,
                        Err(error) => error,
                    }
                }
                Err(error) => error,
            };
            if !told {
                warn!(peer = self.destination, "Cannot deliver, lines wait in the buffer: {error}.");
                told = true;
            }
            let pause = self.pauses.next();
            tokio::select! {
                () = sleep(pause) => {}
                // One attempt at once, and then no faster than the first pause: the listener may be stopping with us.
                () = closing.cancelled() => sleep(pause.min(self.pauses.first)).await,
            }
        }
    }

    /// Waits until there is something to deliver; `false` when nothing will come any more.
    async fn wait_for_lines(&self, closing: &CancellationToken) -> bool {
        while self.buffer.counts().queued == 0 {
            if closing.is_cancelled() {
                return false;
            }
            tokio::select! {
                () = self.buffer.filled() => {}
                () = closing.cancelled() => {}
            }
        }
        true
    }

    /// Looks the name up anew, since a service may have moved.
    async fn connect(&self) -> io::Result<TcpStream> {
        let peer =
            timeout(self.patience, TcpStream::connect(&self.destination)).await.map_err(|_| late("connecting"))??;
        // Lines leave in chunks of several; waiting for more gains nothing.
        let _ = peer.set_nodelay(true);
        self.buffer.connected();
        Ok(peer)
    }

    /// Writes chunk after chunk; ends well only when `closing` fired and nothing is left.
    async fn deliver(&mut self, mut peer: TcpStream, closing: &CancellationToken) -> io::Result<()> {
        loop {
            // A peer that has hung up is noticed before the lines are given to its socket, where they would be lost.
            hung_up(&peer)?;
            let Some(chunk) = self.buffer.take() else {
                if closing.is_cancelled() {
                    return peer.shutdown().await;
                }
                tokio::select! {
                    () = self.buffer.filled() => {}
                    () = closing.cancelled() => {}
                    readable = peer.readable() => readable?,
                }
                continue;
            };
            let chunk = Held { chunk: Some(chunk), buffer: Arc::clone(&self.buffer) };
            match timeout(self.patience, peer.write_all(chunk.bytes())).await {
                Ok(Ok(())) => chunk.delivered(),
                Ok(Err(error)) => return Err(error),
                Err(_) => return Err(late("writing")),
            }
            self.pauses.failures = 0;
        }
    }
}

/// A chunk on its way; one that is dropped undelivered goes back, even when the task is cut off in the middle.
struct Held {
    chunk: Option<Vec<u8>>,
    buffer: Arc<Buffer>,
}

impl Held {
    fn bytes(&self) -> &[u8] {
        self.chunk.as_deref().unwrap_or_default()
    }

    fn delivered(mut self) {
        if let Some(chunk) = self.chunk.take() {
            self.buffer.delivered(&chunk);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(chunk) = self.chunk.take() {
            // Lines that the peer has got already go out twice: same name, same time, so nothing is counted twice.
            self.buffer.put_back(chunk);
        }
    }
}

/// Reads what the peer says, which is nothing of interest, to learn whether it is still there.
fn hung_up(peer: &TcpStream) -> io::Result<()> {
    let closed = || Err(io::Error::new(io::ErrorKind::ConnectionAborted, "the other side closed the connection"));
    // Asks the kernel itself: the runtime learns of a hang-up only when it next looks, and a chunk would be lost until
    // then. Nothing is taken out, so that the runtime's own view stays true.
    if let Ok((_, 0)) = rustix::net::recv(peer, &mut [0; 1], RecvFlags::PEEK | RecvFlags::DONTWAIT) {
        return closed();
    }
    // A peer that talks without end is left to talk; the next look continues.
    for _ in 0..16 {
        match peer.try_read(&mut [0; 1024]) {
            Ok(0) => return closed(),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn late(doing: &str) -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, format!("{doing} takes too long"))
}

/// Pauses between attempts: doubling, and up to a half shorter at random so that a fleet does not return in one moment.
#[derive(Debug)]
struct Pauses {
    first: Duration,
    most: Duration,
    failures: u32,
}

impl Pauses {
    fn next(&mut self) -> Duration {
        let longest = self.first.saturating_mul(1_u32.checked_shl(self.failures).unwrap_or(u32::MAX)).min(self.most);
        self.failures = (self.failures + 1).min(31);
        // Every RandomState has other keys, which is all the randomness that jitter needs.
        let share = RandomState::new().hash_one(0) as f64 / u64::MAX as f64;
        longest.mul_f64(0.5 + share / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest() {
        let mut pauses = Pauses { first: Duration::from_secs(1), most: Duration::from_secs(60), failures: 0 };
        for expected in [1, 2, 4, 8, 16, 32, 60, 60] {
            let pause = pauses.next().as_secs_f64();
            assert!((f64::from(expected) / 2.0..=f64::from(expected)).contains(&pause), "{pause} for {expected}");
        }
        for _ in 0..100 {
            assert!(pauses.next() <= Duration::from_secs(60));
        }
    }
}
