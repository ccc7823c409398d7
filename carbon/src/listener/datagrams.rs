//! Lines over UDP. Nobody can be made to wait, so while the cache is full we do not read, the kernel keeps what fits its
//! buffer and counts what it drops, and we count what it counted.
//!
//! A turn takes up to 64 datagrams, one system call each, and their points go on as one batch.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use tokio::net::UdpSocket;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::buffer;
use crate::batch::Batch;
use crate::intake::{Intake, Readiness};

/// Datagrams read before others have their turn.
const TURN: usize = 64;

/// How long a stop reads what the kernel had accepted, while more arrives.
const DRAIN: Duration = Duration::from_secs(3);

/// One UDP socket.
#[derive(Debug)]
pub(crate) struct Datagrams {
    pub(crate) intake: Arc<Intake>,
    pub(crate) socket: UdpSocket,
    pub(crate) stop: CancellationToken,
}

impl Datagrams {
    /// Reads until `stop` fires, and then what the kernel holds.
    pub(crate) async fn run(&self) {
        let mut batch = Batch::new();
        loop {
            let ready = tokio::select! {
                biased;
                () = self.stop.cancelled() => break,
                ready = self.socket.readable() => ready,
            };
            // Only a runtime that ends says so.
            if ready.is_err() {
                return;
            }
            let emptied = turn(&self.intake, |buffer| self.socket.try_recv_from(buffer), &mut batch);
            self.intake.accept(&mut batch).await;
            if !emptied {
                tokio::task::yield_now().await;
            }
        }
    }

    /// Reads what the kernel holds. Asked directly, since the runtime may not have heard of the latest yet. Gives the
    /// socket itself, because the kernel forgets what it dropped once that is closed.
    pub(crate) async fn drain(self) -> io::Result<std::net::UdpSocket> {
        let Datagrams { intake, socket, .. } = self;
        let socket = socket.into_std()?;
        let (until, mut batch) = (Instant::now() + DRAIN, Batch::new());
        while Instant::now() < until {
            let emptied = turn(&intake, |buffer| socket.recv_from(buffer), &mut batch);
            if intake.accept(&mut batch).await == Readiness::Late || emptied {
                break;
            }
        }
        Ok(socket)
    }
}

/// `true` when the socket had nothing more.
fn turn(
    intake: &Intake,
    mut receive: impl FnMut(&mut [u8]) -> io::Result<(usize, SocketAddr)>,
    batch: &mut Batch,
) -> bool {
    buffer::lend(|buffer| {
        for _ in 0..TURN {
            let Ok((length, peer)) = receive(buffer) else { return true };
            intake.stats.datagrams.fetch_add(1, Relaxed);
            intake.decode_datagram(&buffer[..length], &peer, batch);
        }
        false
    })
}
